//! One rate limit for each key, in bounded memory.

mod builder;
mod keyed_rate_limiter;
mod layer;
mod service;
mod weak;

pub use builder::Builder;
pub use keyed_rate_limiter::KeyedRateLimiter;
pub use layer::KeyedRateLimitLayer;
pub use seawall_core::rate::keyed::{AtCap, Quotas, SameQuota};
pub use service::KeyedRateLimitService;
pub use weak::WeakKeyedRateLimiter;
