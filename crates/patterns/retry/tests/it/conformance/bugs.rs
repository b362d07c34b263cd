use std::{cell::Cell, collections::HashMap, future, panic, time::Duration};

use seawall_core::{Backoff, Budget, Hint, Jitter, time::ManualClock};
use seawall_rate_limit::{Quota, RateLimiter};
use seawall_retry::{Attempt, GaveUp};
use tokio_test::{assert_pending, assert_ready_eq, task};

use crate::support::{Reply, Way, exactly, failed, free, log, plain, quick, reasons, run};
use seawall_testkit::{
    call::{ends, steps},
    clock::LeapingClock,
    panics::panic_message,
    time::{MILLISECOND, SECOND, TICK, YEAR, some_day},
};

/// A test, and the bugs of others that ask for it, by their numbers in our list and by where they were reported.
type Row = (&'static [u32], &'static str, fn());

const ROWS: [Row; 11] = [
    (
        &[30, 31, 32, 33, 34, 35, 37],
        "djc/tokio-retry#1, tryhard#24, mulligan#31, aws-sdk-rust#960, exponential-backoff#12, cdrs-tokio#92, \
         Polly.Contrib.WaitAndRetry#24",
        delays_never_overflow_nor_shrink_nor_pass_the_cap,
    ),
    (&[36], "bounty-challenge#5061", factors_that_make_no_sense_are_refused),
    (&[38], "openai-agents-python#2676, agenda#1748", delays_with_jitter_never_pass_the_cap),
    (&[39], "google/adk-js#704", at_the_cap_no_instant_has_a_heap_of_callers),
    (&[40], "actor-ts#771", a_delay_of_years_is_waited_out),
    (&[41], "tower#857", no_ratio_grants_more_than_its_share),
    (&[42, 43], "envoy#30205, envoy-mobile#811", retries_that_wait_are_counted_when_all_fail_at_once),
    (&[44], "resilience4j#1565", a_budget_that_refuses_ends_the_call_with_its_last_error),
    (&[46], "gigapixel-goblin#50", each_attempt_takes_a_token_of_a_limiter_below),
    (&[47, 48, 51], "go-retryablehttp#297, go-resty#1178, symfony-security-auditor#115", a_hostile_hint_ends_the_call),
    (&[50, 52], "otel-go#8383, kubevuln#637", a_hint_is_kept_to_the_nanosecond),
];

/// Bugs that cannot be made here, and why.
const NOT_OURS: [(u32, &str); 2] = [
    (45, "linkerd2#11669: which endpoint is called is the balancer's; each attempt is made ready anew (see stack.rs)"),
    (49, "mastra#23778: no header is parsed here"),
];

#[test]
fn bugs_of_others_are_not_made_here() {
    let failed = |(_, whose, test): &&Row| panic::catch_unwind(test).map_err(|_| eprintln!("^ {whose}")).is_err();
    assert_eq!(ROWS.iter().filter(failed).map(|(numbers, ..)| numbers).collect::<Vec<_>>(), Vec::<&&[u32]>::new());
}

#[test]
fn each_bug_is_tested_for_or_listed_once() {
    let tested = ROWS.iter().flat_map(|(numbers, ..)| numbers.iter().copied());
    let mut found: Vec<u32> = tested.chain(NOT_OURS.iter().map(|(number, _)| *number)).collect();
    found.sort_unstable();
    assert_eq!(found, (30..=52).collect::<Vec<_>>());
}

