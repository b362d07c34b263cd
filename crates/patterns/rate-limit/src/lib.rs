//! A rate limit: so many calls in so long, and a burst after a pause.
//!
//! # When to use it, and when not
//!
//! To keep to what a callee has granted ("600 requests a minute"), and to grant no more than that to callers, each by
//! itself: then [`KeyedRateLimiter`] has one limit for each of them, in bounded memory.
//!
//! It does not know how long calls take: a callee that gets slow is drowned at a low rate too, and for that there is the
//! bulkhead.
//!
//! # Directly
//!
//! ```
//! # use std::io;
//! # async fn fetch(id: u32) -> Result<String, io::Error> { Ok(format!("stock of {id}: 7")) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use std::time::Duration;
//! use seawall_core::Error;
//! use seawall_rate_limit::{Quota, RateLimiter};
//!
//! let limiter = RateLimiter::new("inventory", Quota::per_second(500).burst(50));
//! match limiter.execute(|| fetch(1)).await {
//!     Ok(body) => println!("{body}"),
//!     Err(Error::Rejected(rejection)) => println!("not sent, {rejection}; again in {:?}", rejection.retry_after()),
//!     Err(Error::Inner(error)) => println!("sent, and failed: {error}"),
//! }
//!
//! // By hand, where a closure does not fit: at once or not at all, or when the turn comes.
//! if limiter.try_acquire().is_ok() {
//!     let _ = fetch(2).await;
//! }
//! limiter.acquire_n(3).await.expect("fewer than 1,024 callers wait (`max_queued`)");
//!
//! // Calls that may wait, but not for long.
//! let patient = RateLimiter::builder("inventory", Quota::every(Duration::from_millis(2)))
//!     .max_wait(Duration::from_millis(100))
//!     .build();
//! # patient.execute(|| fetch(3)).await.unwrap();
//! # }
//! ```
//!
//! # As a tower layer
//!
//! ```
//! # use std::io;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), seawall_core::Error<io::Error>> {
//! use seawall_core::Error;
//! use seawall_rate_limit::{Quota, RateLimiter};
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! let limiter = RateLimiter::new("inventory", Quota::per_second(500));
//! let client = service_fn(|id: u32| async move { Ok::<_, io::Error>(format!("stock of {id}: 7")) });
//! let mut service = ServiceBuilder::new()
//!     .layer(limiter.layer())
//!     .map_err(Error::Inner) // the client's error, able to carry a rejection from here up
//!     .service(client);
//! assert_eq!(service.ready().await?.call(1).await?, "stock of 1: 7");
//! # Ok(())
//! # }
//! ```
//!
//! [`on_reject`](seawall_policy::QueueLayer::on_reject) answers a refused call with a response instead of an error;
//! [`backpressure`](seawall_policy::QueueLayer::backpressure) makes a service that would have to wait not ready.
//!
//! # The law
//!
//! - In any stretch of time T, at most `burst + rate * T` calls pass, and between 0 and `burst` are
//!   [`available`](RateLimiter::available) at any moment. The rate is held without rounding, from one call a year to 10^9 a
//!   second; single calls to the nanosecond.
//! - A refusal says exactly when: [`retry_after`](seawall_core::Rejection::retry_after) later the same call passes, if
//!   nobody else comes, and one nanosecond earlier it does not.
//! - Callers that wait are served in the order of coming, and a newcomer does not overtake. A wait that is dropped gives its
//!   place back, and the callers behind it move up.
//! - A call that waited counts as of when its turn came, up to 20 ms before it passes. So callers that wait get at least 99 % of
//!   the rate, also if their timers end late, as tokio's do by 1 to 2 ms.
//! - No call passes by a turn that came after its [`max_wait`](Builder::max_wait), also if the quota was lowered meanwhile.
//! - A clock that steps back lets nobody in twice, and stops nothing.
//!
//! That is the generic cell rate algorithm (ITU-T I.371), [`Algorithm::Gcra`]; it is a token bucket that is filled
//! evenly. [`Algorithm::SlidingWindow`] is the other: at most `count` calls in any `period`, exactly, which a burst at the
//! end of one period and another at the beginning of the next cannot get around; it remembers each of them, and counts
//! a call that waited as of when it passes.
//!
//! # Cancelling
//!
//! A call that is dropped while it waits is not made, and takes nothing. One that was let in has used its share up, however
//! it ends.
//!
//! # What it costs
//!
//! A call that passes reads the clock and writes one word of memory that all callers share; a refusal writes nothing.
//! Neither allocates nor takes a lock; only waiting does, and the exact window. The figures are in the repository's
//! `benches`.

#![forbid(unsafe_code)]

mod builder;
mod event;
pub mod future;
mod inner;
pub mod keyed;
mod policy;
mod rate_limiter;
mod snapshot;
mod waiting;
mod weak;

pub use builder::Builder;
pub use event::{Event, EventKind};
pub use keyed::{KeyedRateLimitLayer, KeyedRateLimitService, KeyedRateLimiter, WeakKeyedRateLimiter};
pub use policy::{RateLimitLayer, RateLimitService};
pub use rate_limiter::RateLimiter;
pub use seawall_core::rate::{Algorithm, InvalidQuota, Quota, Reason};
pub use snapshot::Snapshot;
pub use weak::WeakRateLimiter;
