use seawall_bulkhead::Bulkhead;
use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::{
    observe::{Event, Kind, Level, of_any_kind},
    time::Clock,
};
use seawall_rate_limit::RateLimiter;
use seawall_retry::Retry;
use seawall_timeout::Timeout;

/// Policies that can be observed, whatever their events.
pub trait Observe: Sized {
    /// The same policies, telling `observer` of what happens to them, from `least` on.
    #[must_use]
    fn observed<F>(self, least: Level, observer: F) -> Self
    where
        F: Fn(&Event<dyn Kind>) + Clone + Send + Sync + 'static;
}

impl Observe for () {
    fn observed<F>(self, _: Level, _: F) -> Self
    where
        F: Fn(&Event<dyn Kind>) + Clone + Send + Sync + 'static,
    {
        self
    }
}

// A gate is observed where it stands, and so in all that share it; a retry and a timeout are plain data.
macro_rules! gate {
    ([$($generics:tt)*] $gate:ty) => {
        impl<R: Observe, $($generics)*> Observe for ($gate, R) {
            fn observed<F>(self, least: Level, observer: F) -> Self
            where
                F: Fn(&Event<dyn Kind>) + Clone + Send + Sync + 'static,
            {
                let (gate, rest) = self;
                gate.on_event_from(least, of_any_kind(observer.clone()));
                (gate, rest.observed(least, observer))
            }
        }
    };
}

gate!([C, K: Clock] CircuitBreaker<C, K>);
gate!([K: Clock] RateLimiter<K>);
gate!([K: Clock] Bulkhead<K>);

macro_rules! course {
    ([$($generics:tt)*] $course:ty) => {
        impl<R: Observe, $($generics)*> Observe for ($course, R) {
            fn observed<F>(self, least: Level, observer: F) -> Self
            where
                F: Fn(&Event<dyn Kind>) + Clone + Send + Sync + 'static,
            {
                let (course, rest) = self;
                (course.observed_from(least, of_any_kind(observer.clone())), rest.observed(least, observer))
            }
        }
    };
}

course!([P, K] Retry<P, K>);
course!([L, K] Timeout<L, K>);
