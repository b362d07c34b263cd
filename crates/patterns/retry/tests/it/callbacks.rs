//! What observers are told, and what they may do.

use crate::support;
use std::{future, sync::Arc, time::Duration};

use crate::support::{Failed, Reply, Way, failed, log, plain, quick, reasons, run, run_blocking};
use seawall_bulkhead::Bulkhead;
use seawall_core::{Budget, Deadline, Error, Hint, time::ManualClock};
use seawall_retry::{Attempt, Builder, ByOutcome, Cause, Event, EventKind, GaveUp, NoHint};
use seawall_testkit::{
    call::ends,
    clock::LeapingClock,
    log::Log,
    time::{MILLISECOND, SECOND},
};
use tower::{Layer, ServiceExt, service_fn};

fn retrying(attempt: u32, wait: Duration) -> EventKind {
    EventKind::Retrying { attempt, wait, cause: Cause::Failed }
}

#[test]
fn a_call_tells_of_each_wait_and_once_of_its_end() {
    let step = SECOND + MILLISECOND;
    let gave_up = EventKind::GaveUp { attempts: 3, elapsed: 2 * SECOND + 2 * MILLISECOND, reason: GaveUp::Attempts };
    let recovered = EventKind::Recovered { attempts: 3, elapsed: step + step };
    let rows = [
        (0, vec![]),
        (1, vec![retrying(1, MILLISECOND), EventKind::Recovered { attempts: 2, elapsed: step }]),
        (2, vec![retrying(1, MILLISECOND), retrying(2, MILLISECOND), recovered]),
        (3, vec![retrying(1, MILLISECOND), retrying(2, MILLISECOND), gave_up]),
    ];
    for way in Way::ALL {
        for (fails, wanted) in &rows {
            let (builder, clock) = plain();
            let (log, observer) = log();
            let retry = builder.on_event(observer).build();
            let (result, _) = run(way, &retry, |number| {
                clock.advance(SECOND);
                if number <= *fails { failed(number) } else { Ok(number) }
            });
            assert_eq!((result.is_ok(), &*log.lock().unwrap()), (*fails < 3, wanted), "{way:?}, {fails} fail");
        }
    }
}

#[test]
fn a_blocking_call_tells_the_same() {
    let (log, observer) = log();
    let retry = quick().clock(ManualClock::new()).on_event(observer).build();
    let fails_first = |number| if number == 1 { failed(1) } else { Ok(number) };
    assert_eq!(run_blocking(&retry, fails_first), (Ok(2), 2));
    assert_eq!(run_blocking(&retry, failed), (failed(3), 3));
    let zero = Duration::ZERO;
    let wanted = [
        retrying(1, zero),
        EventKind::Recovered { attempts: 2, elapsed: zero },
        retrying(1, zero),
        retrying(2, zero),
        EventKind::GaveUp { attempts: 3, elapsed: zero, reason: GaveUp::Attempts },
    ];
    assert_eq!(*log.lock().unwrap(), wanted);
}

/// Changes a retry in a way for which it gives up.
type Change = fn(Builder<ByOutcome, NoHint, LeapingClock>) -> Builder<ByOutcome, NoHint, LeapingClock>;

#[test]
fn a_call_that_is_given_up_says_why() {
    let rows: [(GaveUp, Change); 4] = [
        (GaveUp::Attempts, |builder| builder.max_attempts(1)),
        (GaveUp::Elapsed, |builder| builder.max_elapsed(Duration::ZERO)),
        (GaveUp::Deadline, |builder| builder.backoff(support::exactly(Duration::MAX))),
        (GaveUp::Budget, |builder| builder.budget(Budget::ratio(0.0).floor(0))),
    ];
    for way in Way::ALL {
        for (reason, change) in rows {
            let (log, observer) = log();
            let retry = change(plain().0).on_event(observer).build();
            assert_eq!(run(way, &retry, failed), (failed(1), 1), "{way:?}");
            let wanted = [EventKind::GaveUp { attempts: 1, elapsed: Duration::ZERO, reason }];
            assert_eq!(*log.lock().unwrap(), wanted, "{way:?}");
        }
        let (log, observer) = log();
        let retry = plain().0.hint(|_: &Attempt, _: &Reply| Hint::Never).on_event(observer).build();
        assert_eq!(run(way, &retry, failed), (failed(1), 1), "{way:?}");
        assert_eq!(reasons(&log), [GaveUp::Told], "{way:?}");
    }
}

