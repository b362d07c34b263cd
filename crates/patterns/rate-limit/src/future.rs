//! Future types.

use seawall_policy::Spent;

use crate::waiting::RateWait;

/// A call that a limiter let in, or its refusal.
pub type ResponseFuture<F, R> = seawall_policy::future::ResponseFuture<F, Spent, R>;

/// A call that may have to wait for its turn at a [`RateLimiter`](crate::RateLimiter).
pub type QueuedFuture<F, O, K, R> = seawall_policy::future::QueuedFuture<F, O, RateWait<K>, Spent, R>;
