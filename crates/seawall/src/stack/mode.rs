use super::closure::{Again, Once};
use seawall_bulkhead::Bulkhead;
use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::time::Clock;
use seawall_rate_limit::RateLimiter;
use seawall_retry::Retry;
use seawall_timeout::Timeout;

/// Whether policies make a call [once](Once), or may make it [again](Again).
pub trait Mode {
    /// Which of the two.
    type Mode;

    /// Whether it is the latter.
    const REPEATS: bool;
}

impl Mode for () {
    type Mode = Once;

    const REPEATS: bool = false;
}

impl<P, K, R> Mode for (Retry<P, K>, R) {
    type Mode = Again;

    const REPEATS: bool = true;
}

impl<L, K, R: Mode> Mode for (Timeout<L, K>, R) {
    type Mode = R::Mode;

    const REPEATS: bool = R::REPEATS;
}

impl<C, K: Clock, R: Mode> Mode for (CircuitBreaker<C, K>, R) {
    type Mode = R::Mode;

    const REPEATS: bool = R::REPEATS;
}

impl<K: Clock, R: Mode> Mode for (RateLimiter<K>, R) {
    type Mode = R::Mode;

    const REPEATS: bool = R::REPEATS;
}

impl<K: Clock, R: Mode> Mode for (Bulkhead<K>, R) {
    type Mode = R::Mode;

    const REPEATS: bool = R::REPEATS;
}
