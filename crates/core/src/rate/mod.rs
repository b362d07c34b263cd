//! A rate limit as a state machine: no clock, no waiting, and no lock on the path of a call that need not wait.
//!
//! [`Quota`] is plain data. [`Limiter`] is the cell: by [`Algorithm::Gcra`] one word, on which a call that may pass spends
//! one compare-and-swap; and behind it, under a lock, the queue of those who wait.
//!
//! # Laws
//!
//! - In any stretch of time T at most `burst + rate * T` pass, to the nanosecond, and between 0 and `burst` are available
//!   at any time. By the clock's readings: one that steps back lets nobody in twice, and makes nobody wait for it.
//! - By [`Algorithm::Gcra`] a call that waited counts as of when its turn came, and at most 20 ms before it passes. So callers
//!   that wait get at least 99 % of the rate, also if their timers end late. Counted as of when they pass, at most
//!   `burst + rate * (T + 20 ms)` do.
//! - A refusal says when the same call passes: then, and not one nanosecond earlier.
//! - Callers that wait are served in the order of coming, and a newcomer overtakes none of them. A wait that was given up is
//!   as if it had never been.
//! - A call whose longest wait is over never passes by a turn that came later, whatever happened to the quota and to the calls
//!   before it. A caller that is kept and not polled holds up no other.

mod bucket;
mod gcra;
mod invalid_quota;
pub mod keyed;
mod limiter;
mod queue;
mod quota;
mod refusal;
mod scale;
mod sliding_window;
mod terms;
mod waiting;

pub use invalid_quota::InvalidQuota;
pub use limiter::{Algorithm, Limiter};
pub use quota::Quota;
pub use refusal::{Denied, Reason, Refusal};
pub use waiting::{RateEntry, RateTurn};
