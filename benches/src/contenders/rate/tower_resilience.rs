//! tower-resilience: a tower layer; a window that begins anew, one that is estimated from two, or a log.

use std::time::Duration;

use tower::Layer;
use tower_resilience_ratelimiter::{RateLimiter, RateLimiterLayer, RateLimiterServiceError, WindowType};

use super::{CALLS_A_MILLISECOND, HOUR, MILLISECOND, Supply};
use crate::contenders::{AlwaysOk, Echo, Make, Refusal, bodies};

impl<E: Refusal> Refusal for RateLimiterServiceError<E> {
    fn refused(&self) -> bool {
        match self {
            Self::RateLimited => true,
            Self::Inner(error) => error.refused(),
        }
    }
}

/// The service, which does not wait.
#[must_use]
pub fn service(supply: Supply, window: WindowType) -> Make {
    bodies(
        move || -> RateLimiter<Echo<AlwaysOk>> { layer(supply, window).layer(Echo::new()) },
        move |service| {
            let mut service = service.clone();
            supply.body(move |request, seen| seen.service::<AlwaysOk, _>(&mut service, request))
        },
    )
}

pub(in crate::contenders) fn layer(supply: Supply, window: WindowType) -> RateLimiterLayer {
    let (limit, period) = match supply {
        // The log is made as large as the limit.
        Supply::Ample => (CALLS_A_MILLISECOND as usize, MILLISECOND),
        Supply::Exhausted => (1, HOUR),
    };
    let builder = RateLimiterLayer::builder().name("bench").window_type(window).limit_for_period(limit);
    let layer = builder.refresh_period(period).timeout_duration(Duration::ZERO).build();
    layer.expect("the numbers are within their ranges")
}
