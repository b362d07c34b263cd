//! What the tests of other rate limiters assert, asserted of this one: the cases RL-01 to RL-21.
//! `docs/conformance.md` says what is changed.

use std::{
    collections::BTreeSet,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::subject::Limit;
use crate::support::{Manual, gcra, window};
use seawall_core::{
    Rejection,
    rate::{Limiter, RateEntry},
    time::{Clock, Instant, ManualClock},
};
use seawall_rate_limit::{Algorithm, KeyedRateLimiter, Quota, RateLimiter, Reason};
use seawall_testkit::{
    Subject,
    time::{SECOND, TICK, ms},
};

/// Cases by cycles that begin at fixed times; here the first call of a cycle begins it.
const CYCLE: Duration = Duration::from_millis(500);

/// Asks once, in each of the ways, on a limiter of its own each; and moves its clock on before.
#[track_caller]
fn play(make: impl Fn() -> (Manual, ManualClock), steps: &[(Duration, bool)]) {
    for (way, run) in Limit::RUNS {
        let (limiter, clock) = make();
        let (limit, start) = (Limit::new((limiter, clock.clone())), clock.now());
        for &(at, passes) in steps {
            clock.advance((start + at).saturating_duration_since(clock.now()));
            assert_eq!(run(&limit, Ok(())).is_ok(), passes, "{way} at {at:?}");
        }
    }
}

fn wait(result: Result<(), Rejection>) -> Option<Duration> {
    result.unwrap_err().retry_after()
}

/// What the `n`-th of some waiters that come now would wait for, and the places of all of them.
struct Waiters {
    limiter: Limiter<()>,
    /// Dropped with the test: nobody gives up.
    places: Vec<seawall_core::Place>,
    /// Until when those who were due have been let pass.
    seen: u64,
}

impl Waiters {
    fn new(quota: Quota, algorithm: Algorithm) -> Self {
        Self { limiter: Limiter::new(quota, algorithm, 1, Instant::ORIGIN + 9 * SECOND), places: Vec::new(), seen: 0 }
    }

    /// Reserves for `n` callers at that many milliseconds; how long the last of them waits, in milliseconds.
    fn reserve(&mut self, at: u64, n: usize) -> u64 {
        self.within(at, n, u64::MAX / 4_000_000).expect("it waits for as long as it takes")
    }

    /// How long a call of that cost would be told to wait, in milliseconds.
    fn told(&self, at: u64, cost: u32) -> u64 {
        let refusal = self.limiter.would_reject(cost, Instant::ORIGIN + 9 * SECOND + ms(at));
        refusal.and_then(|refusal| refusal.retry_after()).unwrap_or_default().as_millis() as u64
    }

    fn within(&mut self, at: u64, n: usize, max_wait: u64) -> Option<u64> {
        let now = Instant::ORIGIN + 9 * SECOND + ms(at);
        // Each passes when its turn comes, as a timer would have it.
        for time in (self.seen..=at).step_by(100) {
            let _ = self.limiter.try_enter_behind(0, Instant::ORIGIN + 9 * SECOND + ms(time));
        }
        self.seen = at;
        let mut last = 0;
        for _ in 0..n {
            // What one more would be told is when this one's turn is.
            last = self.told(at, 1);
            match self.limiter.enter(1, true, now, now + ms(max_wait), || ()).0 {
                Ok(RateEntry::Entered(_)) => assert_eq!(last, 0),
                Ok(RateEntry::Waiting(place)) => self.places.push(place),
                Err(_) => return None,
            }
        }
        Some(last)
    }
}

#[test]
fn rl_01_one_a_cycle() {
    play(|| gcra(Quota::every(CYCLE)), &[(CYCLE, true), (CYCLE, false), (2 * CYCLE, true), (2 * CYCLE, false)]);
    let (limiter, _) = gcra(Quota::every(CYCLE));
    assert_eq!(limiter.available(), 1);
    limiter.try_acquire().unwrap();
    assert_eq!((limiter.available(), wait(limiter.try_acquire())), (0, Some(CYCLE)));
}

#[test]
fn rl_02_waiting_for_a_cycle_and_no_longer() {
    let clock = ManualClock::new();
    let limiter = RateLimiter::builder("t", Quota::every(CYCLE)).max_wait(CYCLE).clock(clock.clone()).build();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(poll(pin!(limiter.acquire()), &mut cx).is_some());
    let mut second = pin!(limiter.acquire());
    assert!(poll(second.as_mut(), &mut cx).is_none());
    // A third would have to wait for two cycles: it is refused, and changes nothing.
    let third = poll(pin!(limiter.acquire()), &mut cx).unwrap().unwrap_err();
    assert_eq!(third.retry_after(), Some(2 * CYCLE));
    assert_eq!((limiter.queued(), limiter.available()), (1, 0));
    clock.advance(5 * CYCLE);
    assert!(poll(second.as_mut(), &mut cx).unwrap().is_ok());
    clock.advance(CYCLE);
    assert_eq!((limiter.available(), limiter.queued()), (1, 0));
}

#[test]
fn rl_03_a_refusal_says_to_the_nanosecond_when() {
    let (limiter, clock) = gcra(Quota::every(CYCLE));
    limiter.try_acquire().unwrap();
    clock.advance(CYCLE - TICK);
    assert_eq!((limiter.available(), wait(limiter.try_acquire())), (0, Some(TICK)));
}

#[test]
fn rl_04_places_in_the_queue_are_taken_up_front() {
    let cycle = ms(10);
    let limiter: Limiter<()> =
        Limiter::new(Quota::new(3, cycle), Algorithm::SlidingWindow, 1, Instant::ORIGIN + SECOND);
    let mut waits = Vec::new();
    let mut places = Vec::new();
    for number in 0..9_u32 {
        let now = Instant::ORIGIN + SECOND + cycle + (number + 1) * TICK;
        let told = limiter.would_reject(1, now).map_or(Duration::ZERO, |refusal| refusal.retry_after().unwrap());
        match limiter.enter(1, true, now, now + ms(12), || ()).0 {
            Ok(RateEntry::Waiting(place)) => places.push(place),
            Ok(RateEntry::Entered(_)) => {}
            Err(refusal) => {
                assert_eq!(refusal.reason(), Reason::TooLong);
                waits.push(None);
                continue;
            }
        }
        waits.push(Some(told));
    }
    // A cycle after the call whose place it takes, not at the end of a common cycle: a nanosecond later.
    let behind = Some(cycle - 3 * TICK);
    let none = Some(Duration::ZERO);
    assert_eq!(waits, [none, none, none, behind, behind, behind, None, None, None]);
    places.into_iter().for_each(|place| drop(limiter.leave(place, Instant::MAX)));
}

#[test]
fn rl_05_a_new_quota_holds_for_who_waits() {
    let clock = ManualClock::new();
    let limiter = RateLimiter::builder("t", Quota::every(CYCLE)).clock(clock.clone()).build();
    let mut cx = Context::from_waker(Waker::noop());
    limiter.try_acquire().unwrap();
    let mut waiter = pin!(limiter.acquire());
    assert!(poll(waiter.as_mut(), &mut cx).is_none());
    // At once, not from the next cycle on: one of two was spent.
    limiter.set_quota(Quota::new(2, CYCLE));
    assert!(poll(waiter.as_mut(), &mut cx).unwrap().is_ok());
    clock.advance(CYCLE);
    assert_eq!(limiter.available(), 2);
}

#[test]
fn rl_06_costs_are_taken_whole_or_not_at_all() {
    let (limiter, clock) = window(Quota::new(10, CYCLE));
    let takes = |n: u32| limiter.try_acquire_n(n).is_ok();
    assert_eq!([takes(5), takes(5), takes(1)], [true, true, false]);
    clock.advance(CYCLE);
    assert!(takes(1));
    clock.advance(CYCLE);
    assert_eq!([takes(1), takes(5), takes(5)], [true, true, false]);
    assert_eq!(limiter.available(), 4);
    clock.advance(CYCLE);
    assert!(takes(5));
}

#[test]
fn rl_07_a_drained_limiter_is_full_again_a_cycle_later() {
    let (limiter, clock) = window(Quota::new(10, CYCLE));
    limiter.try_acquire_n(limiter.available()).unwrap();
    for _ in 0..5 {
        assert!(limiter.try_acquire().is_err());
        clock.advance(CYCLE / 5);
    }
    assert!(limiter.try_acquire().is_ok());
}

#[test]
fn rl_08_what_is_not_used_is_not_added_up() {
    let (limiter, clock) = window(Quota::new(2, CYCLE));
    let ask = || limiter.try_acquire().is_ok();
    assert_eq!([ask(), ask(), ask()], [true, true, false]);
    clock.advance(2 * CYCLE);
    assert_eq!(limiter.available(), 2);
    clock.advance(2 * CYCLE);
    assert_eq!(limiter.available(), 2);
    limiter.set_quota(Quota::new(3, CYCLE));
    assert_eq!([ask(), ask(), ask(), ask()], [true, true, true, false]);
    let mut cx = Context::from_waker(Waker::noop());
    let mut waiter = pin!(limiter.acquire());
    assert!(poll(waiter.as_mut(), &mut cx).is_none());
    clock.advance(CYCLE);
    assert!(poll(waiter.as_mut(), &mut cx).unwrap().is_ok());
    assert_eq!(limiter.available(), 2);
}

#[test]
fn rl_09_who_waits_is_spaced_evenly() {
    let mut waiters = Waiters::new(Quota::every(ms(500)), Algorithm::Gcra);
    assert_eq!(
        [(0, 7), (800, 3), (2_300, 1), (3_500, 3)].map(|(at, n)| waiters.reserve(at, n)),
        [3_000, 3_700, 2_700, 3_000]
    );
    // After a pause from the call on, not by a common beat: 100 ms later than there.
    assert_eq!(waiters.reserve(9_100, 3), 1_000);
    assert_eq!(waiters.reserve(11_000, 1), 0);
}

#[test]
fn rl_10_an_interval_begins_with_its_call() {
    let quota = Quota::every(100 * TICK);
    play(
        || gcra(quota),
        &[
            (Duration::ZERO, true),
            (Duration::ZERO, false),
            (150 * TICK, true),
            (150 * TICK, false),
            // Not by a common beat, where 210 passes.
            (210 * TICK, false),
            (250 * TICK, true),
        ],
    );
}

#[test]
fn rl_11_a_fresh_one_waits_for_nothing() {
    let (limiter, clock) = gcra(Quota::every(100 * TICK));
    limiter.try_acquire().unwrap();
    assert_eq!(wait(limiter.try_acquire()), Some(100 * TICK));
    clock.advance(100 * TICK);
    limiter.try_acquire().unwrap();
    clock.advance(150 * TICK);
    limiter.try_acquire().unwrap();
    assert_eq!(wait(limiter.try_acquire()), Some(100 * TICK));
}

#[test]
fn rl_12_bursts_come_a_period_apart() {
    let mut waiters = Waiters::new(Quota::per_second(2), Algorithm::SlidingWindow);
    let waits = [(0, 7), (800, 3), (2_300, 1), (3_500, 3), (7_000, 1)].map(|(at, n)| waiters.reserve(at, n));
    assert_eq!(waits, [3_000, 3_200, 2_700, 2_500, 0]);
    assert_eq!(waiters.limiter.available(Instant::ORIGIN + 16 * SECOND), 1);
}

#[test]
fn rl_13_a_cost_waits_as_long_as_the_last_of_as_many() {
    for (quota, algorithm) in [
        (Quota::per_second(10), Algorithm::Gcra),
        (Quota::every(ms(500)).burst(10), Algorithm::Gcra),
        (Quota::per_second(10), Algorithm::SlidingWindow),
    ] {
        for n in 1..=10 {
            let mut waiters = Waiters::new(quota, algorithm);
            // Fresh, and amid others.
            for (at, before) in [(0, 0), (0, 7), (300, 2), (700, 11)] {
                waiters.reserve(at, before);
                let told = waiters.told(at, n as u32);
                assert_eq!(waiters.reserve(at, n), told, "{n} at {at} of {quota}");
            }
        }
    }
}

#[test]
fn rl_14_a_refused_try_consumes_nothing() {
    let mut waiters = Waiters::new(Quota::every(ms(100)), Algorithm::Gcra);
    assert_eq!([100, 1_000, 100].map(|max_wait| waiters.within(0, 1, max_wait)), [Some(0), Some(100), None]);
    let mut waiters = Waiters::new(Quota::every(ms(100)), Algorithm::Gcra);
    let waits = [1, 10, 100, 200, 100].map(|max_wait| waiters.within(0, 1, max_wait));
    assert_eq!(waits, [Some(0), None, Some(100), Some(200), None]);
}

#[test]
fn rl_15_the_rows_of_redis_cell() {
    let (limiter, clock) = gcra(Quota::per_second(1).burst(5));
    let start = clock.now();
    let rows = [
        (0, 6, false, 5, None),
        (0, 1, true, 4, None),
        (0, 1, true, 3, None),
        (0, 1, true, 2, None),
        (0, 1, true, 1, None),
        (0, 1, true, 0, None),
        (0, 1, false, 0, Some(SECOND)),
        (3_000, 1, true, 2, None),
        (3_100, 1, true, 1, None),
        (4_000, 1, true, 1, None),
    ];
    for (row, (at, cost, passes, remaining, retry_after)) in rows.into_iter().enumerate() {
        clock.advance((start + ms(at)).saturating_duration_since(clock.now()));
        let told = limiter.try_acquire_n(cost);
        assert_eq!((told.is_ok(), limiter.available()), (passes, remaining), "row {row}");
        assert_eq!(told.err().and_then(|rejection| rejection.retry_after()), retry_after, "row {row}");
    }
}

#[test]
fn rl_16_too_many_are_refused() {
    let steps = [(0, true), (1, true), (2, false), (1_002, true), (1_003, true), (1_004, false)];
    play(|| gcra(Quota::per_second(2)), &steps.map(|(at, passes)| (ms(at), passes)));
}

#[test]
fn rl_17_what_never_fits_says_so() {
    let (limiter, clock) = gcra(Quota::per_second(5));
    for _ in 0..2 {
        for n in [15, 7, 6] {
            let Rejection::RateLimited(limited) = limiter.try_acquire_n(n).unwrap_err() else {
                panic!("another policy")
            };
            assert_eq!((limited.reason(), limited.quota().max_burst()), (Reason::TooLarge, 5));
            assert_eq!(limited.retry_after(), None);
        }
        clock.advance(3 * SECOND);
    }
    limiter.try_acquire_n(5).unwrap();
}

#[test]
fn rl_18_after_the_wait_that_was_told_it_passes() {
    let (limiter, clock) = gcra(Quota::per_second(5));
    let mut refused = 0;
    for _ in 0..20 {
        clock.advance(ms(1));
        if let Err(rejection) = limiter.try_acquire() {
            refused += 1;
            clock.advance(rejection.retry_after().unwrap());
            limiter.try_acquire().unwrap();
        }
    }
    assert!(refused > 10, "{refused}");
}

#[test]
fn rl_19_idle_keys_expire() {
    let clock = ManualClock::new();
    let limiter = KeyedRateLimiter::<&str>::builder("t", Quota::per_second(1)).clock(clock.clone()).build();
    let start = clock.now();
    let at = |at: u64| clock.advance((start + ms(at)).saturating_duration_since(clock.now()));
    for (key, time) in [("foo", 0), ("bar", 200), ("baz", 800)] {
        at(time);
        limiter.try_acquire(&key).unwrap();
    }
    // As soon as they are as good as new, an interval before they do there.
    let mut left = Vec::new();
    for time in [800, 1_000, 1_200, 1_800] {
        at(time);
        limiter.purge();
        left.push(limiter.len());
    }
    assert_eq!(left, [3, 2, 1, 0]);
}

#[test]
fn rl_20_a_token_bucket() {
    let (limiter, clock) = gcra(Quota::per_second(1).burst(10));
    let takes = |n: u32| limiter.try_acquire_n(n).is_ok();
    assert_eq!([takes(20), takes(9), takes(1)], [false, true, true]);
    clock.advance(ms(999));
    assert!(!takes(1));
    clock.advance(ms(5_000));
    assert!(!takes(6));
    clock.advance(ms(1));
    assert_eq!([takes(6), takes(1)], [true, false]);

    let (limiter, clock) = gcra(Quota::per_second(1).burst(3));
    clock.advance(10 * SECOND);
    assert_eq!([4, 3].map(|n| limiter.try_acquire_n(n).is_ok()), [false, true]);

    let half = Quota::every(2 * SECOND);
    let steps = [(0, true), (500, false), (1_500, false), (2_000, true)];
    play(|| gcra(half), &steps.map(|(at, passes)| (ms(at), passes)));
}

#[test]
fn rl_21_fills_stop_at_the_burst() {
    let fill = ms(50);
    play(
        || gcra(Quota::every(fill).burst(2)),
        &[
            (Duration::ZERO, true),
            (Duration::ZERO, true),
            (Duration::ZERO, false),
            (fill, true),
            (fill, false),
            (9 * fill, true),
            (9 * fill, true),
            (9 * fill, false),
        ],
    );
}

#[test]
fn every_case_is_played() {
    let source = include_str!("conformance.rs");
    let names = source.lines().filter_map(|line| line.strip_prefix("fn rl_"));
    let found: BTreeSet<u32> = names.map(|name| name[..2].parse().unwrap()).collect();
    assert_eq!(found, (1..=21).collect());
}

fn poll<F: Future>(future: Pin<&mut F>, cx: &mut Context<'_>) -> Option<F::Output> {
    match future.poll(cx) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