fn delays_never_overflow_nor_shrink_nor_pass_the_cap() {
    let bases = [Duration::ZERO, TICK, MILLISECOND, SECOND, YEAR, 200 * YEAR, Duration::MAX];
    let caps = [Duration::ZERO, TICK, 300 * SECOND, YEAR, Duration::MAX];
    for (base, cap) in bases.iter().flat_map(|base| caps.map(|cap| (*base, cap))) {
        let kinds = [
            Backoff::constant(base),
            Backoff::linear(base),
            Backoff::exponential(base),
            Backoff::exponential(base).factor(1.000_001),
            Backoff::exponential(base).factor(1e308),
            Backoff::decorrelated(base),
        ];
        for backoff in kinds.map(|backoff| backoff.max(cap)) {
            let mut last = Duration::ZERO;
            let powers = (0..32).flat_map(|power| [(1 << power) - 1, 1 << power]);
            for step in powers.chain([u32::MAX - 1, u32::MAX]) {
                let delay = backoff.delay(step);
                assert!(delay >= last && delay <= cap, "{backoff:?} {step}: {delay:?}");
                last = delay;
            }
            assert!(backoff.delays_from(1).take(1_000).all(|delay| delay <= cap), "{backoff:?}");
        }
    }
}

fn factors_that_make_no_sense_are_refused() {
    for factor in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 0.999] {
        let words = panic_message(|| Backoff::exponential(SECOND).factor(factor)).unwrap();
        assert_eq!(words, format!("`factor` must be finite and at least 1, got {factor}"));
    }
    for factor in [1.0, 1e308] {
        assert_eq!(panic_message(|| Backoff::exponential(SECOND).factor(factor)), None);
    }
}

fn delays_with_jitter_never_pass_the_cap() {
    for backoff in [
        Backoff::exponential(SECOND),
        Backoff::exponential(SECOND).jitter(Jitter::Equal),
        Backoff::linear(SECOND),
        Backoff::decorrelated(SECOND),
    ] {
        let cap = 7 * SECOND + TICK;
        let longest = backoff.max(cap).delays_from(1).take(250_000).max();
        assert!(longest.is_some_and(|longest| longest <= cap && longest > 6 * SECOND), "{backoff:?}: {longest:?}");
    }
}

fn at_the_cap_no_instant_has_a_heap_of_callers() {
    for backoff in [
        Backoff::constant(10 * SECOND),
        Backoff::exponential(SECOND),
        Backoff::exponential(SECOND).jitter(Jitter::Equal),
        Backoff::linear(SECOND),
        Backoff::decorrelated(SECOND),
    ] {
        const CALLERS: u32 = 10_000;
        let mut at: HashMap<Duration, u32> = HashMap::new();
        for seed in 0..u64::from(CALLERS) {
            let delay = backoff.max(10 * SECOND).delays_from(seed).nth(20).unwrap();
            *at.entry(delay).or_default() += 1;
        }
        let most = at.values().max().unwrap();
        assert!(*most <= CALLERS / 100, "{backoff:?}: {most} of {CALLERS} at one instant");
    }
}

fn a_delay_of_years_is_waited_out() {
    for way in Way::ALL {
        let clock = ManualClock::new();
        let retry = free().max_attempts(2).backoff(exactly(3 * YEAR)).clock(clock.clone()).build();
        let mut call = task::spawn(way.start(&retry, || future::ready(failed(1))));
        assert_pending!(call.poll());
        clock.advance(3 * YEAR - TICK);
        assert_pending!(call.poll());
        clock.advance(TICK);
        assert_ready_eq!(call.poll(), failed(1));
    }
    // And by tokio's timer, which counts milliseconds in tiers.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let start = tokio::time::Instant::now();
        let retry = free().max_attempts(2).backoff(exactly(3 * YEAR)).build();
        some_day(retry.execute(|| future::ready(failed(1)))).await.unwrap_err();
        assert_eq!(start.elapsed(), 3 * YEAR);
    });
}

