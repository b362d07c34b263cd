//! How long calls took of late, and a time limit that follows from it.
//!
//! [`Histogram`] counts the latencies of the last while, without a lock and in memory that is fixed when it is built.
//! [`LatencyLimit`] is the machine over it: a quantile of them times a factor, between a floor and a ceiling;
//! [`Adaptive`] is its configuration, plain data.
//!
//! # Laws
//!
//! - A call of the last window is counted, and one from two windows ago or earlier is not.
//! - A quantile is above the true one, by an eighth of it at most (from 1 us to 73 minutes).
//! - A time limit that cuts off more than the quantile allows for grows, by its factor at least, as long as the calls that
//!   it cuts off are recorded with the time that they ran.

mod adaptive;
mod buckets;
mod histogram;
mod limit;

pub use adaptive::Adaptive;
pub use histogram::Histogram;
pub use limit::LatencyLimit;
