use seawall_bulkhead::Bulkhead;
use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::{
    observe::{Event, Kind, Level, of_any_kind},
    time::Clock,
};
use seawall_rate_limit::RateLimiter;
use seawall_retry::Retry;
use seawall_timeout::Timeout;

/// Policies that can be observed by an observer of any kind of event.
pub trait Observe: Sized {
    /// Returns the same policies with a further observer, for events of the level `least` or above.
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

// A gate's observer is shared by all clones of the gate. A retry and a timeout are plain data, so they are replaced.
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
