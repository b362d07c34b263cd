use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

/// Which clocks have instants that compare: those of one timeline.
///
/// A deadline knows its timeline, so a policy that goes by another clock can tell. [`Clock::timeline`](super::Clock::timeline)
/// gives it. Timelines compare with `==`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timeline(u64);

impl Timeline {
    /// That of [`SystemClock`](super::SystemClock) and tokio's clock, which have one origin.
    pub const PROCESS: Self = Self(0);
    /// That of instants whose clock is not known. It agrees with every other one.
    pub(crate) const ANY: Self = Self(u64::MAX);
    #[cfg(feature = "fast-clock")]
    pub(super) const COARSE: Self = Self(1);

    /// A timeline of its own, for a clock with an origin of its own. Clones of the clock must have the same one.
    #[allow(clippy::new_without_default, reason = "each call makes another one")]
    pub fn new() -> Self {
        // Nothing else is read or written by this number.
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) const fn word(self) -> u64 {
        self.0
    }

    pub(crate) const fn of_word(word: u64) -> Self {
        Self(word)
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::PROCESS => f.write_str("the system's clock"),
            Self(1) => f.write_str("the coarse clock"),
            Self::ANY => f.write_str("an unknown clock"),
            Self(number) => write!(f, "a clock of its own (no. {number})"),
        }
    }
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timeline({self})")
    }
}

/// The first numbers have names.
static NEXT: AtomicU64 = AtomicU64::new(2);
