//! The exact window against a list of times.

use std::time::Duration;

use proptest::{collection::vec, prelude::*, sample::Index};
use seawall_core::{
    rate::{Algorithm, Limiter, Quota},
    time::Instant,
};

use super::{START, cases, try_enter};

#[derive(Debug, Clone)]
enum Op {
    Advance(u64),
    Late(u64),
    StepBack(u64),
    Take(u32),
    Refund(Index),
    SetQuota(u32, u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..60_u64).prop_map(Op::Advance),
        1 => (0..20_u64).prop_map(Op::Late),
        1 => (SECOND + 1..3 * SECOND).prop_map(Op::StepBack),
        8 => (1..4_u32).prop_map(Op::Take),
        2 => any::<Index>().prop_map(Op::Refund),
        1 => (1..9_u32, 9..60_u64).prop_map(|(count, period)| Op::SetQuota(count, period)),
    ]
}

/// When calls passed, by the latest reading, and in the order of coming.
struct Model {
    count: u32,
    period: u64,
    passed: Vec<u64>,
}

impl Model {
    /// What time it is for the window, which forgets.
    fn look(&mut self, now: u64) -> u64 {
        let last = self.passed.iter().copied().max().unwrap_or(0);
        let now = if last > now && last - now <= SECOND { last } else { now };
        self.passed.iter_mut().for_each(|passed| *passed = now.min(*passed));
        self.passed.retain(|passed| now - passed < self.period);
        now
    }

    fn fits(&self, cost: u32) -> bool {
        self.passed.len() + cost as usize <= self.count as usize
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_window_does_what_a_list_of_times_does(ops in vec(op(), 1..50)) {
        let quota = |count, period| Quota::new(count, Duration::from_nanos(period));
        let limiter: Limiter<usize> = Limiter::new(quota(5, 40), Algorithm::SlidingWindow, 1, START);
        let mut model = Model { count: 5, period: 40, passed: Vec::new() };
        let (mut now, mut taken) = (START.as_nanos(), Vec::new());
        for op in ops {
            let mut reading = now;
            match op {
                Op::Advance(by) => now += by,
                Op::Late(by) => reading -= by,
                // Reservations from before it may be kept or forgotten.
                Op::StepBack(by) => {
                    now -= by;
                    taken.clear();
                }
                Op::Take(cost) => {
                    let as_of = model.look(now);
                    let entered = try_enter(&limiter, cost, Instant::from_nanos(now));
                    prop_assert_eq!(entered.is_ok(), cost <= model.count && model.fits(cost));
                    match entered {
                        Ok(()) => {
                            model.passed.extend((0..cost).map(|_| as_of));
                            if as_of == now {
                                taken.push((cost, now));
                            }
                        }
                        Err(None) => prop_assert!(cost > model.count),
                        // Then as many have left as must, and one nanosecond earlier they have not.
                        Err(Some(wait)) => {
                            let left = |at: u64| model.passed.iter().filter(|passed| at - **passed >= model.period).count();
                            let must = model.passed.len() + cost as usize - model.count as usize;
                            prop_assert!(left(now + wait) >= must && left(now + wait - 1) < must, "{}", wait);
                        }
                    }
                }
                Op::Refund(which) if !taken.is_empty() => {
                    let (cost, at) = taken.swap_remove(which.index(taken.len()));
                    model.look(now);
                    // As many as have not left yet.
                    for _ in 0..cost {
                        if let Some(index) = model.passed.iter().position(|passed| *passed == at) {
                            model.passed.remove(index);
                        }
                    }
                    let _ = limiter.refund(cost, Instant::from_nanos(at), Instant::from_nanos(now));
                }
                Op::SetQuota(count, period) => {
                    // What the former period has not forgotten yet counts in the next one.
                    (model.count, model.period) = (count, period);
                    let _ = limiter.set_quota(quota(count, period), Instant::from_nanos(now));
                }
                Op::Refund(_) => {}
            }
            model.look(reading);
            let available = model.count.saturating_sub(model.passed.len() as u32);
            prop_assert_eq!(limiter.available(Instant::from_nanos(reading)), available);
        }
    }
}

const SECOND: u64 = 1_000_000_000;
