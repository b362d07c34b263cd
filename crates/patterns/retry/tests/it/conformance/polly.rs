use std::{future, time::Duration};

use seawall_core::{Backoff, Hint, Jitter, attempts::RetryConfig, time::ManualClock};
use tokio_test::{assert_pending, task};

use crate::conformance::script::{Case, Play};
use crate::support::{Way, exactly, failed, free, log, plain, quick, run};
use seawall_testkit::time::{SECOND, ms};

const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("RT-01", "")
            .play(Play::failing(Backoff::constant(Duration::ZERO), &[0, 0, 0]))
            .play(Play::failing(Backoff::linear(Duration::ZERO), &[0, 0, 0]))
            .play(Play::failing(Backoff::exponential(Duration::ZERO), &[0, 0, 0]))
            .play(Play::failing(Backoff::constant(SECOND), &[1_000, 1_000, 1_000]))
            .play(Play::failing(Backoff::linear(SECOND), &[1_000, 2_000, 3_000]))
            .play(Play::failing(Backoff::exponential(SECOND), &[1_000, 2_000, 4_000])),
        Case::new("RT-02", "jitter takes from the delay and never adds to it: half of it, or all")
            .own(jitter_has_its_range),
        Case::new("RT-03", "the cap is applied before jitter, which never exceeds it; so with jitter it is a bound")
            .play(Play::failing(Backoff::constant(10 * SECOND).max(SECOND), &[1_000; 3]))
            .play(Play::failing(Backoff::linear(10 * SECOND).max(SECOND), &[1_000; 3]))
            .play(Play::failing(Backoff::exponential(10 * SECOND).max(SECOND), &[1_000; 3]))
            .play(Play::failing(Backoff::linear(2 * SECOND).max(ms(123)), &[123; 3]))
            .own(the_cap_bounds_jitter_too),
        Case::new("RT-04", "without a cap there is one of 300 s, or of the base where that is longer")
            .own(nothing_overflows),
        Case::new("RT-05", "attempts are counted from 1")
            .play(Play::failing(Backoff::linear(2 * SECOND), &[2_000, 4_000, 6_000]))
            .play(Play::failing(Backoff::constant(Duration::ZERO), &[0; 12]))
            .own(events_number_the_attempts),
        Case::new("RT-06", "to cancel a call is to drop it").own(a_call_that_is_cancelled_runs_once),
        Case::new("RT-07", "`u32::MAX` is without end")
            .play(Play::new(
                |builder| builder.max_attempts(u32::MAX).backoff(Duration::ZERO),
                &[vec![Err(1); 5_000], vec![Ok(1)]].concat(),
                5_001,
                &[],
            ))
            .own(the_last_attempt_of_an_endless_call_is_none),
        Case::new("RT-08", "a generator is a hint; what is less than nothing cannot be said")
            .play(hinted(&[120; 3]).hint(|_, _| Hint::Exactly(ms(120))))
            .play(hinted(&[]).hint(|_, _| Hint::Exactly(Duration::ZERO)))
            .play(hinted(&[1_000, 2_000, 2_000]).hint(|_, _| Hint::None))
            .play(hinted(&[9_000; 3]).hint(|_, _| Hint::Exactly(ms(9_000)))),
    ]
}

/// Four attempts, with a backoff of one second, two, and two.
fn hinted(waits: &[u64]) -> Play {
    let backoff = Backoff::exponential(SECOND).max(2 * SECOND).jitter(Jitter::None);
    Play::new(move |builder| builder.max_attempts(4).backoff(backoff), &[Err(1)], 4, waits)
}

/// A thousand waits by that backoff.
fn waits(backoff: Backoff) -> Vec<Duration> {
    let (builder, clock) = plain();
    let retry = builder.backoff(backoff).max_attempts(1_001).build();
    run(Way::Execute, &retry, failed).0.unwrap_err();
    clock.take_waits()
}

fn jitter_has_its_range() {
    for (jitter, low) in [(Jitter::Equal, ms(500)), (Jitter::Full, Duration::ZERO), (Jitter::None, SECOND)] {
        let waits = waits(exactly(SECOND).jitter(jitter));
        assert_eq!(waits.len(), 1_000, "{jitter:?}");
        assert!(waits.iter().all(|wait| (low..=SECOND).contains(wait)), "{jitter:?}");
        let near = low + ms(20);
        assert!(waits.iter().any(|wait| *wait <= near), "{jitter:?}");
        assert!(waits.iter().any(|wait| *wait >= SECOND - ms(20)), "{jitter:?}");
    }
    for backoff in [Backoff::constant(Duration::ZERO), Backoff::exponential(Duration::ZERO)] {
        assert_eq!(waits(backoff.jitter(Jitter::Full)), []);
        assert_eq!(waits(backoff.jitter(Jitter::Equal)), []);
    }
}

fn the_cap_bounds_jitter_too() {
    for backoff in [Backoff::constant(10 * SECOND), Backoff::linear(10 * SECOND), Backoff::exponential(10 * SECOND)] {
        for jitter in [Jitter::Equal, Jitter::Full] {
            let waits = waits(backoff.max(SECOND).jitter(jitter));
            assert!(waits.iter().all(|wait| *wait <= SECOND), "{backoff:?}");
        }
    }
}

fn nothing_overflows() {
    let backoff = Backoff::exponential(DAY);
    assert_eq!(backoff.delay(1_000), DAY);
    assert_eq!(backoff.max(2 * DAY).delay(1_000), 2 * DAY);
    assert_eq!(backoff.max(Duration::MAX).delay(1_000), Duration::from_nanos(u64::MAX));
    assert_eq!(Backoff::exponential(SECOND).delay(1_000), Duration::from_secs(300));
}

fn events_number_the_attempts() {
    for way in Way::ALL {
        let (log, observer) = log();
        let retry = plain().0.max_attempts(4).backoff(Backoff::linear(2 * SECOND).jitter(Jitter::None));
        run(way, &retry.on_event(observer).build(), failed).0.unwrap_err();
        let cause = seawall_retry::Cause::Failed;
        let retrying = |attempt: u32| {
            let wait = attempt * 2 * SECOND;
            seawall_retry::EventKind::Retrying { attempt, wait, cause }
        };
        assert_eq!(log.lock().unwrap()[..3], [1, 2, 3].map(retrying), "{way:?}");
    }
}

fn a_call_that_is_cancelled_runs_once() {
    for way in Way::ALL {
        let clock = ManualClock::new();
        let retry = free().backoff(exactly(SECOND)).clock(clock.clone()).build();
        let attempts = std::cell::Cell::new(0);
        let attempt = |pending: bool| {
            attempts.set(attempts.get() + 1);
            async move { if pending { future::pending().await } else { failed(1) } }
        };
        // In the callee, and in the wait.
        for pending in [true, false] {
            attempts.set(0);
            let mut call = task::spawn(way.start(&retry, || attempt(pending)));
            assert_pending!(call.poll());
            drop(call);
            clock.advance(9 * SECOND);
            assert_eq!(attempts.get(), 1, "{way:?}");
        }
    }
}

fn the_last_attempt_of_an_endless_call_is_none() {
    let config = RetryConfig::new().max_attempts(u32::MAX);
    assert!(!config.is_last(u32::MAX - 1) && !config.is_last(u32::MAX));
    assert!(RetryConfig::new().max_attempts(u32::MAX - 1).is_last(u32::MAX - 1));
    let retry = quick().max_attempts(u32::MAX).build();
    let mut call = task::spawn(retry.execute(|| future::ready(failed(1))));
    (0..1_000).for_each(|_| assert_pending!(call.poll()));
}
