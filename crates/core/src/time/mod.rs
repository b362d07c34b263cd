//! Time as the machines see it: a saturating [`Instant`], and the clocks that give it.

mod clock;
#[cfg(feature = "fast-clock")]
mod fast;
mod instant;
mod manual;
mod origin;
mod timeline;
#[cfg(feature = "tokio")]
mod tokio;

#[cfg(feature = "fast-clock")]
pub use fast::FastClock;

#[cfg(feature = "tokio")]
pub use self::tokio::TokioClock;
pub use clock::{Clock, SystemClock, Timer};
pub use instant::{Instant, saturating_nanos};
pub use manual::{ManualClock, Sleep};
pub use timeline::Timeline;

/// The clock of a policy that was given none: tokio's where the feature `tokio` is on, else the system's.
#[cfg(feature = "tokio")]
pub type DefaultClock = TokioClock;
/// The clock of a policy that was given none: tokio's where the feature `tokio` is on, else the system's.
#[cfg(not(feature = "tokio"))]
pub type DefaultClock = SystemClock;
