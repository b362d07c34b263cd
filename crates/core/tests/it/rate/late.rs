//! Callers that wait, and are looked for late: they get the rate, and each counts as of when its turn came.

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::{
    Place,
    rate::{Limiter, Quota, RateEntry, RateTurn},
    time::Instant,
};

use super::{START, cases, holds_in_every_window, limiter};

/// Three hundred turns of `callers` callers that come again as soon as they have passed, each of which asks late.
fn turns(quota: Quota, callers: usize, cost: u32, late: &[u64]) -> Vec<(Instant, Instant)> {
    let limiter: Limiter<usize> = limiter(quota, START);
    let (mut now, mut passed) = (START, Vec::new());
    let mut waiting: Vec<Option<(Place, Instant)>> = (0..callers).map(|_| None).collect();
    let mut lateness = late.iter().cycle();
    while passed.len() < 300 {
        for (number, waits) in waiting.iter_mut().enumerate() {
            let mut place = match waits.take() {
                Some((place, until)) if until > now => {
                    *waits = Some((place, until));
                    continue;
                }
                Some((place, _)) => Some(place),
                None => {
                    match limiter.enter(cost, true, now, Instant::MAX, || number).0.expect("it may wait for ever") {
                        RateEntry::Entered(at) => {
                            passed.push((at, now));
                            // It comes again in this round, as its place is free.
                            *waits = None;
                            continue;
                        }
                        RateEntry::Waiting(place) => Some(place),
                    }
                }
            };
            match limiter.turn(&mut place, now, || number).0 {
                RateTurn::Entered(at) => passed.push((at, now)),
                RateTurn::Waiting { until } => {
                    let late = Duration::from_nanos(*lateness.next().expect("it is a cycle"));
                    *waits = place.map(|place| (place, until + late));
                }
                RateTurn::Refused(refusal) => panic!("{refusal:?}"),
            }
        }
        if let Some(next) = waiting.iter().map(|waits| waits.as_ref().map_or(now, |(_, until)| *until)).min() {
            now = next.max(now);
        }
    }
    waiting.into_iter().flatten().for_each(|(place, _)| drop(limiter.leave(place, now)));
    passed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases().cases / 20, ..cases() })]

    #[test]
    fn waiting_callers_get_the_rate_and_not_more(
        interval in 1_000..20_000_000_u64,
        burst in prop_oneof![Just(1_u32), 1..20_u32],
        cost in 1..4_u32,
        callers in 1..6_usize,
        late in prop::collection::vec(0..1_000_000_u64, 1..20),
    ) {
        let quota = Quota::every(Duration::from_nanos(interval)).burst(burst);
        let cost = cost.min(burst);
        let passed = turns(quota, callers, cost, &late);
        for (at, now) in &passed {
            prop_assert!(at <= now && now.saturating_duration_since(*at) <= Duration::from_millis(20));
        }
        let mut counted: Vec<(u64, u32)> = passed.iter().map(|(at, _)| (at.as_nanos(), cost)).collect();
        // They were let pass in order, and asked in another one.
        counted.sort_unstable();
        holds_in_every_window(&quota, &counted)?;
        // What is left when the last one passes, late, is not lost: 99 % and a millisecond.
        let took = passed.last().map_or(0, |(_, now)| now.as_nanos() - START.as_nanos());
        let due = (passed.len() as u64 * u64::from(cost)).saturating_sub(burst.into()) * interval;
        prop_assert!(took <= due + due / 100 + 1_000_000, "{took} for {due}");
    }
}

/// Each of those ways once lost turns: a timer that is always a millisecond late, at intervals around that.
#[test]
fn a_timer_that_is_late_each_time_loses_no_turn() {
    for interval in [1_500_000, 500_000, 100_000] {
        let passed = turns(Quota::every(Duration::from_nanos(interval)), 1, 1, &[1_000_000]);
        let took = passed.last().map_or(0, |(_, now)| now.as_nanos() - START.as_nanos());
        assert!(took <= 299 * interval + 1_000_000, "{took} at {interval}");
    }
}
