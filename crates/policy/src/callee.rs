use std::{
    pin::Pin,
    task::{Context, Poll},
};

/// The inner call of a policy, which the policy begins and polls.
///
/// A call's future owns one shared handle to all policies, or borrows the policies. The state that each policy keeps for a call
/// therefore refers neither to the policy nor to the inner call. Both are passed to every poll.
pub trait Callee {
    /// The call after it was begun.
    type Call;
    /// The output of the call.
    type Output;

    /// Begins the call.
    fn begin(&mut self) -> Self::Call;

    /// Polls the call.
    fn poll(&mut self, call: Pin<&mut Self::Call>, cx: &mut Context<'_>) -> Poll<Self::Output>;

    /// Takes ownership of all that the call needs, because a later poll begins it. The default does nothing.
    fn postpone(&mut self);
}
