use std::{cell::Cell, future, time::Duration};

use seawall_core::{Backoff, Budget, Hint, Jitter};
use seawall_retry::{GaveUp, Retry};
use tower::{Layer, ServiceExt, service_fn};

use crate::conformance::script::{Case, Play};
use crate::support::{Reply, Way, exactly, failed, log, plain, quick, reasons, run};
use seawall_testkit::{
    call::ends,
    clock::LeapingClock,
    panics::panic_message,
    time::{MILLISECOND, SECOND, ms},
};

pub(crate) fn cases() -> Vec<Case> {
    [failsafe(), resilience4j(), clouds()].into_iter().flatten().collect()
}

fn failsafe() -> Vec<Case> {
    let seconds = |base: u64, most: u64| Backoff::exponential(ms(base)).max(ms(most));
    vec![
        Case::new("RT-10", "")
            .play(Play::failing(seconds(2_000, 30_000), &[2_000, 4_000, 8_000, 16_000, 30_000]))
            .play(Play::failing(seconds(1, 10), &[1, 2, 4, 8, 10, 10])),
        Case::new("RT-11", "the last error is returned as it is, and there is a delay by default")
            .play(Play::new(|builder| builder.backoff(Duration::ZERO), &[Err(1), Err(2), Err(3)], 3, &[]))
            .play(Play::new(|builder| builder.backoff(Duration::ZERO).max_attempts(4), &[Err(7)], 4, &[]))
            .own(by_default_there_are_three_attempts),
        Case::new("RT-12", "")
            .play(Play::new(
                |builder| builder.max_attempts(u32::MAX).backoff(Duration::ZERO),
                &[Err(1), Err(1), Err(1), Err(1), Err(1), Ok(1)],
                6,
                &[],
            ))
            .play(
                Play::new(|builder| builder.backoff(Duration::ZERO), &[Ok(500), Ok(500), Ok(0)], 3, &[])
                    .repeat(|_, result| matches!(result, Ok(500))),
            ),
        Case::new("RT-13", "an inner retry begins anew for each attempt of the outer one, which so sees 3")
            .own(retries_nest),
    ]
}

fn resilience4j() -> Vec<Case> {
    let half = || exactly(ms(500));
    vec![
        Case::new("RT-14", "the backoff is 100 ms and doubles by default")
            .play(Play::new(move |builder| builder.backoff(half()), &[Err(1), Ok(2)], 2, &[500]))
            .play(Play::new(move |builder| builder.backoff(half()), &[Err(1)], 3, &[500, 500]))
            .play(Play::new(move |builder| builder.backoff(half()).max_attempts(1), &[Err(1)], 1, &[]))
            .play(Play::new(move |builder| builder.backoff(half()), &[Err(1)], 1, &[]).repeat(|_, _| false)),
        Case::new("RT-15", "no error is made of a result: the last one is returned, whatever it is")
            .play(
                Play::new(|builder| builder.backoff(Duration::ZERO), &[Ok(1), Ok(2), Ok(3)], 3, &[])
                    .repeat(|_, _| true),
            )
            .play(
                Play::new(|builder| builder.backoff(Duration::ZERO), &[Ok(1), Ok(2), Err(3)], 3, &[])
                    .repeat(|_, _| true),
            ),
        Case::new("RT-16", "a delay of zero, and a cap of zero, are delays; jitter is not a number")
            .own(wrong_values_are_refused)
            .play(Play::failing(
                Backoff::exponential(ms(100)).max(ms(100_000)),
                &[100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 100_000, 100_000, 100_000],
            ))
            .play(Play::failing(Backoff::exponential(ms(100)).max(Duration::ZERO), &[0, 0])),
        Case::new("RT-17", "a step is not rounded down to milliseconds")
            .play(Play::failing(
                Backoff::exponential(ms(500)).max(Duration::MAX),
                &[500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000],
            ))
            .own(steps_are_not_truncated),
    ]
}