#[test]
fn a_call_that_is_refused_or_cannot_be_repeated_or_has_no_time_says_so() {
    let (log, observer) = log();
    let (builder, clock) = plain();
    let retry = builder.on_event(observer).build();
    let full = Bulkhead::new("full", 0);
    ends(retry.call(|| full.call(|| future::ready(Ok::<u32, Error<Failed>>(1))))).unwrap_err();
    let fails = service_fn(|()| future::ready(failed(1)));
    ends(retry.layer().clone_request(|&(): &()| None).layer(fails).oneshot(())).unwrap_err();
    ends(Deadline::after_by(Duration::ZERO, &clock).scope(retry.call(|| future::ready(failed(1))))).unwrap_err();
    assert_eq!(reasons(&log), [GaveUp::Rejected, GaveUp::NotRepeatable, GaveUp::Deadline]);
    assert_eq!(log.lock().unwrap().len(), 3);
}

#[test]
fn what_is_not_a_failure_after_one_has_recovered() {
    let (log, observer) = log();
    let not_the_second = |attempt: &Attempt, _: &Reply| attempt.number() == 1;
    let retry = plain().0.retry_if(not_the_second).on_event(observer).build();
    assert_eq!(run(Way::Call, &retry, failed), (failed(2), 2));
    let recovered = EventKind::Recovered { attempts: 2, elapsed: MILLISECOND };
    assert_eq!(*log.lock().unwrap(), [retrying(1, MILLISECOND), recovered]);
}

#[test]
fn an_event_carries_the_name_and_reads_as_a_sentence() {
    let texts: Log<String> = Arc::default();
    let told = texts.clone();
    let (builder, _) = plain();
    let observer = move |event: &Event| told.lock().unwrap().push(format!("{}: {event}", event.policy()));
    let retry = builder.on_event(observer).build();
    run(Way::Call, &retry, failed).0.unwrap_err();
    run(Way::Call, &retry, |number| if number == 1 { failed(1) } else { Ok(1) }).0.unwrap();
    let wanted = [
        "t: retry `t`: attempt 1: it failed; again in 1ms",
        "t: retry `t`: attempt 2: it failed; again in 1ms",
        "t: retry `t`: gave up after attempt 3, 2ms after the first failure: no attempts are left",
        "t: retry `t`: attempt 1: it failed; again in 1ms",
        "t: retry `t`: recovered at attempt 2, 1ms after the first failure",
    ];
    assert_eq!(*texts.lock().unwrap(), wanted);
}

// ===== observers =====

#[test]
fn who_observes_a_retry_that_was_built_hears_of_its_calls_and_not_of_those_of_older_clones() {
    for is_observed in [false, true] {
        let ((first, observer), (second, late)) = (log(), log());
        let builder = quick().clock(ManualClock::new()).budget(Budget::ratio(0.0).floor(9).burst(9));
        let old = if is_observed { builder.on_event(observer) } else { builder }.build();
        let new = old.clone().observed(late);
        run(Way::Call, &old, failed).0.unwrap_err();
        assert_eq!(reasons(&second), [], "observed: {is_observed}");
        run(Way::Call, &new, failed).0.unwrap_err();
        run(Way::Service, &new.clone(), failed).0.unwrap_err();
        assert_eq!(reasons(&second), [GaveUp::Attempts; 2], "observed: {is_observed}");
        assert_eq!(reasons(&first).len(), if is_observed { 3 } else { 0 });
        assert_eq!(new.budget().balance(), 3.0, "it is the same budget");
    }
}
