//! seatbelt: a failure rate over a time window, as a tower service (boxed future) and as one of `layered`.

use std::pin::pin;
use std::task::Waker;
use std::time::Duration;

use layered::{Execute, Service as _, Stack};
use seatbelt::breaker::{Breaker, BreakerLayer};
use seatbelt::{RecoveryInfo, ResilienceContext};
use tick::runtime::InactiveClock;
use tower::Layer;

use crate::contenders::{Answer, Echo, Fault, Make, OddFails, refused, served};
use crate::scenario::breaker::{ERROR_RATE, MIN_CALLS, OPEN_FOR};

/// Which of its clocks it reads.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// `Instant`.
    Precise,
    /// The operating system's coarse one.
    Fast,
}

/// The tower service, closed.
#[must_use]
pub fn service<A: Answer>(window: Duration, clock: Clock) -> Make {
    Box::new(move |threads| {
        let layer = layer(window, clock);
        let service = layer.layer(Echo::<A>::new());
        let body = |_| {
            let mut service = service.clone();
            served(move |request, seen| seen.service::<A, _>(&mut service, request))
        };
        (0..threads).map(body).collect()
    })
}

/// The service of `layered`, closed.
#[must_use]
pub fn layered<A: Answer>(window: Duration, clock: Clock) -> Make {
    Box::new(move |threads| {
        let layer = layer(window, clock);
        let service = (layer, Execute::new(|request| async move { A::answer(request) })).into_service();
        let body = |_| {
            let service = service.clone();
            served(move |request, seen| seen.future::<A, _>(pin!(service.execute(request))))
        };
        (0..threads).map(body).collect()
    })
}

/// The tower service, open.
#[must_use]
pub fn service_open(clock: Clock) -> Make {
    Box::new(move |threads| {
        let layer = layer(Duration::from_secs(10), clock);
        let service = layer.layer(Echo::<OddFails>::new());
        let body = |_| {
            let mut service = service.clone();
            refused(move |request, seen| seen.service::<OddFails, _>(&mut service, request))
        };
        (0..threads).map(body).collect()
    })
}

/// The service of `layered`, open.
#[must_use]
pub fn layered_open(clock: Clock) -> Make {
    Box::new(move |threads| {
        let layer = layer(Duration::from_secs(10), clock);
        let service = (layer, Execute::new(|request| async move { OddFails::answer(request) })).into_service();
        let body = |_| {
            let service = service.clone();
            refused(move |request, seen| seen.future::<OddFails, _>(pin!(service.execute(request))))
        };
        (0..threads).map(body).collect()
    })
}

type Outcome = Result<u64, Fault>;

fn layer(window: Duration, clock: Clock) -> BreakerLayer<u64, Outcome> {
    // The driver would move timers, of which a breaker has none; the clock tells the time without it.
    let (precise, _driver) = InactiveClock::new_shared().activate(Waker::noop().clone());
    let clock = precise.with_fast_instant(matches!(clock, Clock::Fast));
    Breaker::layer("bench", &ResilienceContext::new(&clock))
        .recovery_with(|outcome: &Outcome, _| match outcome {
            Ok(_) => RecoveryInfo::never(),
            Err(_) => RecoveryInfo::retry(),
        })
        .rejected_input_error(|_, _| Fault::Refused)
        .failure_threshold(ERROR_RATE as f32)
        .min_throughput(MIN_CALLS)
        .sampling_duration(window)
        .break_duration(OPEN_FOR)
}
