//! The laws of a rate limit, over random quotas and random histories.
mod clock;
mod late;
mod naive;
mod peer;
mod queue;
mod window;
mod years;

use std::{env, time::Duration};

use proptest::prelude::*;
use seawall_core::{
    Place,
    rate::{Algorithm, Denied, Limiter, Quota, RateEntry, RateTurn, Reason},
    time::Instant,
};

const START: Instant = Instant::from_nanos(1_000_000_000_000_000_000);
const DAY: u64 = 86_400_000_000_000;

fn cases() -> ProptestConfig {
    let cases = env::var("SEAWALL_CASES").ok().map_or(10_000, |cases| cases.parse().expect("a number"));
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// From one in 366 days to 10^9 a second, with bursts of any size.
fn quotas() -> impl Strategy<Value = Quota> {
    let period = prop_oneof![1..=366 * DAY, 1..=5_000_000_000_u64, Just(1_000_000_000), Just(DAY)];
    let number = || prop_oneof![Just(1_u32), 1..=100_u32, 1..=u32::MAX, Just(u32::MAX)];
    (period, number(), number()).prop_map(|(period, count, burst)| {
        let count = count.min(u32::try_from(period).unwrap_or(u32::MAX));
        Quota::new(count, Duration::from_nanos(period)).burst(burst)
    })
}

/// Steps in time that matter to that quota, or to any.
fn step(quota: &Quota, kind: u8, luck: u64) -> u64 {
    let interval = quota.interval().as_nanos() as u64;
    match kind % 8 {
        0 | 1 => 0,
        2 => 1,
        3 => luck % (interval + 2),
        4 => interval,
        5 => luck % (3 * interval + 2),
        6 => quota.refill_time().as_nanos() as u64 % (400 * DAY),
        _ => luck % (2 * DAY),
    }
}

fn limiter(quota: Quota, now: Instant) -> Limiter<usize> {
    Limiter::new(quota, Algorithm::Gcra, 1, now)
}

/// At once or not at all, as the crate above does it.
fn try_enter(limiter: &Limiter<usize>, cost: u32, now: Instant) -> Result<(), Option<u64>> {
    match limiter.try_enter(cost, now) {
        Ok(()) => Ok(()),
        Err(Denied::Queued) => {
            let (entered, _) = limiter.try_enter_behind(cost, now);
            entered.map(drop).map_err(|refusal| refusal.retry_after().map(|wait| wait.as_nanos() as u64))
        }
        Err(denied) => Err(limiter.refusal(denied, cost).retry_after().map(|wait| wait.as_nanos() as u64)),
    }
}

/// Checks `burst + rate * T` over all pairs of what passed. A call's time is read to the nanosecond, so T is at most one
/// longer than it seems; and units are about that, so that it is three in all.
fn holds_in_every_window(quota: &Quota, passed: &[(u64, u32)]) -> Result<(), TestCaseError> {
    for (first, &(from, _)) in passed.iter().enumerate() {
        let mut total = 0_u128;
        for &(until, cost) in &passed[first..] {
            total += u128::from(cost);
            let stretch = u128::from(until - from) + 3 * u128::from(unit(quota));
            let period = quota.period().as_nanos();
            // total <= burst + count * T / period
            let most = u128::from(quota.max_burst()) * period + u128::from(quota.count()) * stretch;
            prop_assert!(total * period <= most, "{total} in {stretch} ns under {quota}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_window_holds_more_than_the_burst_and_the_rate(
        quota in quotas(),
        steps in prop::collection::vec((any::<u8>(), any::<u64>(), any::<u32>()), 1..40),
    ) {
        let limiter = limiter(quota, START);
        let (mut now, mut passed) = (START, Vec::new());
        for (kind, luck, cost) in steps {
            now = now + Duration::from_nanos(step(&quota, kind, luck));
            let cost = if kind > 200 { cost % quota.max_burst() + 1 } else { 1 };
            let available = limiter.available(now);
            prop_assert!(available <= quota.max_burst());
            let entered = try_enter(&limiter, cost, now);
            prop_assert_eq!(entered.is_ok(), cost <= available, "{} of {}", cost, available);
            if entered.is_ok() {
                passed.push((now.as_nanos(), cost));
                prop_assert_eq!(limiter.available(now), available - cost);
            }
        }
        holds_in_every_window(&quota, &passed)?;
    }

    #[test]
    fn a_refusal_says_exactly_when(
        quota in quotas(),
        steps in prop::collection::vec((any::<u8>(), any::<u64>()), 1..20),
        cost in any::<u32>(),
    ) {
        let limiter = limiter(quota, START);
        let cost = cost % quota.max_burst() + 1;
        let mut now = START;
        prop_assert!(try_enter(&limiter, quota.max_burst(), now).is_ok());
        for (kind, luck) in steps {
            now = now + Duration::from_nanos(step(&quota, kind, luck));
            let cost = if kind % 2 == 0 { 1 } else { cost };
            let Err(wait) = try_enter(&limiter, cost, now) else { continue };
            // Hundreds of years count as never, and after some years the bucket's time begins anew, rounded.
            let Some(wait) = wait.filter(|wait| now.as_nanos() + wait < START.as_nanos() + 1_200 * DAY) else { break };
            prop_assert_eq!(try_enter(&limiter, cost, now + Duration::from_nanos(wait - 1)), Err(Some(1)));
            if cost == 1 {
                // One permit is there after one interval at the most, and that is at most the time of a burst.
                prop_assert!(wait <= quota.interval().as_nanos() as u64 + 1 + unit(&quota), "{wait}");
            }
            prop_assert!(u128::from(wait) <= quota.refill_time().as_nanos() + 1 + u128::from(unit(&quota)));
            now = now + Duration::from_nanos(wait);
            prop_assert_eq!(try_enter(&limiter, cost, now), Ok(()));
        }
    }

    #[test]
    fn the_rate_of_years_is_off_by_less_than_a_billionth(quota in quotas(), luck in any::<u64>()) {
        let limiter = limiter(quota.burst(1), START);
        prop_assume!(quota.interval() < Duration::from_nanos(5 * DAY));
        let mut now = START;
        let (mut passed, mut last) = (0_u64, START);
        // Greedy, with idle jumps that the burst of one cannot use: counted only from permit to permit.
        for _ in 0..200 {
            if let Err(wait) = try_enter(&limiter, 1, now) {
                now = now + Duration::from_nanos(wait.expect("one is not above the burst"));
                prop_assert_eq!(try_enter(&limiter, 1, now), Ok(()));
            }
            (passed, last) = (passed + 1, now);
        }
        // 199 intervals, none of which was idle.
        let took = u128::from(last.as_nanos() - START.as_nanos());
        let exact = 199 * quota.period().as_nanos() / u128::from(quota.count());
        prop_assert_eq!(passed, 200);
        prop_assert!(took.abs_diff(exact) <= 2 + u128::from(unit(&quota.burst(1))) + exact / 1_000_000_000, "{} for {}", took, exact);
        let _ = luck;
    }

    #[test]
    fn a_quota_that_changes_keeps_what_is_spent(
        first in quotas(),
        changes in prop::collection::vec((quotas(), any::<u8>(), any::<u64>()), 1..20),
    ) {
        let limiter = limiter(first, START);
        let (mut now, mut quota) = (START, first);
        for (next, kind, luck) in changes {
            let spent = u64::from(quota.max_burst() - limiter.available(now));
            let (former, _) = limiter.set_quota(next, now);
            prop_assert_eq!(former, quota);
            prop_assert_eq!(limiter.quota(), next);
            quota = next;
            let left = u64::from(quota.max_burst()).saturating_sub(spent);
            let available = u64::from(limiter.available(now));
            // A part of a permit that was coming may be rounded away, towards fewer.
            prop_assert!(available <= left.max(1) && available + 1 >= left, "{available} of {left}");
            while kind % 3 == 0 && limiter.available(now) > 0 {
                prop_assert!(try_enter(&limiter, limiter.available(now), now).is_ok());
            }
            let _ = try_enter(&limiter, (luck % u64::from(quota.max_burst())) as u32 + 1, now);
            now = now + Duration::from_nanos(step(&quota, kind, luck));
        }
        // Never stuck: after the time of a burst it is full.
        now = now + quota.refill_time() + Duration::from_nanos(2 + unit(&quota));
        if quota.refill_time() < Duration::from_nanos(1_000 * DAY) {
            prop_assert_eq!(limiter.available(now), quota.max_burst());
        }
    }
}

/// How long a unit takes to be produced: a nanosecond, unless the burst alone is worth years.
fn unit(quota: &Quota) -> u64 {
    let worth = u128::from(quota.max_burst()) * quota.period().as_nanos() / u128::from(quota.count());
    (worth >> 56) as u64 + 1
}

#[test]
fn what_is_given_back_late_is_not_there_twice() {
    let limiter = limiter(Quota::per_second(10), START);
    assert!(try_enter(&limiter, 10, START).is_ok());
    let late = START + Duration::from_secs(60);
    assert!(try_enter(&limiter, 10, late).is_ok());
    // A minute has made up for the first ten.
    let _ = limiter.refund(10, START, late);
    assert_eq!(limiter.available(late), 0);
    let _ = limiter.refund(4, late, late);
    assert_eq!(limiter.available(late), 4);
}

#[test]
fn idle_for_days_and_up_for_years() {
    let quota = Quota::per_second(10).burst(3);
    let limiter = limiter(quota, START);
    let mut now = START;
    for _ in 0..200 {
        assert!((0..3).all(|_| try_enter(&limiter, 1, now).is_ok()));
        assert_eq!(try_enter(&limiter, 1, now), Err(Some(100_000_000)));
        now = now + Duration::from_nanos(30 * DAY);
    }
    for never in [Instant::MAX, Instant::ORIGIN, START, Instant::MAX] {
        assert!(try_enter(&limiter, 1, never).is_ok() || try_enter(&limiter, 1, never) != Err(None));
        assert!(limiter.available(never) <= 3);
    }
}

#[test]
fn slow_quotas_fill_over_years() {
    let quota = Quota::every(Duration::from_nanos(366 * DAY)).burst(10);
    let limiter = limiter(quota, START);
    assert!(try_enter(&limiter, 10, START).is_ok());
    let years = |years: u64| START + Duration::from_nanos(years * 366 * DAY + 10);
    for year in 1..=9 {
        assert_eq!(limiter.available(years(year)), 1);
        assert_eq!(try_enter(&limiter, 1, years(year)), Ok(()));
    }
    assert_eq!(limiter.available(years(20)), 10);
}

#[test]
fn who_waits_is_served_in_order_and_moves_up() {
    let quota = Quota::every(Duration::from_secs(1));
    let limiter = limiter(quota, START);
    let at = |seconds: u64| START + Duration::from_secs(seconds);
    // The second one looks after the turn of the first one, which may be kept and not polled.
    let backup = Duration::from_millis(10);
    assert!(try_enter(&limiter, 1, START).is_ok());
    let mut places: Vec<Option<Place>> = (0..4)
        .map(|number| match limiter.enter(1, true, START, Instant::MAX, || number).0 {
            Ok(RateEntry::Waiting(place)) => Some(place),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((limiter.queued(), limiter.available(at(9))), (4, 0));
    // Behind four others.
    assert_eq!(try_enter(&limiter, 1, START), Err(Some(5_000_000_000)));
    assert_eq!(limiter.turn(&mut places[0], START, || 0).0, RateTurn::Waiting { until: at(1) });
    assert_eq!(limiter.turn(&mut places[1], START, || 1).0, RateTurn::Waiting { until: at(1) + backup });
    // The first gives up: the second is the first now, and is told.
    let woken: Vec<usize> = limiter.leave(places[0].take().unwrap(), START).into_iter().collect();
    assert_eq!(woken, [1]);
    assert_eq!(limiter.turn(&mut places[1], START, || 1).0, RateTurn::Waiting { until: at(1) });
    assert_eq!(limiter.turn(&mut places[1], at(1), || 1).0, RateTurn::Entered(at(1)));
    // A visitor lets pass whoever is due, though it has not asked.
    let (late, woken) = limiter.try_enter_behind(1, at(2));
    assert_eq!(late.unwrap_err().retry_after(), Some(Duration::from_secs(2)));
    // Who is the first now was told when the one before left.
    assert_eq!(woken.into_iter().collect::<Vec<_>>(), [3]);
    // It was let through and gives up: the next one gets it.
    let _ = limiter.leave(places[2].take().unwrap(), at(2));
    assert_eq!(limiter.turn(&mut places[3], at(2), || 3).0, RateTurn::Entered(at(2)));
    assert_eq!((limiter.queued(), try_enter(&limiter, 1, at(3))), (0, Ok(())));
}

#[test]
fn a_turn_that_cannot_come_in_time_is_refused_at_once() {
    for algorithm in [Algorithm::Gcra, Algorithm::SlidingWindow] {
        let limiter = Limiter::new(Quota::every(Duration::from_secs(1)), algorithm, 1, START);
        let at = |seconds: u64| START + Duration::from_secs(seconds);
        assert_eq!(limiter.enter(1, true, START, START, || 0).0, Ok(RateEntry::Entered(START)));
        let Ok(RateEntry::Waiting(place)) = limiter.enter(1, true, START, at(1), || 0).0 else {
            panic!("its turn comes in time")
        };
        let refusal = limiter.enter(1, true, START, at(2).sub(1), || 1).0.unwrap_err();
        assert_eq!((refusal.reason(), refusal.retry_after()), (Reason::TooLong, Some(Duration::from_secs(2))));
        assert_eq!(limiter.enter(2, true, START, Instant::MAX, || 1).0.unwrap_err().reason(), Reason::TooLarge);
        let _ = limiter.leave(place, START);
        assert_eq!(limiter.queued(), 0);
        assert!(try_enter(&limiter, 1, at(1)).is_ok());
    }
}

trait Earlier {
    fn sub(self, nanos: u64) -> Instant;
}

impl Earlier for Instant {
    fn sub(self, nanos: u64) -> Instant {
        Instant::from_nanos(self.as_nanos() - nanos)
    }
}
