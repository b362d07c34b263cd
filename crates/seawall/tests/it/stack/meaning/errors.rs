//! Errors stay flat, and show what they carry.

use std::{convert::Infallible, error, fmt, future, io};

use seawall::{AsRejection, Bulkhead, Deadline, Error, Quota, RateLimiter, Rejection, Stack, State, Timeout};
use tower::{BoxError, Layer, ServiceExt, service_fn};

use crate::stack::support::{Callee, Does, Failed, Reply, SECOND, exactly, open, some_day, three, trips_at, words};

fn spent() -> RateLimiter {
    let limiter = RateLimiter::new("spent", Quota::every(3 * SECOND));
    limiter.try_acquire().unwrap();
    limiter
}

#[tokio::test(start_paused = true)]
async fn an_error_is_as_flat_as_of_one_policy_however_many_there_are() {
    let stack = Stack::new()
        .timeout(Timeout::new("timeout", SECOND))
        .bulkhead(Bulkhead::new("bulkhead", 1))
        .circuit_breaker(trips_at(5))
        .timeout(Timeout::new("timeout", SECOND))
        .rate_limit(spent());
    let reply: Result<(), Error<io::Error>> = stack.execute(|| future::ready(Ok(()))).await;
    let Err(Error::Rejected(rejection)) = reply else { panic!("{reply:?}") };
    assert_eq!((rejection.policy(), rejection.retry_after()), ("spent", Some(3 * SECOND)));
}

#[tokio::test(start_paused = true)]
async fn without_policies_it_is_the_call_itself() {
    let callee = Callee::new([Does::Fails(10), Does::Answers(10)]);
    assert_eq!(Stack::new().execute(|| callee.send()).await, Err(Error::Inner(Failed)));
    assert_eq!(Stack::new().layer().layer(callee.clone()).oneshot(()).await, Ok(2));
    let kept: Reply = Stack::new().call(|| future::ready(Err(Error::Inner(Failed)))).await;
    assert_eq!(kept, Err(Error::Inner(Failed)));
}

/// A circuit breaker around a rejecting rate limit, each in a stack of its own. The inner error is `Error<_>`.
#[tokio::test(start_paused = true)]
async fn a_stack_that_keeps_the_error_heeds_the_rejections_of_a_stack_inside() {
    let (breaker, callee) = (trips_at(1), Callee::new([Does::Answers(0)]));
    let inner = Stack::new().rate_limit(spent());
    let outer = Stack::new().retry(three().build()).circuit_breaker(breaker.clone());
    let plain = || inner.execute(|| callee.send());
    assert_eq!(some_day(outer.call(plain)).await, Ok(1));
    assert_eq!((callee.came(), breaker.state()), (vec![3_000], State::Closed));

    let callee = Callee::new([Does::Answers(0)]);
    let inner = Stack::new().rate_limit(spent());
    let service = outer.layer().clone_all().keep_error().layer(inner.layer().layer(callee.clone()));
    assert_eq!(some_day(service.oneshot(())).await, Ok(1));
    assert_eq!((callee.came(), breaker.state()), (vec![3_000], State::Closed));
}

#[tokio::test(start_paused = true)]
async fn one_that_wraps_it_does_not_blame_the_callee_for_them() {
    let (breaker, callee) = (trips_at(1), Callee::new([Does::Answers(0)]));
    let inner = Stack::new().rate_limit(spent());
    let outer = Stack::new().circuit_breaker(breaker.clone());
    let reply = outer.execute(|| inner.execute(|| callee.send())).await;
    assert!(matches!(reply, Err(Error::Inner(Error::Rejected(Rejection::RateLimited(_))))), "{reply:?}");
    assert_eq!(breaker.state(), State::Closed);
    let service = outer.layer().clone_all().layer(inner.layer().layer(callee.clone()));
    let reply = service.oneshot(()).await;
    assert!(matches!(reply, Err(Error::Inner(Error::Rejected(Rejection::RateLimited(_))))), "{reply:?}");
    assert_eq!((breaker.state(), callee.calls()), (State::Closed, 0));
}

