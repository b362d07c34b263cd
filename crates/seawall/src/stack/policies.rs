//! Each policy around the rest of a chain.

use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use seawall_bulkhead::Bulkhead;
use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::{
    Classify, Hint, Mark, Rejection,
    attempts::{Attempt, GaveUp, Round, Verdict},
    time::{Clock, Timer},
};
use seawall_policy::{Admit, GateCall, PassOf};
use seawall_rate_limit::RateLimiter;
use seawall_retry::{Decide, Repeatable, Retry, RetryCall, judge_attempt};
use seawall_timeout::{Timeout, TimeoutCall, TimeoutLimit};

use super::{
    chain::{Chain, ChainResult, Inside, Rest, rejection, verdict},
    operation::{CallTypes, Operation},
};

/// The state that a gate keeps for a call.
type Through<A, C> = GateCall<C, PassOf<A>, <A as Admit>::Wait>;

// A macro, because the gates' bounds on the call and the clock differ, and a blanket impl would exclude other policies.
macro_rules! gate {
    ([$($generics:tt)*] $gate:ty, $($bounds:tt)*) => {
        impl<X, R, $($generics)*> Chain<X> for ($gate, R)
        where
            X: CallTypes,
            R: Chain<X>,
            $($bounds)*
        {
            type Run = Through<$gate, R::Run>;

            #[inline(always)]
            fn begin<O: Operation<X>>(&self, operation: &mut O, round: impl Round) -> Self::Run {
                GateCall::begin(&self.0, &mut inside::<X, _, _, _>(&self.1, operation, round))
            }

            #[inline(always)]
            fn poll<O: Operation<X>>(
                &self,
                run: Pin<&mut Self::Run>,
                operation: &mut O,
                round: impl Round,
                cx: &mut Context<'_>,
            ) -> Poll<ChainResult<X>> {
                run.poll(&self.0, &mut inside(&self.1, operation, round), cx, verdict::<X, _>)
            }

            fn abandon(&self, run: Pin<&mut Self::Run>) {
                run.abandon(&self.0, |call| self.1.abandon(call));
            }

            fn refuses(&self) -> bool {
                self.0.refuses() || self.1.refuses()
            }
        }
    };
}

gate!([C, K] CircuitBreaker<C, K>, C: Classify<X::Output, X::Error>, K: Clock,);
gate!([K] RateLimiter<K>, K: Timer,);
gate!([K] Bulkhead<K>, K: Timer,);

#[inline(always)]
fn inside<'a, X, R, O, N>(chain: &'a R, operation: &'a mut O, round: N) -> Inside<'a, X, R, O, N> {
    Inside(Rest { chain, operation, round }, PhantomData)
}

// ===== Timeout =====

impl<X, L, K, R> Chain<X> for (Timeout<L, K>, R)
where
    X: CallTypes,
    L: TimeoutLimit<X::Request>,
    K: Timer,
    R: Chain<X>,
{
    type Run = TimeoutCall<R::Run, K::Sleep, L::LatencySink>;

    #[inline(always)]
    fn begin<O: Operation<X>>(&self, operation: &mut O, round: impl Round) -> Self::Run {
        let (timeout, rest) = self;
        let (limit, watch) = (timeout.limit_for(operation.request()), timeout.limit().watch());
        TimeoutCall::begin(timeout.terms(), limit, watch, || rest.begin(operation, round))
    }

    #[inline(always)]
    fn poll<O: Operation<X>>(
        &self,
        mut run: Pin<&mut Self::Run>,
        operation: &mut O,
        round: impl Round,
        cx: &mut Context<'_>,
    ) -> Poll<ChainResult<X>> {
        let (timeout, rest) = self;
        let poll = |call: Pin<&mut R::Run>| rest.poll(call, operation, round, cx);
        let mut polled = run.as_mut().poll_call(timeout.terms(), poll, |end| matches!(end, Ok(Ok(_))));
        if let Poll::Ready(end) = &mut polled {
            if matches!(rejection::<X>(end), Some(Rejection::TimedOut(timed_out)) if timed_out.is_by_deadline()) {
                // The deadline may be this timeout's own limit. Then the callee was slow, not the caller impatient.
                if let Some(timed_out) = run.as_mut().own_rejection(timeout.terms()) {
                    *end = Err(timed_out);
                }
            }
            return polled;
        }
        run.poll_over(timeout.terms(), cx, |call| rest.abandon(call)).map(Err)
    }

    fn abandon(&self, run: Pin<&mut Self::Run>) {
        if let Some(call) = run.call() {
            self.1.abandon(call);
        }
    }

    fn refuses(&self) -> bool {
        self.1.refuses()
    }
}

