//! The policies of one nest have one clock. Otherwise the first call panics, in each way to nest, and `check` names the policies
//! of a stack.

use std::{
    future::{self, Future},
    io,
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use futures::FutureExt;
use seawall::{
    Bulkhead, CircuitBreaker, Deadline, Error, ManualClock, Quota, RateLimiter, Retry, Stack, Timeout,
    stack::ConcernKind,
};
use seawall_core::time::Timer;
use tower::{Layer, Service, service_fn};

const SECOND: Duration = Duration::from_secs(1);

type Reply = Result<u32, Error<io::Error>>;

/// Returns a call's result, or the message of its panic.
fn outcome<F: Future<Output = Reply>>(call: impl FnOnce() -> F) -> Result<u32, String> {
    let run = || call().now_or_never().expect("nothing waits").expect("nothing fails");
    panic::catch_unwind(AssertUnwindSafe(run)).map_err(|payload| *payload.downcast::<String>().expect("a message"))
}

async fn answer() -> Reply {
    Ok(7)
}

fn timeout<K: Timer + Clone>(clock: K) -> Timeout<Duration, K> {
    Timeout::builder("call", 10 * SECOND).clock(clock).build()
}

/// Makes a call through a timeout around a retry, in each way to nest them.
fn each<A, B>(outer: A, inner: B) -> [Result<u32, String>; 3]
where
    A: Timer + Clone + Send + Sync + 'static,
    B: Timer + Clone + Send + Sync + 'static,
{
    let (whole, retry) = (timeout(outer), Retry::builder("again").clock(inner).build());
    let client = service_fn(|_: u32| answer());
    let mut layered = whole.layer().layer(retry.layer().clone_all().layer(client));
    let stack = Stack::new().timeout(whole.clone()).retry(retry.clone());
    [
        outcome(|| whole.call(|| retry.call(answer))),
        outcome(|| layered.call(1)),
        outcome(|| async { stack.execute(|| async { Ok::<_, io::Error>(7) }).await }),
    ]
}

#[track_caller]
fn assert_says_so(outcomes: [Result<u32, String>; 3]) {
    for outcome in outcomes {
        let message = outcome.expect_err("the call must not run");
        assert!(message.contains("cannot be used here: it goes by"), "{message}");
        assert!(message.contains("build both with the same `.clock(..)`"), "{message}");
    }
}

#[test]
fn a_retry_inside_of_a_timeout_of_another_clock_says_so_with_the_first_call() {
    let clock = ManualClock::new();
    assert_says_so(each(seawall_core::time::TokioClock, clock.clone()));
    assert_says_so(each(clock.clone(), seawall_core::time::TokioClock));
    assert_says_so(each(clock.clone(), ManualClock::new()));
    // The panic has left no deadline behind.
    assert_eq!(each(clock.clone(), clock.clone()), [Ok(7), Ok(7), Ok(7)]);
    assert_eq!(each(seawall_core::time::TokioClock, seawall_core::time::TokioClock), [Ok(7), Ok(7), Ok(7)]);
    assert_eq!(Deadline::current(), None);
}

#[test]
fn the_message_names_the_timeout_and_both_clocks() {
    let inner = timeout(ManualClock::new());
    let call = || Deadline::after(SECOND).scope(inner.call(answer));
    let words = "timeout `call` cannot be used here: it goes by a clock of its own (no. ";
    let message = outcome(|| Deadline::after(SECOND).scope_blocking(|| inner.call(answer))).unwrap_err();
    assert!(message.starts_with(words), "{message}");
    assert!(message.contains("a timeout or a deadline around it goes by the system's clock"), "{message}");
    // The call begins outside the deadline, and meets the deadline in its poll.
    let message = outcome(call).unwrap_err();
    assert!(message.starts_with(words), "{message}");
}

#[test]
fn a_deadline_of_another_clock_is_not_told_as_if_it_were_of_ones_own() {
    let clock = ManualClock::new();
    let inside = || {
        assert_eq!(Deadline::try_current_by(&clock).unwrap(), Some(Deadline::after_by(SECOND, &clock)));
        Deadline::current().is_some()
    };
    let message =
        outcome(|| Deadline::after_by(SECOND, &clock).scope_blocking(|| future::ready(Ok(u32::from(inside())))));
    assert!(message.unwrap_err().starts_with("the deadline cannot be told: it goes by the system's clock"));
    let nested = || Deadline::after_by(SECOND, &clock).scope_blocking(|| Deadline::after(SECOND).scope_blocking(|| 7));
    let message = outcome(|| future::ready(Ok(nested())));
    assert!(message.unwrap_err().starts_with("a deadline cannot be set here: it goes by the system's clock"));
}

#[test]
fn an_instant_whose_clock_is_not_known_holds_for_any_one() {
    let clock = ManualClock::new();
    let at = Deadline::after_by(SECOND, &clock).instant();
    let (manual, default) = (timeout(clock), timeout(seawall_core::time::TokioClock));
    assert_eq!(outcome(|| Deadline::at(at).scope_blocking(|| manual.call(answer))), Ok(7));
    let far = Deadline::after(SECOND).instant();
    assert_eq!(outcome(|| Deadline::at(far).scope_blocking(|| default.call(answer))), Ok(7));
}

#[test]
fn a_limit_without_end_is_no_deadline_so_any_clock_may_be_inside() {
    let endless = Timeout::builder("endless", Duration::MAX).build();
    let inner = timeout(ManualClock::new());
    assert_eq!(outcome(|| endless.call(|| inner.call(answer))), Ok(7));
}

#[test]
fn gates_heed_no_deadline_so_theirs_may_be_any_clock() {
    let clock = ManualClock::new();
    let stack = Stack::new()
        .timeout(Timeout::builder("call", 10 * SECOND).build())
        .circuit_breaker(CircuitBreaker::builder("b").clock(clock.clone()).build())
        .rate_limit(RateLimiter::builder("l", Quota::per_second(9)).clock(clock.clone()).build())
        .bulkhead(Bulkhead::builder("h", 4).clock(clock).build());
    assert_eq!(outcome(|| async { stack.execute(|| async { Ok::<_, io::Error>(7) }).await }), Ok(7));
    assert!(!stack.check().iter().any(|concern| concern.kind() == ConcernKind::ClocksDiffer));
}

#[test]
fn check_names_both_policies_whose_clocks_differ() {
    let clock = ManualClock::new();
    let stack = Stack::new()
        .timeout(Timeout::builder("call", 10 * SECOND).build())
        .retry(Retry::builder("again").clock(clock.clone()).build())
        .timeout(Timeout::builder("attempt", SECOND).clock(clock).build());
    let concerns: Vec<_> = stack.check().into_iter().filter(|it| it.kind() == ConcernKind::ClocksDiffer).collect();
    assert_eq!(concerns.len(), 2, "{concerns:?}");
    assert_eq!(
        concerns[0].to_string(),
        "retry `again`: 3 attempts, within a budget goes by another clock than timeout `call`: 10s around it, so its first call \
         panics; build both with the same `.clock(..)`"
    );
}