#[tokio::test(start_paused = true)]
async fn a_hang_that_a_stack_inside_tells_of_as_the_deadline_is_a_failure_where_that_was_the_attempts_own_limit() {
    let (breaker, callee) = (trips_at(9), Callee::new([Does::Hangs]));
    let inner = Stack::new().timeout(Timeout::new("timeout", 30 * SECOND));
    let outer = Stack::new().circuit_breaker(breaker.clone()).timeout(Timeout::new("timeout", SECOND));
    let plain = outer.call(|| inner.execute(|| callee.send()));
    assert_eq!(words(&some_day(plain).await), "timed out");
    let service = outer.layer().clone_all().keep_error().layer(inner.layer().layer(callee.clone()));
    assert_eq!(words(&some_day(service.clone().oneshot(())).await), "timed out");
    assert_eq!(breaker.snapshot().consecutive_failures(), 2);

    let late = Deadline::after(SECOND / 2);
    assert_eq!(words(&some_day(late.scope(service.oneshot(()))).await), "out of time");
    assert_eq!(breaker.snapshot().consecutive_failures(), 2);
}

#[tokio::test(start_paused = true)]
async fn rejections_are_seen_in_a_box_and_in_an_enum_of_ones_own() {
    #[derive(Debug)]
    enum Mine {
        Refused(Rejection),
    }
    impl fmt::Display for Mine {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{self:?}")
        }
    }
    impl error::Error for Mine {}
    impl From<Rejection> for Mine {
        fn from(rejection: Rejection) -> Self {
            Self::Refused(rejection)
        }
    }
    impl AsRejection for Mine {
        fn as_rejection(&self) -> Option<&Rejection> {
            let Self::Refused(rejection) = self;
            Some(rejection)
        }
    }
    let breaker = trips_at(1);
    let outer = Stack::new().circuit_breaker(breaker.clone());
    let inner = Stack::new().rate_limit(spent());
    let mine: Result<(), Mine> = outer.call(|| inner.call(|| future::ready(Ok(())))).await;
    assert!(matches!(mine, Err(Mine::Refused(Rejection::RateLimited(_)))));
    let boxed: Result<(), BoxError> = outer.call(|| inner.call(|| future::ready(Ok(())))).await;
    assert!(boxed.unwrap_err().is::<Rejection>());
    let service = service_fn(|()| future::ready(Ok::<_, BoxError>(())));
    let service = outer.layer().clone_all().keep_error().layer(inner.layer().keep_error().layer(service));
    assert!(service.oneshot(()).await.unwrap_err().is::<Rejection>());
    assert_eq!(breaker.snapshot().consecutive_failures(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_can_be_answered_where_no_error_is_possible() {
    let respond = |rejection: Rejection| rejection.kind().to_owned();
    let answers = service_fn(|()| future::ready(Ok::<_, Infallible>("served".to_owned())));
    let hangs = service_fn(|()| future::pending::<Result<String, Infallible>>());
    let limiter = RateLimiter::new("limiter", Quota::per_hour(1));
    let stack = Stack::new().circuit_breaker(trips_at(5)).rate_limit(limiter).timeout(Timeout::new("timeout", SECOND));
    let service = stack.layer().on_reject(respond).layer(answers);
    let Ok(response) = service.clone().oneshot(()).await;
    assert_eq!(response, "served");
    let Ok(response) = service.oneshot(()).await;
    assert_eq!(response, "rate limited");

    let stack = Stack::new().retry(three().backoff(exactly(SECOND)).build()).timeout(Timeout::new("timeout", SECOND));
    let Ok(response) = some_day(stack.layer().clone_all().on_reject(respond).layer(hangs).oneshot(())).await;
    assert_eq!(response, "timed out");
    let Ok(response) = Stack::new().circuit_breaker(open()).layer().on_reject(respond).layer(answers).oneshot(()).await;
    assert_eq!(response, "circuit open");
}
