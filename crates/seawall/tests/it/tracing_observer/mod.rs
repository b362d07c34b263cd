//! The observer for all policies, under real calls.

mod interest;
mod subscriber;

use std::{fmt, future, time::Duration};

use seawall::{
    Backoff, Budget, Bulkhead, CircuitBreaker, Deadline, Error, Hint, Jitter, KeyedRateLimiter, ManualClock, Name,
    Quota, RateLimiter, Retry, Timeout, Trip,
    circuit_breaker::EventKind,
    observe::{Event, EventFacts, EventReason, Kind, Level as Weight},
};
use seawall_testkit::time::exactly;
use subscriber::Records;
use tracing::Level;

type Reply = Result<u32, Error<&'static str>>;

const FAILED: Reply = Err(Error::Inner("down"));
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_breaker_opens_at_warn_changes_otherwise_at_info_and_refuses_at_debug() {
    let (records, _guard) = Records::from_level(Level::TRACE);
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("inventory")
        .clock(clock.clone())
        .trip(Trip::consecutive(2))
        .open_for(exactly(5 * SECOND))
        .build();
    breaker.on_event(seawall::tracing);
    let call = |reply: Reply| drop(breaker.execute_blocking(|| reply));

    call(Ok(1));
    call(FAILED);
    assert_eq!(records.take(), [""; 0], "nothing changed");
    call(FAILED);
    clock.advance(Duration::from_nanos(1));
    call(Ok(1));
    clock.advance(5 * SECOND);
    call(Ok(1));
    let of = r#"policy="inventory", kind="circuit breaker""#;
    let wanted = [
        format!("WARN seawall: state changed {{{of}, reason=2 failures in a row, from=closed, to=open}}"),
        format!("DEBUG seawall: rejected {{{of}, reason=is open: 2 failures in a row, retry_after_ms=5000}}"),
        format!("INFO seawall: state changed {{{of}, reason=the open period is over, from=open, to=half-open}}"),
        format!("INFO seawall: state changed {{{of}, reason=the probes succeeded, from=half-open, to=closed}}"),
    ];
    assert_eq!(records.take(), wanted);

    breaker.force_open();
    call(Ok(1));
    breaker.metrics_only();
    call(FAILED);
    call(FAILED);
    let wanted = [
        format!("WARN seawall: state changed {{{of}, reason=by hand, from=closed, to=forced open}}"),
        format!("DEBUG seawall: rejected {{{of}, reason=is forced open}}"),
        format!("INFO seawall: state changed {{{of}, reason=by hand, from=forced open, to=metrics only}}"),
        format!("INFO seawall: would open {{{of}, reason=2 failures in a row}}"),
    ];
    assert_eq!(records.take(), wanted);
}

#[test]
fn limiters_refuse_at_debug_and_change_at_info() {
    let (records, _guard) = Records::from_level(Level::TRACE);
    let quota = Quota::per_second(2).burst(1);
    let limiter = RateLimiter::builder("api", quota).clock(ManualClock::new()).build();
    limiter.on_event(seawall::tracing);
    limiter.try_acquire().unwrap();
    assert_eq!(records.take(), [""; 0]);
    limiter.try_acquire().unwrap_err();
    limiter.try_acquire_n(2).unwrap_err();
    limiter.set_quota(Quota::per_second(3).burst(1));
    let of = r#"policy="api", kind="rate limit""#;
    let wanted = [
        format!("DEBUG seawall: rejected {{{of}, reason=is exhausted: 2 in 1s, 1 at once, retry_after_ms=500}}"),
        format!("DEBUG seawall: rejected {{{of}, reason=never lets 2 pass at once: 2 in 1s, 1 at once}}"),
        format!("INFO seawall: quota changed {{{of}, reason=by hand, from=2 in 1s, 1 at once, to=3 in 1s, 1 at once}}"),
    ];
    assert_eq!(records.take(), wanted);

    let keyed = KeyedRateLimiter::builder("per key", quota).clock(ManualClock::new()).build();
    keyed.on_event(seawall::tracing);
    keyed.try_acquire("a").unwrap();
    keyed.try_acquire("a").unwrap_err();
    let of = r#"policy="per key", kind="rate limit""#;
    let wanted =
        format!("DEBUG seawall: rejected {{{of}, reason=is exhausted: 2 in 1s, 1 at once, retry_after_ms=500}}");
    assert_eq!(records.take(), [wanted]);
}

#[test]
fn a_bulkhead_refuses_at_debug_and_changes_at_info() {
    let (records, _guard) = Records::from_level(Level::TRACE);
    let bulkhead = Bulkhead::new("pool", 1);
    bulkhead.on_event(seawall::tracing);
    let permit = bulkhead.try_acquire().unwrap();
    assert_eq!(records.take(), [""; 0]);
    bulkhead.try_acquire().unwrap_err();
    drop(permit);
    bulkhead.resize(3);
    bulkhead.close();
    let of = r#"policy="pool", kind="bulkhead""#;
    let wanted = [
        format!("DEBUG seawall: rejected {{{of}, reason=is full: 1 of 1 in flight}}"),
        format!("INFO seawall: resized {{{of}, reason=by hand, from=1, to=3}}"),
        format!("INFO seawall: closed {{{of}, reason=by hand}}"),
    ];
    assert_eq!(records.take(), wanted);
}