fn no_ratio_grants_more_than_its_share() {
    const CALLS: u32 = 200;
    for (ratio, floor) in (0..1_000).flat_map(|hundredths| [(hundredths, 0), (hundredths, 1)]) {
        let budget = Budget::ratio(f64::from(ratio) / 100.0).floor(floor);
        let retry = quick().clock(ManualClock::new()).max_attempts(20).budget(budget).build();
        let attempts: u32 = (0..CALLS).map(|_| run(Way::Execute, &retry, failed).1).sum();
        let (retries, first) = (attempts - CALLS, 10 * floor);
        // In hundredths, so that nothing is rounded; and no call has more than 19.
        assert!(retries * 100 <= ratio * CALLS + first * 100, "{ratio} % and {floor}: {retries}");
        let least = (ratio * CALLS / 100 + first).min(19 * CALLS);
        assert!(retries + 1 >= least, "{ratio} % and {floor}: {retries}, {least} were there");
    }
}

fn retries_that_wait_are_counted_when_all_fail_at_once() {
    for way in Way::ALL {
        let clock = ManualClock::new();
        let budget = Budget::ratio(0.2).floor(0);
        let retry = free().backoff(exactly(SECOND)).clock(clock.clone()).budget(budget.clone()).build();
        let attempts = Cell::new(0);
        let attempt = || {
            attempts.set(attempts.get() + 1);
            steps(1, || failed(1))
        };
        let mut calls: Vec<_> = (0..100).map(|_| task::spawn(way.start(&retry, attempt))).collect();
        calls.iter_mut().for_each(|call| assert_pending!(call.poll()));
        assert_eq!((attempts.get(), budget.balance().round()), (100, 20.0), "{way:?}");
        let waiting = calls.iter_mut().filter_map(|call| call.poll().is_pending().then_some(())).count();
        assert!((19..=20).contains(&waiting) && budget.balance() < 1.0, "{way:?}: {waiting}");
    }
}

fn a_budget_that_refuses_ends_the_call_with_its_last_error() {
    for way in Way::ALL {
        let (log, observer) = log();
        let (builder, clock) = plain();
        let budget = Budget::ratio(0.0).floor(1).burst(1);
        let retry = builder.backoff(Duration::ZERO).budget(budget).on_event(observer).build();
        assert_eq!(run(way, &retry, failed), (failed(2), 2), "{way:?}");
        assert_eq!((reasons(&log), clock.take_waits()), (vec![GaveUp::Budget], vec![]), "{way:?}");
    }
}

fn each_attempt_takes_a_token_of_a_limiter_below() {
    for way in Way::ALL {
        let clock = LeapingClock::default();
        let limiter = RateLimiter::builder("l", Quota::per_second(10).burst(10)).clock(clock.clone()).build();
        let retry = quick().clock(clock).build();
        ends(way.start(&retry, || limiter.call(|| future::ready(failed(1))))).unwrap_err();
        assert_eq!(limiter.available(), 7, "{way:?}");
    }
}

/// How long each of two calls waits, of which the callee says `hint` to the first one alone.
fn waits_of_two(way: Way, hint: Hint) -> Vec<Duration> {
    let (builder, clock) = plain();
    let hostile = |_: &Attempt, result: &Reply| if *result == failed(1) { hint } else { Hint::None };
    let retry = builder.max_attempts(2).hint(hostile).build();
    run(way, &retry, |_| failed(1)).0.unwrap_err();
    run(way, &retry, |_| failed(2)).0.unwrap_err();
    clock.take_waits()
}

fn a_hostile_hint_ends_the_call() {
    for way in Way::ALL {
        for wish in [Duration::MAX, Duration::from_secs(u64::MAX), YEAR, 61 * SECOND] {
            assert_eq!(waits_of_two(way, Hint::After(wish)), [MILLISECOND], "{way:?} {wish:?}");
        }
    }
}

fn a_hint_is_kept_to_the_nanosecond() {
    for way in Way::ALL {
        for wish in [MILLISECOND + TICK, Duration::new(1, 999_999_999), Duration::from_nanos(1_500_000_001)] {
            assert_eq!(waits_of_two(way, Hint::After(wish)), [wish, MILLISECOND], "{way:?}");
        }
    }
}
