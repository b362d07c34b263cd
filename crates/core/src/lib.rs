//! The state machines of the seawall family, and the few types that all its crates share.
//!
//! # The contract of a machine
//!
//! A machine reads no clock, takes no lock on the path of a call, waits for nobody and calls nobody. It is told the
//! time, and answers with a value that says what changed; whoever holds the machine tells the world. There are two
//! kinds and no third:
//!
//! - **Gates** are shared by all callers and say who may enter *now*: `enter -> Result<AdmittedCall, Refusal>`, and later
//!   `exit(pass, outcome)`. The [`breaker`] is one, the [`rate`] and the [`slots`] are, and a [`budget`] of retries.
//! - **Courses** belong to one call and say what happens *next*: `on_result(..) -> Next`. Its [`attempts`] are one.
//!
//! Beside them stand what callers hand on or look back at: the [`deadline`] around a call, also as a header ([`wire`]), and the
//! [`latency`] of recent ones.
//!
//! A decision is a pure function over a small `Copy` word ([`breaker::Word`]); the atomic cell that holds the word and
//! runs the compare-and-swap loop is a few lines around it. So the decision is tested as a function, the cell is
//! model-checked with loom, and both are compared with a naive model over a virtual year in a second.
//!
//! Users want the crates of the patterns (`seawall-circuit-breaker`, or `seawall` for all of them); this crate is for
//! those who build a policy of their own.
//!
//! # Features
//!
//! - `tokio`: the clock of tokio, which obeys `tokio::time::pause`, and its timer. It is then the [`DefaultClock`].
//! - `fast-clock`: [`FastClock`], cheaper and coarser than the system's.
//! - `tracing`: `observe::tracing`, the observer that hands the events of every policy to `tracing`.
//!
//! [`DefaultClock`]: time::DefaultClock
//! [`FastClock`]: time::FastClock

#![forbid(unsafe_code)]

pub mod attempts;
mod backoff;
pub mod breaker;
pub mod budget;
mod caller;
mod counter;
pub mod deadline;
mod error;
mod hint;
mod lane;
pub mod latency;
mod line;
mod name;
pub mod observe;
mod outcome;
pub mod rate;
mod rejection;
mod shared;
pub mod slots;
mod sync;
#[allow(clippy::disallowed_methods, reason = "the clocks are where time is read")]
pub mod time;
mod waiters;
mod window;
pub mod wire;

pub use backoff::{Backoff, Chance, Delays, Jitter};
pub use budget::Budget;
pub use caller::{Caller, ThisThread};
pub use deadline::Deadline;
pub use error::{AsRejection, Error, FromRejection};
pub use hint::{Hint, RetryAfter};
pub use lane::{current_lane, lanes};
pub use line::CacheAligned;
pub use name::Name;
pub use outcome::{Classify, ErrIsFailure, Outcome};
pub use rejection::{
    BulkheadFull, CircuitOpen, LaterAttempt, Mark, Meaning, RateLimited, Rejection, TimedOut, note_rejection,
};
pub use shared::{Held, Shared, WeakShared};
pub use waiters::{Place, Woken};
pub use window::Window;
