//! The same calls made to ours and to governor, where the two agree: intervals that are a whole number of nanoseconds.
//!
//! They differ by a few nanoseconds, on which a call that comes at the very edge passes by one and not by the other: units
//! are rounded, and a bucket that became full within the last nanosecond keeps the rest of it. Where the interval is not
//! whole, governor rounds it for each permit, and is off by up to a permit's part of a nanosecond for each.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    Quota as Peers, RateLimiter,
    clock::{Clock, FakeRelativeClock},
};
use proptest::{collection::vec, prelude::*};
use seawall_core::rate::Quota;

use super::{START, cases, limiter, try_enter};

/// What the two may differ by, in nanoseconds.
const EDGE: u64 = 4;

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn ours_lets_pass_what_governor_lets_pass(
        interval in prop_oneof![8..1_000_u64, 8..10_000_000_000_u64, Just(86_400_000_000_000)],
        burst in prop_oneof![1..5_u32, 1..1_000_u32],
        steps in vec((0..6_u8, any::<u64>(), any::<u32>()), 1..40),
    ) {
        let quota = Quota::every(Duration::from_nanos(interval)).burst(burst);
        let ours = limiter(quota, START);
        let clock = FakeRelativeClock::default();
        let peers = Peers::with_period(Duration::from_nanos(interval)).unwrap().allow_burst(NonZeroU32::new(burst).unwrap());
        let theirs = RateLimiter::direct_with_clock(peers, clock.clone());
        let mut now = START;
        for (kind, luck, cost) in steps {
            let step = match kind {
                0 => 0,
                1 => luck % 20,
                2 => luck % (2 * interval),
                3 => interval,
                _ => luck % (interval * (u64::from(burst) + 2)),
            };
            (now, _) = (now + Duration::from_nanos(step), clock.advance(Duration::from_nanos(step)));
            let cost = if kind == 5 { cost % burst + 1 } else { 1 };
            let their_wait = || match theirs.check_n(NonZeroU32::new(cost).unwrap()).expect("it is not above the burst") {
                Ok(()) => None,
                Err(not_until) => Some(not_until.wait_time_from(clock.now()).as_nanos() as u64),
            };
            match (try_enter(&ours, cost, now), their_wait()) {
                (Ok(()), None) => {}
                (Err(Some(wait)), Some(theirs)) => {
                    prop_assert!(wait.abs_diff(theirs) <= EDGE, "{} and {}", wait, theirs);
                }
                // At the edge: the other one passes a moment later.
                (Ok(()), Some(wait)) => {
                    prop_assert!(wait <= EDGE, "theirs passes {} ns later", wait);
                    (now, _) = (now + Duration::from_nanos(wait), clock.advance(Duration::from_nanos(wait)));
                    prop_assert_eq!(their_wait(), None);
                }
                (Err(Some(wait)), None) => {
                    prop_assert!(wait <= EDGE, "ours passes {} ns later", wait);
                    (now, _) = (now + Duration::from_nanos(wait), clock.advance(Duration::from_nanos(wait)));
                    prop_assert_eq!(try_enter(&ours, cost, now), Ok(()));
                }
                (Err(None), _) => prop_assert!(false, "the cost is not above the burst"),
            }
        }
    }
}