// ===== Retry =====

impl<X, P, K, R> Chain<X> for (Retry<P, K>, R)
where
    X: CallTypes,
    P: Decide<X::Output, X::Error>,
    K: Timer,
    R: Chain<X>,
{
    type Run = RetryCall<R::Run, K::Sleep, X::Error>;

    #[inline(always)]
    fn begin<O: Operation<X>>(&self, operation: &mut O, round: impl Round) -> Self::Run {
        let (retry, rest) = self;
        let mut attempts = RestAttempts(inside::<X, _, _, _>(rest, operation, round));
        RetryCall::begin(retry.parts(), P::NEEDS_TIME || O::NEEDS_TIME, &mut attempts)
    }

    #[inline(always)]
    fn poll<O: Operation<X>>(
        &self,
        run: Pin<&mut Self::Run>,
        operation: &mut O,
        round: impl Round,
        cx: &mut Context<'_>,
    ) -> Poll<ChainResult<X>> {
        let (retry, rest) = self;
        run.poll(retry.parts(), &mut RestAttempts(inside::<X, _, _, _>(rest, operation, round)), cx)
    }

    fn abandon(&self, mut run: Pin<&mut Self::Run>) {
        let (retry, rest) = self;
        run.as_mut().refund(retry.parts().purse());
        if let Some(call) = run.call() {
            rest.abandon(call);
        }
    }

    fn refuses(&self) -> bool {
        self.1.refuses()
    }
}

/// The rest of a chain, as the retry's attempts.
struct RestAttempts<'a, X, R, O, N>(Inside<'a, X, R, O, N>);

impl<X, P, R, O, N> Repeatable<P> for RestAttempts<'_, X, R, O, N>
where
    X: CallTypes,
    P: Decide<X::Output, X::Error>,
    R: Chain<X>,
    O: Operation<X>,
    N: Round,
{
    type Call = R::Run;
    type Output = ChainResult<X>;
    type Error = X::Error;

    #[inline(always)]
    fn begin(&mut self, round: impl Round) -> R::Run {
        let Rest { chain, operation, round: around } = &mut self.0.0;
        chain.begin(*operation, Nested { around: *around, round })
    }

    #[inline(always)]
    fn poll(&mut self, call: Pin<&mut R::Run>, round: impl Round, cx: &mut Context<'_>) -> Poll<ChainResult<X>> {
        let Rest { chain, operation, round: around } = &mut self.0.0;
        chain.poll(call, *operation, Nested { around: *around, round }, cx)
    }

    #[inline(always)]
    fn verdict(&self, attempt: &Attempt, plan: &P, end: &ChainResult<X>, mark: Mark) -> Option<Verdict> {
        match end {
            Ok(result) => judge_attempt(plan, attempt, result, |error| X::meaning(error, mark.meaning(error))),
            Err(rejection) => Some(Verdict::on_rejection(rejection.meaning(), Hint::None)),
        }
    }

    fn error(end: &ChainResult<X>) -> Option<&X::Error> {
        end.as_ref().ok()?.as_ref().err()
    }

    fn into_error(end: ChainResult<X>) -> Option<X::Error> {
        end.ok()?.err()
    }

    fn from_error(error: X::Error) -> ChainResult<X> {
        Ok(Err(error))
    }

    fn obstacle(&self) -> Option<GaveUp> {
        self.0.0.operation.obstacle()
    }
}

/// A round of attempts inside another round.
#[derive(Clone, Copy)]
struct Nested<A, N> {
    around: A,
    round: N,
}

impl<A: Round, N: Round> Round for Nested<A, N> {
    #[inline]
    fn attempt(&self) -> Attempt {
        self.round.attempt()
    }

    #[inline]
    fn may_follow(&self) -> bool {
        self.round.may_follow() || self.around.may_follow()
    }
}
