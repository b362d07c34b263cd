use crate::{
    current_lane,
    time::{Clock, Instant},
};

/// Whoever calls a machine: what it may be asked, and is asked only where the answer matters.
///
/// Time is handed to a machine, never read by it. But to read a clock costs more than all that a closed circuit does,
/// and many rules need no time at all; so it is handed over on demand. A plain [`Instant`] is a caller on lane 0.
pub trait Caller {
    /// The time of the call. Asked for more than once, it may go on, but not back.
    fn now(&self) -> Instant;

    /// The number of the calling thread: small, and no other thread's. It says where counts go, and two threads that give
    /// the same number at once can lose counts, though nothing else.
    fn lane(&self) -> usize;
}

impl Caller for Instant {
    fn now(&self) -> Instant {
        *self
    }

    fn lane(&self) -> usize {
        0
    }
}

/// A call made in this thread: its time is read from that clock, when it is asked for.
///
/// An [`Instant`] is a clock too, one that stands still; so `ThisThread(&now)` is a call whose time is known already.
#[derive(Debug, Clone, Copy)]
pub struct ThisThread<'a, K>(pub &'a K);

impl<K: Clock> Caller for ThisThread<'_, K> {
    #[inline]
    fn now(&self) -> Instant {
        self.0.now()
    }

    #[inline]
    fn lane(&self) -> usize {
        current_lane()
    }
}
