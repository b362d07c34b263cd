use super::{Quota, scale::Scale};
use crate::time::Instant;

/// A quota's bucket as the generic cell rate algorithm keeps it: one number, and pure functions over it.
///
/// The number is how many units have been *drawn* since the bucket's time began, in the sense of GCRA's theoretical
/// arrival time: what an idle bucket could not hold counts as drawn. So `drawn - produced(now)` is what is missing from a
/// full bucket, at most the burst; and a bucket that has nothing drawn beyond what is produced is full, as one that nobody
/// has touched. Times are nanoseconds of the bucket's own time, below [`Scale::RANGE`].
///
/// Source: ITU-T I.371, the virtual scheduling form of GCRA.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    scale: Scale,
    /// What a full one holds, in units.
    full: u64,
    drawn: u64,
}

impl Bucket {
    #[inline]
    pub(crate) const fn new(quota: &Quota, drawn: u64) -> Self {
        Self::with_scale(quota.scale(), quota.max_burst(), drawn)
    }

    #[inline]
    pub(crate) const fn with_scale(scale: Scale, burst: u32, drawn: u64) -> Self {
        Self { scale, full: scale.units(burst), drawn }
    }

    /// Draws `cost` permits, which are at most the burst: what is drawn then, or, if there are not so many, the units
    /// that must have been produced before.
    #[inline]
    pub(crate) fn draw(self, cost: u32, nanos: u64) -> Result<u64, u64> {
        let produced = self.scale.produced(nanos);
        let drawn = self.drawn_by(produced) + self.scale.units(cost);
        let missing = drawn.saturating_sub(self.full);
        if missing <= produced { Ok(drawn) } else { Err(missing) }
    }

    /// Draws `cost` permits for a call that waited and is served late, as of when its turn came, but at most `lag` ago: what
    /// the bucket would have run over since then is not lost. What is drawn then, and as of when.
    pub(crate) fn draw_late(self, cost: u32, nanos: u64, lag: u64) -> Result<(u64, u64), u64> {
        let begin = nanos.saturating_sub(lag);
        let from = self.drawn_by(self.scale.produced(begin));
        let drawn = from + self.scale.units(cost);
        let missing = drawn.saturating_sub(self.full);
        if missing > self.scale.produced(nanos) {
            return Err(missing);
        }
        // A bucket that has not run over meanwhile is drawn from as of now.
        let is_late = from < self.drawn_by(self.scale.produced(nanos));
        Ok((drawn, if is_late { self.scale.reached(missing).clamp(begin, nanos) } else { nanos }))
    }

    /// When `cost` permits were there, or will be, for the caller that waits for them; `u64::MAX` for never.
    pub(crate) fn turn(self, cost: u32) -> u64 {
        self.scale.reached((self.drawn + self.scale.units(cost)).saturating_sub(self.full))
    }

    /// The units that must have been produced before `cost` permits, of any number, can have passed from here on.
    pub(crate) fn due(self, cost: u64, nanos: u64) -> u64 {
        let produced = self.scale.produced(nanos);
        let cost = cost.saturating_mul(self.scale.units(1));
        self.drawn_by(produced).saturating_add(cost).saturating_sub(self.full)
    }

    /// Whole permits that could be drawn: from none to the burst.
    pub(crate) fn available(self, nanos: u64) -> u32 {
        let produced = self.scale.produced(nanos);
        let left = (produced + self.full).saturating_sub(self.drawn_by(produced));
        // At most the burst, which is a `u32`.
        self.scale.permits(left) as u32
    }

    /// Whether it is full: then it is as good as a new one.
    #[inline]
    pub(crate) fn is_full(self, nanos: u64) -> bool {
        self.drawn <= self.scale.produced(nanos)
    }

    /// By how much more is drawn than can have been, which is so only after the clock has stepped back: in units.
    #[inline]
    pub(crate) fn ahead(self, nanos: u64) -> u64 {
        self.drawn.saturating_sub(self.emptied(nanos))
    }

    /// What is drawn, as an idle bucket runs over.
    ///
    /// One that became full within the last nanosecond keeps the rest of that: whoever comes in the nanosecond in which a
    /// permit is there comes up to one after it, and to lose that each time is to be slower than the quota.
    #[inline]
    fn drawn_by(self, produced: u64) -> u64 {
        if self.drawn + self.scale.slack() >= produced { self.drawn } else { produced }
    }

    /// What is drawn if it is empty.
    #[inline]
    pub(crate) fn emptied(self, nanos: u64) -> u64 {
        self.scale.produced(nanos) + self.full
    }

    /// What is drawn in a bucket of `quota` whose time is [`START`] now, from which the same permits have been taken. Here
    /// `nanos` may be out of range: then it was idle for years, or the clock has stepped back by more than there is room
    /// for, and it is empty.
    pub(crate) fn carried_over(self, mut nanos: u64, quota: &Quota) -> u64 {
        let mut bucket = self;
        if nanos > u64::MAX / 2 {
            nanos = 0;
            bucket.drawn = bucket.emptied(nanos);
        }
        while nanos >= Scale::RANGE {
            nanos -= Scale::RANGE / 2;
            bucket.drawn = bucket.drawn.saturating_sub(bucket.scale.produced(Scale::RANGE / 2));
        }
        bucket.poured_into(nanos, quota, START)
    }

    /// What is drawn in a bucket of another quota, or of another time, from which the same permits have been taken; all
    /// of them, where it is smaller than what was taken.
    pub(crate) fn poured_into(self, nanos: u64, other: &Quota, other_nanos: u64) -> u64 {
        let taken = self.drawn.saturating_sub(self.scale.produced(nanos)).min(self.full);
        let (from, to) = (self.scale.unit_bits, other.scale().unit_bits);
        // Rounded up: what was taken stays taken.
        let taken = if to >= from {
            (u128::from(taken) << (to - from)).min(u128::from(u64::MAX)) as u64
        } else {
            taken.div_ceil(1 << (from - to))
        };
        other.scale().produced(other_nanos) + taken.min(other.scale().units(other.max_burst()))
    }
}

/// The instant at which a bucket's time begins that is [`START`] now.
pub(crate) fn base_at(now: Instant) -> u64 {
    now.as_nanos().wrapping_sub(START)
}

/// From `nanos` until then; `u64::MAX` for never.
#[inline]
pub(crate) fn wait_until(reached: u64, nanos: u64) -> u64 {
    if reached == u64::MAX { u64::MAX } else { reached.saturating_sub(nanos) }
}

/// How late a turn may be taken and still count as of when it came, in nanoseconds: 20 ms.
///
/// Timers end late: tokio's by up to 2 ms, those of a system with a coarse tick by up to 16 ms. To count each turn as of
/// when its caller woke up is to lose that time with each, and with it most of a fast rate. More is not made up for: after
/// a process stood still for a second, a second's worth of calls would pass at once.
pub(crate) const LATE: u64 = 20_000_000;

/// So that the clock may step back by a year, and go on by three, before the bucket's time has to begin anew.
pub(crate) const START: u64 = Scale::RANGE / 4;

/// What an earlier reading of the clock may be behind by and not be taken for a step back: units, a second or two of them.
///
/// A thread can be put to sleep between its look at the clock and the one at the bucket, for as long as others use up its
/// core, and those draw meanwhile. To take that for a step back is to produce the time of its sleep again: many times what
/// the quota allows, where there are more threads than cores. To wait for a clock that did step back by less takes no
/// longer than that. Where a burst is worth years, and a unit more than a nanosecond, it is at most 32 permits' worth.
pub(crate) const SKEW: u64 = 1 << 31;
