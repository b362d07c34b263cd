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
/// A call's future owns one share of them all, or borrows them. What each of them keeps of a call is its part of
/// [`Run`](Self::Run), and knows neither the policy nor what that stands around: both are handed down with each poll, and so
/// is the operation, which whoever has to wait begins later.
pub trait Chain<X: CallTypes> {
    /// A call on its way.
    type Run;

    /// Begins a call.
    fn begin<O: Operation<X>>(&self, operation: &mut O, round: impl Round) -> Self::Run;

    /// Polls it.
    fn poll<O: Operation<X>>(
        &self,
        run: Pin<&mut Self::Run>,
        operation: &mut O,
        round: impl Round,
        cx: &mut Context<'_>,
    ) -> Poll<ChainResult<X>>;

    /// It is about to be dropped: what it took is given back, after what it took it for has ended.
    fn abandon(&self, run: Pin<&mut Self::Run>);

    /// Whether a call that came now would be refused, and not wait.
    fn refuses(&self) -> bool;
}

/// What a call comes to in the middle of a stack: its own result, or the rejection of a policy further in.
pub type ChainResult<X> = Result<Result<<X as CallTypes>::Output, <X as CallTypes>::Error>, Rejection>;

/// What stands inside of a policy: the rest of the chain, and the operation that it makes.
pub(super) struct Rest<'a, R, O, N> {
    pub(super) chain: &'a R,
    pub(super) operation: &'a mut O,
    pub(super) round: N,
}

/// [`Rest`], with the shape of its call.
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

/// Nothing around the call.
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

/// The rejection that a call came to, by a policy further in or, where the error shows it, below.
#[inline]
pub(super) fn rejection<X: CallTypes>(end: &ChainResult<X>) -> Option<&Rejection> {
    match end {
        Ok(result) => X::rejection(result),
        Err(rejection) => Some(rejection),
    }
}

/// What a gate makes of the end of a call. A policy's rejection says nothing of the callee, but where an attempt took longer
/// than its own limit, it failed; and one that the caller's deadline cut off counts as one that the caller has dropped. Where
/// there was no time at all, the callee was not touched.
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
