use std::time::Duration;

/// How many slots there are, and who may wait for one; plain data, of which no value is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a configuration does nothing until slots are made with it"]
pub struct SlotsConfig {
    pub(super) limit: usize,
    pub(super) max_queued: usize,
    pub(super) order: Order,
    pub(super) lanes: usize,
}

/// Who of those who wait has the next turn.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Whoever has waited longest.
    Fifo,
    /// Whoever came last: under overload some are served at once, rather than all of them late. A newcomer that finds
    /// the queue full is refused, and nobody is put out for it (as Netflix' `LifoBlockingLimiter` does; .NET's
    /// `NewestFirst` puts out the oldest).
    Lifo,
    /// Whoever has waited longest, unless there is overload, which is when somebody has been waiting for all of the last
    /// `interval`. Then it is whoever came last, and those who have waited for longer than `target` are shed. Without
    /// overload nobody can have waited for an `interval`.
    ///
    /// Waits are looked at when slots come free or a place in the queue does, so where all calls hang nobody is shed:
    /// against that there are timeouts.
    ///
    /// In overload a queue adds to the time of each call and nothing to the throughput, so it is kept short, by time and
    /// not by length; a burst that is over within an interval is served as it came. The newest is served first, as whoever
    /// asked for an old one is the likeliest to have given up, and as to serve each just before its target is to serve all
    /// of them late. Heavy calls that come in between light ones may then be shed more often.
    ///
    /// Sources: K. Nichols, V. Jacobson, *Controlling Queue Delay* (ACM Queue 10, 2012; RFC 8289), for the time in the
    /// queue against a target over an interval; B. Maurer, *Fail at Scale* (ACM Queue 13, 2015), for this simple form of
    /// it, and for the newest first under overload (adaptive LIFO).
    CoDel {
        /// The longest wait under overload.
        target: Duration,
        /// For how long there must have been a queue for it to be overload.
        interval: Duration,
    },
}

impl SlotsConfig {
    /// `limit` slots, up to [`MAX_LIMIT`], as which more is taken; nobody waits. With none, all calls that cost something
    /// are refused, or wait for the limit to be raised.
    pub const fn new(limit: usize) -> Self {
        Self { limit: clamped(limit), max_queued: 0, order: Order::Fifo, lanes: 1 }
    }

    /// How many may wait at once. Default: 0.
    pub const fn max_queued(self, max_queued: usize) -> Self {
        Self { max_queued, ..self }
    }

    /// Who has the next turn. Default: [`Order::Fifo`].
    pub const fn order(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// In how many lanes refusals are counted.
    pub const fn in_lanes(&self) -> usize {
        self.lanes
    }

    /// In how many lanes refusals are counted, from 1 to 64, so that threads do not wait for each other. Default: 1.
    pub const fn lanes(self, lanes: usize) -> Self {
        let lanes = match lanes {
            0 => 1,
            1..=64 => lanes,
            _ => 64,
        };
        Self { lanes, ..self }
    }
}

impl Order {
    /// [`Order::CoDel`] with a target of 5 ms and an interval of 100 ms, which *Fail at Scale* found to do for very
    /// different services.
    pub const fn codel() -> Self {
        Self::CoDel { target: Duration::from_millis(5), interval: Duration::from_millis(100) }
    }
}

pub(super) const fn clamped(limit: usize) -> usize {
    if limit < MAX_LIMIT { limit } else { MAX_LIMIT }
}

/// The highest limit: two bits of the word are flags, and one is the sign of what is free.
pub const MAX_LIMIT: usize = usize::MAX >> 3;
