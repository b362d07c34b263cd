use std::time::Duration;

/// The settings of [`Slots`](super::Slots): the number of slots and of waiting calls. Plain data; each value is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a configuration does nothing until slots are made with it"]
pub struct SlotsConfig {
    pub(super) limit: usize,
    pub(super) max_queued: usize,
    pub(super) order: Order,
    pub(super) lanes: usize,
}

/// The order in which waiting calls get their turns.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The call that has waited longest is next.
    Fifo,
    /// The call that came last is next. Under overload some calls are then served at once, instead of all calls late.
    ///
    /// A newcomer that finds the queue full is rejected, and no waiting call is put out. Netflix' `LifoBlockingLimiter` does the
    /// same; .NET's `NewestFirst` puts out the oldest call.
    Lifo,
    /// The call that has waited longest is next, unless there is overload. There is overload if calls were waiting during the
    /// whole last `interval`. Then the call that came last is next, and calls that have waited for longer than `target` are
    /// shed. Without overload no call can have waited for an `interval`.
    ///
    /// The queue looks for such calls when slots or a place in the queue come free. If all calls hang, no call is shed. Use a
    /// timeout against that.
    ///
    /// Under overload a queue adds time to each call and nothing to the throughput. So this order keeps the queue short, by time
    /// and not by length. A burst that is over within an interval is served in its order. The newest call is served first,
    /// because the caller of an old call has most likely given up, and because serving each call just before its target means
    /// serving all calls late. Heavy calls among light calls may then be shed more often.
    ///
    /// Sources: K. Nichols, V. Jacobson, *Controlling Queue Delay* (ACM Queue 10, 2012; RFC 8289), for the time in the
    /// queue against a target over an interval; B. Maurer, *Fail at Scale* (ACM Queue 13, 2015), for this simple form, and for
    /// the newest first under overload (adaptive LIFO).
    CoDel {
        /// The longest wait under overload.
        target: Duration,
        /// How long calls must have been waiting before it counts as overload.
        interval: Duration,
    },
}

impl SlotsConfig {
    /// Returns the settings of `limit` slots and no queue. A limit above [`MAX_LIMIT`] counts as `MAX_LIMIT`. With a limit of 0,
    /// calls that cost something are rejected, or wait until the limit is raised.
    pub const fn new(limit: usize) -> Self {
        Self { limit: clamped(limit), max_queued: 0, order: Order::Fifo, lanes: 1 }
    }

    /// Sets how many calls may wait at once. Default: 0.
    pub const fn max_queued(self, max_queued: usize) -> Self {
        Self { max_queued, ..self }
    }

    /// Sets the order of turns. Default: [`Order::Fifo`].
    pub const fn order(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// Returns in how many lanes rejected calls are counted.
    pub const fn in_lanes(&self) -> usize {
        self.lanes
    }

    /// Sets in how many lanes rejected calls are counted, from 1 to 64, so that threads do not wait for each other. Default: 1.
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
    /// Returns [`Order::CoDel`] with a target of 5 ms and an interval of 100 ms. *Fail at Scale* found that these numbers fit very
    /// different services.
    pub const fn codel() -> Self {
        Self::CoDel { target: Duration::from_millis(5), interval: Duration::from_millis(100) }
    }
}

pub(super) const fn clamped(limit: usize) -> usize {
    if limit < MAX_LIMIT { limit } else { MAX_LIMIT }
}

/// The highest limit. Two bits of the word are flags, and one bit is the sign of the number of free slots.
pub const MAX_LIMIT: usize = usize::MAX >> 3;
