//! Future types.

use seawall_core::Held;

use crate::inner::BreakerInner;

/// A call that a [`CircuitBreaker`](crate::CircuitBreaker) let in, or its refusal.
pub type ResponseFuture<F, C, K, R> = seawall_policy::future::ResponseFuture<F, Held<BreakerInner<C, K>>, R>;
