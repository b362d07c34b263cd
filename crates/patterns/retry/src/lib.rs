//! Retries: a failed call is made again, after a while, a few times, and never more than a budget allows.
//!
//! # When to use it, and when not
//!
//! Much of what fails once succeeds a moment later: a connection that was cut, an instance that was replaced, a lock that was
//! taken. A retry hides that. It multiplies load too, just when the callee can bear it least; three attempts for each call
//! turn a small outage into a long one. So retries here are paid from a [`Budget`](seawall_core::Budget), by default a fifth
//! of the calls and one a second, with up to 50 saved. Calls that fail now and then are retried. In an outage retries keep to
//! `burst + ratio * calls + floor * seconds`: 1.3 times the load at 20 calls a second, 1.21 times at 1,000, not three times.
//!
//! Only what may be done twice should be retried; whether that is so the caller knows.
//!
//! # Directly
//!
//! ```
//! # use std::{io, time::Duration};
//! # async fn fetch(id: u32) -> Result<String, io::Error> { Ok(format!("stock of {id}: 7")) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use seawall_core::{Backoff, Budget};
//! use seawall_retry::{Attempt, Retry};
//!
//! let retry = Retry::builder("inventory")
//!     .max_attempts(4) // the first included
//!     .backoff(Backoff::exponential(Duration::from_millis(50)).max(Duration::from_secs(2)))
//!     .budget(Budget::ratio(0.1)) // retries per call, beside one a second
//!     .retry_if(|_: &Attempt, result: &Result<String, io::Error>| {
//!         matches!(result, Err(error) if error.kind() != io::ErrorKind::NotFound)
//!     })
//!     .build();
//!
//! match retry.execute(|| fetch(1)).await {
//!     Ok(body) => println!("{body}"),
//!     Err(error) => println!("the last of some attempts: {error}"), // as it is, nothing around it
//! }
//!
//! // What is called may know which attempt it is.
//! let body = retry.execute_with(|attempt| async move { fetch(attempt.number()).await }).await;
//! # let _ = body;
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
//! use seawall_retry::Retry;
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! let retry = Retry::new("inventory");
//! let client = service_fn(|id: u32| async move { Ok::<_, io::Error>(format!("stock of {id}: 7")) });
//! let mut service = ServiceBuilder::new()
//!     .layer(retry.layer().clone_all()) // each request may be sent again
//!     .map_err(Error::Inner) // the client's error, able to carry a rejection from here up
//!     .service(client);
//! assert_eq!(service.ready().await?.call(1).await?, "stock of 1: 7");
//! # Ok(())
//! # }
//! ```
//!
//! The service must be `Clone`. A layer sends a request again only if the request may be sent again:
//!
//! - By default the request's type must have a rule, [`RepeatRequest`]. `http::Request` has a rule with the feature `http`,
//!   which `seawall-http` switches on: idempotent methods are repeated, and requests with an `Idempotency-Key`. A `POST` without
//!   a key is sent once.
//! - A type without a rule does not compile. [`clone_all`](RetryLayer::clone_all) repeats every request, and
//!   [`clone_request`](RetryLayer::clone_request) takes a function that returns `None` for a request that must be sent once.
//!
//! A plain call is different: the retry asks the closure again, and the caller decides what the closure does.
//!
//! # How a call goes
//!
//! - The first attempt is made at once. If its result is a failure, the next one is scheduled, unless there have been as many
//!   as there may be, the budget is spent, the [deadline](seawall_core::Deadline) leaves no time, or the result says not to.
//!   Then the result stands: it is returned as it is.
//! - The wait is what the [`Backoff`](seawall_core::Backoff) gives, with jitter. If the result says when to call again, by a
//!   [`Hint`](seawall_core::Hint), the wait is the larger of the two: jitter comes on top, and nothing is early. If the result
//!   asks for more than [`max_retry_after`](Builder::max_retry_after), the call ends with that result.
//! - A rejection by a policy of ours below (`call`, and the layer, see it) is waited out if it says when the call would
//!   pass, and else ends the call: to ask again at random would be in vain. A call that a timeout cut off is a failure as
//!   any.
//! - A response that is not the last one is dropped before the wait, and the attempt's future before the next one begins.
//! - The callee's last error is kept. If a policy rejects a later attempt, the call ends with that error. Without one, the
//!   rejection's [`reached_callee`](seawall_core::Rejection::reached_callee) says whether an earlier attempt was sent.
//!
//! # Cancelling
//!
//! A call that is dropped drops the attempt that is in flight. Where it waited for the next one, the budget has it back.
//!
//! # What it costs
//!
//! A call that succeeds at once costs a load or one write to the budget's word, and allocates nothing. It reads no clock,
//! unless something asks for the time: an observer, `max_elapsed`, `retry_if`, `hint`, or a callee that is told its attempt. As
//! a service it copies the service, the request and this policy beforehand, as it may need them again, and counts a share of
//! the budget. The figures are in the repository's `benches`.

#![forbid(unsafe_code)]

mod attempting;
mod builder;
mod course;
mod decide;
mod event;
pub mod future;
mod handle;
#[cfg(feature = "http")]
pub mod http;
mod layer;
mod operation;
mod resend;
mod retry;
mod rule;
mod service;

pub use attempting::{Repeatable, RetryCall};
pub use builder::Builder;
pub use decide::{ByOutcome, Decide, ErrorHint, HintBy, Hints, NoHint, Plan, Repeat, RetryIf, judge_attempt};
pub use event::{Event, EventKind};
pub use handle::{Handle, RetryOwned, RetryRef};
pub use layer::RetryLayer;
pub use operation::{Numbered, Operation, RunEach};
pub use resend::{CloneAll, CloneRequest, Resend, Sent};
pub use retry::Retry;
pub use rule::{OwnRule, RepeatRequest};
pub use seawall_core::attempts::{Attempt, Cause, GaveUp};
pub use seawall_policy::{Opaque, ShowsRejections, Visibility};
pub use service::RetryService;
