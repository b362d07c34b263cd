use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use seawall_core::{Mark, Outcome, Rejection, attempts::Round};
use seawall_policy::Callee;
use seawall_policy::Judge;

use super::operation::{CallTypes, Operation};

/// Policies around a call, outermost first: `(A, (B, ()))` is `A` around `B`.
///
/// A call's future owns one share of all policies, or borrows them. The state that each policy keeps for a call is its part of
/// [`Run`](Self::Run). That state holds no reference to the policy or to the inner call: both are passed down with each poll.
/// So is the operation, because a policy that must wait begins the inner call later.
pub trait Chain<X: CallTypes> {
    /// The state of a call.
    type Run;

    /// Begins a call.
    fn begin<O: Operation<X>>(&self, operation: &mut O, round: impl Round) -> Self::Run;

    /// Polls a call.
    fn poll<O: Operation<X>>(
        &self,
        run: Pin<&mut Self::Run>,
        operation: &mut O,
        round: impl Round,
        cx: &mut Context<'_>,
    ) -> Poll<ChainResult<X>>;

    /// Gives back what a call took, before the call is dropped. The inner policies give back first.
    fn abandon(&self, run: Pin<&mut Self::Run>);

    /// Returns whether a call would be rejected now, without a wait.
    fn refuses(&self) -> bool;
}

/// The result of a call in the middle of a stack: the inner result, or the rejection of an inner policy.
pub type ChainResult<X> = Result<Result<<X as CallTypes>::Output, <X as CallTypes>::Error>, Rejection>;

/// The inside of a policy: the rest of the chain, and the operation at its end.
pub(super) struct Rest<'a, R, O, N> {
    pub(super) chain: &'a R,
    pub(super) operation: &'a mut O,
    pub(super) round: N,
}

/// A [`Rest`] with the types of its call.
pub(super) struct Inside<'a, X, R, O, N>(pub(super) Rest<'a, R, O, N>, pub(super) PhantomData<X>);

impl<X, R, O, N> Callee for Inside<'_, X, R, O, N>
where
    X: CallTypes,
    R: Chain<X>,
    O: Operation<X>,
    N: Round,
{
    type Call = R::Run;
    type Output = ChainResult<X>;

    #[inline(always)]
    fn begin(&mut self) -> R::Run {
        self.0.chain.begin(self.0.operation, self.0.round)
    }

    #[inline(always)]
    fn poll(&mut self, call: Pin<&mut R::Run>, cx: &mut Context<'_>) -> Poll<ChainResult<X>> {
        self.0.chain.poll(call, self.0.operation, self.0.round, cx)
    }

    fn postpone(&mut self) {
        self.0.operation.postpone();
    }
}

/// The end of a chain: no policy around the call.
impl<X: CallTypes> Chain<X> for () {
    type Run = X::Call;

    #[inline(always)]
    fn begin<O: Operation<X>>(&self, operation: &mut O, round: impl Round) -> X::Call {
        operation.attempt(round)
    }

    #[inline(always)]
    fn poll<O: Operation<X>>(
        &self,
        run: Pin<&mut X::Call>,
        _: &mut O,
        _: impl Round,
        cx: &mut Context<'_>,
    ) -> Poll<ChainResult<X>> {
        run.poll(cx).map(Ok)
    }

    fn abandon(&self, _: Pin<&mut X::Call>) {}

    fn refuses(&self) -> bool {
        false
    }
}

/// Returns the rejection that ended a call, by a policy inside the stack, or by a policy below it if the error shows that.
#[inline]
pub(super) fn rejection<X: CallTypes>(end: &ChainResult<X>) -> Option<&Rejection> {
    match end {
        Ok(result) => X::rejection(result),
        Err(rejection) => Some(rejection),
    }
}

/// Classifies the end of a call for a gate.
///
/// A rejection by an inner policy is not a failure of the callee, with one exception: an attempt that exceeded its own timeout
/// failed. A call that the caller's deadline cut off counts as abandoned. A call without any time left never reached the
/// callee, and is ignored.
#[inline]
pub(super) fn verdict<X, G>(gate: &G, end: &ChainResult<X>, mark: Mark) -> Option<Outcome>
where
    X: CallTypes,
    G: Judge<X::Output, X::Error>,
{
    let rejection = match end {
        Ok(result) => match X::rejection(result) {
            None => return gate.judge(result, mark),
            Some(rejection) => rejection,
        },
        Err(rejection) => rejection,
    };
    rejection.meaning().outcome()
}
