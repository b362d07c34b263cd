use super::closure::{Again, Once};
use seawall_bulkhead::Bulkhead;
use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::time::Clock;
use seawall_rate_limit::RateLimiter;
use seawall_retry::Retry;
use seawall_timeout::Timeout;

/// Policies that make a call [once](Once), or may make it [again](Again).
pub trait Repeats {
    /// Which of the two kinds: [`Once`] or [`Again`].
    type Repeats;

    /// Whether the kind is [`Again`].
    const REPEATS: bool;
}

impl Repeats for () {
    type Repeats = Once;

    const REPEATS: bool = false;
}

impl<P, K, R> Repeats for (Retry<P, K>, R) {
    type Repeats = Again;

    const REPEATS: bool = true;
}

impl<L, K, R: Repeats> Repeats for (Timeout<L, K>, R) {
    type Repeats = R::Repeats;

    const REPEATS: bool = R::REPEATS;
}

impl<C, K: Clock, R: Repeats> Repeats for (CircuitBreaker<C, K>, R) {
    type Repeats = R::Repeats;

    const REPEATS: bool = R::REPEATS;
}

impl<K: Clock, R: Repeats> Repeats for (RateLimiter<K>, R) {
    type Repeats = R::Repeats;

    const REPEATS: bool = R::REPEATS;
}

impl<K: Clock, R: Repeats> Repeats for (Bulkhead<K>, R) {
    type Repeats = R::Repeats;

    const REPEATS: bool = R::REPEATS;
}
