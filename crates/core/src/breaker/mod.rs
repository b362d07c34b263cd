//! A circuit breaker as a state machine: no clock, no lock, no waiting.
//!
//! [`Word`] is the state and its transitions, as pure functions over a `Copy` value that packs into 64 bits. [`Breaker`]
//! is the cell around it: the word, the windows that its rules look at, and the compare-and-swap loops. [`BreakerConfig`] is
//! plain data.
//!
//! ```text
//!            a rule trips                      the open period is over
//! Closed ------------------------> Open --------------------------------> HalfOpen
//!    ^                              ^                                        |
//!    |                              +---------- a probe failed --------------+
//!    +------------------------- all probes succeeded ------------------------+
//! ```
//!
//! `ForcedOpen`, `ForcedClosed` and `MetricsOnly` are entered and left by hand alone.
//!
//! Each transition counts the **generation** up by one. A pass carries the generation it was given under, and a result
//! from an older one changes nothing: not the state, not a count, not a window.

mod cause;
mod cell;
mod change;
mod config;
mod enter;
mod exit;
mod plan;
mod refusal;
mod rule;
mod trip;
mod word;

pub use cell::{AdmittedCall, Breaker, Pass, Settled, Totals};
pub use change::{Change, Changes, Trigger, Why};
pub use config::BreakerConfig;
pub use refusal::Refusal;
pub use rule::Reading;
pub use trip::{Counts, RateTrip, Trip};
pub use word::{Phase, State, Word};