/// An operation that fails `times` times, and then succeeds.
fn failing(times: u32) -> impl FnMut() -> future::Ready<Reply> {
    let mut calls = 0;
    move || {
        calls += 1;
        future::ready(if calls > times { Ok(calls) } else { FAILED })
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_tells_at_debug_of_each_wait_and_of_the_end_and_nothing_of_a_call_that_succeeds_at_once() {
    let (records, _guard) = Records::from_level(Level::TRACE);
    let backoff = || Backoff::constant(Duration::from_micros(1_500)).jitter(Jitter::None);
    let builder = || Retry::builder("inventory").max_attempts(2).backoff(backoff()).budget(Budget::unlimited());
    let retry = builder().on_event(seawall::tracing).build();
    retry.execute(failing(0)).await.unwrap();
    assert_eq!(records.take(), [""; 0]);
    retry.execute(failing(1)).await.unwrap();
    retry.execute(failing(2)).await.unwrap_err();
    let of = r#"policy="inventory", kind="retry""#;
    let retrying = format!("DEBUG seawall: retrying {{{of}, reason=it failed, attempt=1, wait_ms=2}}");
    let wanted = [
        retrying.clone(),
        format!("DEBUG seawall: recovered {{{of}, attempt=2}}"),
        retrying,
        format!("DEBUG seawall: gave up {{{of}, reason=no attempts are left, attempt=2}}"),
    ];
    assert_eq!(records.take(), wanted);

    let asked = builder().hint(|_: &_, _: &Reply| Hint::After(SECOND)).build().observed(seawall::tracing);
    asked.execute(failing(1)).await.unwrap();
    let fields = "reason=it failed, and asked for 1s, attempt=1, wait_ms=1000, retry_after_ms=1000";
    assert_eq!(records.take()[0], format!("DEBUG seawall: retrying {{{of}, {fields}}}"));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_tells_at_debug_of_a_call_that_is_cut_off_and_nothing_of_others() {
    let (records, _guard) = Records::from_level(Level::TRACE);
    let timeout = Timeout::new("timeout", 2 * SECOND).observed(seawall::tracing);
    timeout.call(|| future::ready(Ok::<_, Error<()>>(1))).await.unwrap();
    timeout.call(|| future::ready(FAILED)).await.unwrap_err();
    assert_eq!(records.take(), [""; 0]);
    let hangs = || future::pending::<Reply>();
    timeout.call(hangs).await.unwrap_err();
    Deadline::after(SECOND).scope(timeout.call(hangs)).await.unwrap_err();
    let of = r#"policy="timeout", kind="timeout""#;
    let wanted = [
        format!("DEBUG seawall: timed out {{{of}, reason=not done in 2s}}"),
        format!("DEBUG seawall: timed out {{{of}, reason=not done by the deadline, in 1s}}"),
    ];
    assert_eq!(records.take(), wanted);
}

// ===== what is disabled =====

#[test]
fn of_a_level_that_is_disabled_nothing_is_recorded() {
    for (least, wanted) in [(Level::INFO, 2), (Level::WARN, 1), (Level::ERROR, 0)] {
        let (records, _guard) = Records::from_level(least);
        let breaker = CircuitBreaker::builder("inventory").clock(ManualClock::new()).build();
        breaker.on_event(seawall::tracing);
        breaker.force_open();
        breaker.try_acquire().unwrap_err();
        breaker.reset();
        assert_eq!(records.take().len(), wanted, "{least}");
    }
}

/// Must not be formatted.
struct Unspeakable(Weight);

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("it is formatted")
    }
}

impl Kind for Unspeakable {
    fn facts(&self) -> EventFacts<'_> {
        EventFacts::new("pool", "drained", self.0).because(EventReason::Words(self))
    }

    fn describe(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[test]
fn of_a_level_that_is_disabled_nothing_is_formatted() {
    for (least, weight) in [(Level::INFO, Weight::Debug), (Level::WARN, Weight::Info), (Level::ERROR, Weight::Warn)] {
        let (_records, _guard) = Records::from_level(least);
        seawall::tracing(&Event::new(Name::from("pool"), Unspeakable(weight)));
    }
    // Also without a subscriber.
    seawall::tracing(&Event::new(Name::from("pool"), Unspeakable(Weight::Warn)));
}

#[test]
fn one_observer_of_any_kind_can_hand_on_what_it_is_told() {
    fn any(event: &Event<dyn Kind>) {
        seawall::tracing(event);
    }
    let (records, _guard) = Records::from_level(Level::TRACE);
    let (breaker, bulkhead) = (CircuitBreaker::new("inventory"), Bulkhead::new("pool", 1));
    breaker.on_event(|event| any(event));
    bulkhead.on_event(|event| any(event));
    breaker.on_event(|event: &Event<EventKind>| assert!(event.change().is_some()));
    breaker.force_open();
    bulkhead.close();
    assert_eq!(records.take().len(), 2);
}
