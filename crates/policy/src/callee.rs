use std::{
    pin::Pin,
    task::{Context, Poll},
};

/// A call as the policy around it sees it: something to begin and to poll.
///
/// A call's future may own no more of its policies than one share of them all, or borrow them. So what each policy keeps of a
/// call knows neither the policy nor what it stands around, and is handed both with each poll.
pub trait Callee {
    /// The call, begun.
    type Call;
    /// What it comes to.
    type Output;

    /// Begins the call.
    fn begin(&mut self) -> Self::Call;

    /// Polls it.
    fn poll(&mut self, call: Pin<&mut Self::Call>, cx: &mut Context<'_>) -> Poll<Self::Output>;

    /// It will be begun by a later poll: it is to own what it needs for that.
    fn postpone(&mut self);
}
