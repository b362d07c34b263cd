//! The bare state machine: no clock, no handle, no reference count, no events. What of a call's cost is the machine's.

use std::sync::Arc;
use std::time::Duration;

use seawall::{Outcome, Trip, Window};
use seawall_core::breaker::{Breaker, BreakerConfig};
use seawall_core::time::Instant;

use super::seawall::Rule;
use crate::contenders::{Answer, Fault, Make, OddFails, Run, refused, served};
use crate::scenario::breaker::{CONSECUTIVE, ERROR_RATE, MIN_CALLS, OPEN_FOR};

/// Calls through a closed machine, at an hour that stands still.
#[must_use]
pub fn closed<A: Answer>(rule: Rule) -> Make {
    each(config(rule), |machine| served(move |request, seen| seen.result::<A, _>(|| guarded::<A>(&machine, request))))
}

/// The same, with a rule on slow calls: the time is looked at twice.
#[must_use]
pub fn slow<A: Answer>(window: Duration) -> Make {
    let rule = Trip::slow_rate(ERROR_RATE, Duration::from_millis(300)).over(Window::time(window)).min_calls(MIN_CALLS);
    each(BreakerConfig::new().trip(rule), |machine| {
        served(move |request, seen| seen.result::<A, _>(|| guarded::<A>(&machine, request)))
    })
}

/// Calls that an open machine refuses.
#[must_use]
pub fn open() -> Make {
    each(config(Rule::Consecutive), |machine| {
        refused(move |request, seen| seen.result::<OddFails, _>(|| guarded::<OddFails>(&machine, request)))
    })
}

fn each(config: BreakerConfig, body: impl Fn(Arc<Breaker>) -> Run + 'static) -> Make {
    Box::new(move |threads| {
        let machine = Arc::new(Breaker::new(config.clone()));
        (0..threads).map(|_| body(Arc::clone(&machine))).collect()
    })
}

fn guarded<A: Answer>(machine: &Breaker, request: u64) -> Result<u64, Fault> {
    let entry = machine.enter(&NOW).map_err(|_| Fault::Refused)?;
    let result = A::answer(request);
    let outcome = if result.is_ok() { Outcome::Success } else { Outcome::Failure };
    let _ = std::hint::black_box(machine.exit(entry.pass, outcome, &NOW));
    result
}

fn config(rule: Rule) -> BreakerConfig {
    let rate = |window| Trip::failure_rate(ERROR_RATE).over(window).min_calls(MIN_CALLS);
    let config = BreakerConfig::new().open_for(OPEN_FOR);
    match rule {
        Rule::Consecutive => config.trip(Trip::consecutive(CONSECUTIVE)),
        Rule::Count(calls) => config.trip(rate(Window::calls(calls))),
        Rule::Time(length) => config.trip(rate(Window::time(length))),
    }
}

const NOW: Instant = Instant::from_nanos(3_600_000_000_000);