fn clouds() -> Vec<Case> {
    let second = || Backoff::exponential(SECOND);
    vec![
        Case::new("RT-18", "a retry costs one of a budget of 100 where it costs 5 of 500 there")
            .play(Play::failing(second(), &[1_000, 2_000, 4_000, 8_000]))
            .play(Play::failing(second().max(3 * SECOND), &[1_000, 2_000, 3_000, 3_000]))
            .own(the_last_failure_costs_nothing),
        Case::new("RT-19", "")
            .play(Play::failing(
                Backoff::exponential(ms(50)).max(20 * SECOND),
                &[50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 20_000, 20_000],
            ))
            .own(full_jitter_is_uniform),
        Case::new("RT-20", "").own(only_what_may_be_retried_is),
        Case::new("RT-21", "a stream that was committed is a request of which there is no copy")
            .play(Play::new(|builder| builder, &[Err(1)], 1, &[]).hint(|_, _| Hint::Never))
            .play(
                Play::new(|builder| builder.backoff(Duration::ZERO), &[Err(1), Ok(1)], 2, &[1_000])
                    .hint(|_, _| Hint::After(SECOND)),
            )
            .own(a_committed_request_is_not_sent_again),
        Case::new(
            "RT-22",
            "a random number is scaled and not divided; a lower bound is set by a hint, or by equal jitter",
        )
        .own(jittered_delays_stay_below_the_current_one),
        Case::new("RT-23", "jitter never exceeds the delay, nor the cap; attempts have no bound of their own")
            .play(Play::failing(second().max(5 * SECOND), &[1_000, 2_000, 4_000, 5_000]))
            .play(
                Play::new(
                    |builder| builder.max_attempts(6).backoff(Backoff::exponential(SECOND).jitter(Jitter::None)),
                    &[Err(1)],
                    6,
                    &[1_000, 2_000, 7_000, 1_000, 2_000],
                )
                .hint(|attempt, _| if attempt.number() == 3 { Hint::Exactly(7 * SECOND) } else { Hint::None }),
            ),
    ]
}

fn by_default_there_are_three_attempts() {
    let clock = LeapingClock::default();
    for way in Way::ALL {
        let retry = Retry::builder("t").clock(clock.clone()).build();
        assert_eq!(run(way, &retry, failed), (failed(3), 3), "{way:?}");
        let waits = clock.take_waits();
        assert!(waits.iter().sum::<Duration>() <= 300 * MILLISECOND, "{waits:?}");
    }
}

fn retries_nest() {
    for way in Way::ALL {
        let (outer, inner) = (quick().max_attempts(11).build(), quick().max_attempts(2).build());
        let (calls, outer_calls) = (Cell::new(0), Cell::new(0));
        let fails_five_times = || {
            calls.set(calls.get() + 1);
            future::ready(if calls.get() <= 5 { failed(calls.get()) } else { Ok(calls.get()) })
        };
        let result = ends(way.start(&outer, || {
            outer_calls.set(outer_calls.get() + 1);
            way.start(&inner, fails_five_times)
        }));
        assert_eq!((result, calls.get(), outer_calls.get()), (Ok(6), 6, 3), "{way:?}");
    }
}

fn wrong_values_are_refused() {
    assert!(panic_message(|| quick().max_attempts(0)).unwrap().starts_with("`max_attempts`"));
    for factor in [0.0, 0.99, -1.0, f64::NAN, f64::INFINITY] {
        assert!(panic_message(|| Backoff::exponential(SECOND).factor(factor)).unwrap().starts_with("`factor`"));
    }
    let (builder, clock) = plain();
    let retry = builder.max_attempts(51).backoff(exactly(ms(100)).jitter(Jitter::Equal)).build();
    run(Way::Execute, &retry, failed).0.unwrap_err();
    let waits = clock.take_waits();
    assert_eq!(waits.len(), 50);
    assert!(waits.iter().all(|wait| (ms(50)..=ms(100)).contains(wait)), "{waits:?}");
}

fn steps_are_not_truncated() {
    let backoff = Backoff::exponential(ms(100)).factor(1.5);
    let wanted = [100.0, 150.0, 225.0, 337.5, 506.25, 759.375, 1_139.062_5];
    for (step, wanted) in (0..).zip(wanted) {
        let error = (backoff.delay(step).as_secs_f64() * 1_000.0 - wanted).abs();
        assert!(error < 0.000_01, "step {step}: {:?}", backoff.delay(step));
    }
}

fn the_last_failure_costs_nothing() {
    for way in Way::ALL {
        for (max, wanted) in [(5, 96.0), (3, 98.0)] {
            let budget = Budget::ratio(0.0).floor(100).burst(100);
            let (builder, clock) = plain();
            // The floor would pay in while it waits.
            let retry = builder.backoff(Duration::ZERO).max_attempts(max).budget(budget.clone()).build();
            assert_eq!(run(way, &retry, failed), (failed(max), max), "{way:?}");
            assert_eq!((budget.balance(), clock.take_waits().len()), (wanted, 0), "{way:?}");
        }
    }
}

fn full_jitter_is_uniform() {
    let backoff = Backoff::exponential(ms(50)).max(20 * SECOND);
    let mut by_second = [0; 20];
    for seed in 0..10_000 {
        let mut delays = backoff.delays_from(seed);
        assert!(delays.nth(2).unwrap() <= ms(200));
        // The one of the tenth attempt.
        let delay = delays.nth(6).unwrap();
        by_second[(delay.as_secs() as usize).min(19)] += 1;
    }
    assert!(by_second.iter().all(|count| (400..=600).contains(count)), "{by_second:?}");
}

/// Codes of gRPC.
const ALREADY_EXISTS: u32 = 6;
const INTERNAL: u32 = 13;

fn only_what_may_be_retried_is() {
    for way in Way::ALL {
        let may = |_: &seawall_retry::Attempt, result: &Reply| *result == failed(ALREADY_EXISTS);
        let retry = quick().max_attempts(4).retry_if(may).build();
        let index = Cell::new(0);
        let serve = || {
            let now = index.replace(index.get() + 1);
            future::ready(match now {
                0 | 2 | 5 => Ok(0),
                6 | 8 | 11 => failed(INTERNAL),
                _ => failed(ALREADY_EXISTS),
            })
        };
        let wanted = [
            (Ok(0), 0),
            (Ok(0), 2),
            (Ok(0), 5),
            (failed(INTERNAL), 6),
            (failed(INTERNAL), 8),
            (failed(INTERNAL), 11),
            (failed(ALREADY_EXISTS), 15),
        ];
        for (result, last) in wanted {
            assert_eq!(ends(way.start(&retry, serve)), result, "{way:?}");
            assert_eq!(index.get() - 1, last, "{way:?}");
        }
    }
}

fn a_committed_request_is_not_sent_again() {
    let (log, observer) = log();
    let (builder, clock) = plain();
    let layer = builder.on_event(observer).build().layer().clone_request(|_: &()| None);
    let service = layer.layer(service_fn(|()| future::ready(failed(1))));
    assert_eq!(ends(service.oneshot(())), failed(1));
    assert_eq!((reasons(&log), clock.take_waits()), (vec![GaveUp::NotRepeatable], vec![]));
}

fn jittered_delays_stay_below_the_current_one() {
    let backoff = Backoff::exponential(ms(5)).max(ms(100));
    for seed in 0..100 {
        for _reset in 0..2 {
            let waits: Vec<_> = backoff.delays_from(seed).take(7).collect();
            let most = [5, 10, 20, 40, 80, 100, 100].map(ms);
            assert!(waits.iter().zip(most).all(|(wait, most)| *wait <= most), "{waits:?}");
        }
    }
    // What a hint says is never undercut, and at most the delay comes on top.
    let (builder, clock) = plain();
    let hint = |_: &seawall_retry::Attempt, _: &Reply| Hint::After(ms(500));
    let retry = builder.backoff(Backoff::constant(ms(250))).max_attempts(200).hint(hint).build();
    run(Way::Call, &retry, failed).0.unwrap_err();
    assert!(clock.take_waits().iter().all(|wait| (ms(500)..=ms(750)).contains(wait)));
    // Equal jitter has half of the delay for its lower bound.
    let equal = Backoff::constant(SECOND).jitter(Jitter::Equal).delays_from(1).take(1_000);
    assert!(equal.into_iter().all(|wait| wait >= SECOND / 2));
}
