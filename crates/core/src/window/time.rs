use std::time::Duration;

use super::{Record, Tally};
use crate::{
    caller::Caller,
    line::CacheAligned,
    sync::{AtomicU64, Ordering, fence},
    time::{Instant, saturating_nanos},
};

/// The calls of the last duration, in buckets that expire separately.
///
/// Each lane counts in its own cells, a word per bucket, so that threads do not wait for a shared cache line. The sum of the
/// lanes is needed only while the window holds a bad call. The first threads have a lane each, and store there. The later
/// threads share lanes, and swap there.
///
/// A lane's `head` is the last bucket whose cells are ready. The thread with the first call of a later bucket empties the cells
/// in between, and only then moves the head. A cell carries the lap and the generation that it counts for. So in a shared lane a
/// writer that slept finds another cell than it expected, and reads again.
///
/// A call whose time is a little before the lane's last bucket counts in this bucket, and calls are judged as of the last bucket
/// of any lane, because a thread may sleep after it read the clock. If the time is earlier by more than the window's length, the
/// clock has stepped back. Then the lane begins again, and lanes in the future do not count.
#[derive(Debug)]
pub(crate) struct TimeWindow {
    bucket_nanos: u64,
    buckets: u64,
    /// The number of buckets by which a lane may be in the future. Beyond it the clock has stepped back.
    slack: u64,
    /// The lanes of a single thread each, and then the shared lanes, whose number is a power of two.
    lanes: Box<[WindowLane]>,
    own_lanes: usize,
}

/// Aligned, so that the heads of two lanes never lie in one cache line. The head changes once a bucket, so the fields that do
/// not change can lie beside it.
#[derive(Debug)]
#[repr(align(128))]
struct WindowLane {
    /// The generation (16 bits) and the last bucket that is ready (48).
    head: AtomicU64,
    /// In the last lane: the last bucket (plus 1) in which any lane recorded a bad call, in any generation.
    last_bad: AtomicU64,
    /// At least a cell for each bucket. The number of cells is a power of two.
    cells: Box<[CacheAligned<[AtomicU64; CELLS_A_LINE]>]>,
    /// Whether several threads write here, so that cells are swapped. A store costs a fraction of a swap.
    is_shared: bool,
    /// The shift that makes a lap from a bucket's number.
    lap_shift: u32,
}

/// A cell, unpacked: the generation (8 bits) and the lap (8) that it counts for, the calls (24) and the bad calls (24).
///
/// A tag repeats after 256 laps. This alone does no harm, because cells are emptied whatever their tag is. A call is lost only if
/// a thread sleeps between two instructions while another thread brings the first call after 256 laps without a call, and this
/// call makes the cell equal to its old value. The thread that slept then empties the cell.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cell {
    tag: u64,
    calls: u64,
    bad: u64,
}

/// A bucket of a generation.
#[derive(Debug, Clone, Copy, PartialEq)]
struct TimeHead {
    generation: u64,
    bucket: u64,
}

enum Recorded {
    Yes,
    /// The generation is over.
    Stale,
    Retry,
}

// ===== impl TimeWindow =====

impl TimeWindow {
    pub(crate) fn new(length: Duration, buckets: u32, lanes: usize) -> Self {
        // Rounded up, so that the window is never shorter than asked for, by less than a microsecond.
        let bucket_nanos = saturating_nanos(length).div_ceil(u64::from(buckets));
        // A single lane is shared, because any thread may come.
        let own_lanes = if lanes == 1 { 0 } else { lanes };
        Self {
            bucket_nanos,
            buckets: u64::from(buckets),
            // Less would take the edge of a bucket for a step of the clock. More would hide calls behind calls in the future.
            slack: u64::from(buckets - 1).max(1),
            lanes: (0..own_lanes + (lanes / 4).next_power_of_two())
                .map(|lane| WindowLane::new(buckets, lane >= own_lanes))
                .collect(),
            own_lanes,
        }
    }

    /// Records a good call, if the window holds no bad call and the lane's last call was in the same bucket. Otherwise does
    /// nothing and returns `false`.
    #[inline]
    pub(crate) fn take_good(&self, generation: u32, caller: &impl Caller, current: impl Fn() -> bool) -> bool {
        let lane = self.lane_of(caller.lane());
        let head = TimeHead::unpack(lane.head.load(Ordering::Acquire));
        head.generation == TimeHead::new(generation, 0).generation
            && self.last_bad().load(Ordering::Acquire) + self.buckets <= head.bucket + 1
            && self.is_in(caller.now(), head.bucket)
            && lane.add_good(head, current)
    }

    pub(crate) fn record(&self, record: Record, caller: &impl Caller, current: impl Fn() -> bool) -> Option<Tally> {
        let (now, lane) = (caller.now(), self.lane_of(caller.lane()));
        let bucket = loop {
            let word = lane.head.load(Ordering::Acquire);
            let (head, mut at) =
                (TimeHead::unpack(word), TimeHead::new(record.generation, self.bucket_of(now, word & BUCKETS)));
            if head.generation == at.generation && !self.is_future(head.bucket, at.bucket) {
                at.bucket = at.bucket.max(head.bucket);
            }
            match lane.add(at, word, record.bad, &current) {
                Recorded::Yes => break at.bucket,
                Recorded::Stale => return None,
                Recorded::Retry => {}
            }
        };
        if self.is_future(self.last_bad().load(Ordering::Acquire), bucket + 1) {
            self.leave_future(record.generation, bucket);
        }
        if record.bad {
            // The word mostly has this value already, and a read is cheaper than a write.
            if self.last_bad().load(Ordering::Acquire) <= bucket {
                self.last_bad().fetch_max(bucket + 1, Ordering::AcqRel);
            }
        } else if self.last_bad().load(Ordering::Acquire) + self.buckets <= bucket + 1 {
            return None;
        }
        // If two threads record in two lanes, at least the second must see both calls in its sum.
        fence(Ordering::SeqCst);
        Some(self.tally(record.generation, now))
    }

    pub(crate) fn tally(&self, generation: u32, now: Instant) -> Tally {
        let heads = || self.lanes.iter().map(|lane| TimeHead::unpack(lane.head.load(Ordering::Acquire)));
        let of_now = TimeHead::new(generation, 0).generation;
        let bucket = self.bucket_of(now, 0);
        if heads().any(|head| head.generation == of_now && self.is_future(head.bucket, bucket)) {
            self.leave_future(generation, bucket);
        }
        let counts = |head: &TimeHead| head.generation == of_now && !self.is_future(head.bucket, bucket);
        let newest = heads().filter(counts).map(|head| head.bucket).fold(bucket, u64::max);
        let oldest = (newest + 1).saturating_sub(self.buckets);
        let mut tally = Tally::default();
        for lane in &self.lanes {
            let head = TimeHead::unpack(lane.head.load(Ordering::Acquire));
            if !counts(&head) {
                continue;
            }
            for bucket in oldest..=newest.min(head.bucket) {
                let cell = Cell::unpack(lane.cell(bucket).load(Ordering::Acquire));
                if cell.tag == lane.tag(TimeHead::new(generation, bucket)) {
                    tally.calls += cell.calls;
                    tally.bad += cell.bad;
                }
            }
        }
        tally
    }

    /// Returns whether `bucket` is so far after the current bucket that the clock has stepped back.
    #[inline]
    fn is_future(&self, bucket: u64, now: u64) -> bool {
        bucket > now + self.slack
    }

    /// Removes the counts in the future after the clock has stepped back. They must not return when the clock has caught up.
    #[cold]
    fn leave_future(&self, generation: u32, bucket: u64) {
        let last = self.last_bad().load(Ordering::Acquire);
        if self.is_future(last, bucket + 1) {
            let _ = self.last_bad().compare_exchange(last, 0, Ordering::AcqRel, Ordering::Acquire);
        }
        let (now, far) = (TimeHead::new(generation, 0), TimeHead::new(generation.wrapping_add(FAR), 0));
        for lane in &self.lanes {
            let seen = lane.head.load(Ordering::Acquire);
            let head = TimeHead::unpack(seen);
            if head.generation == now.generation && self.is_future(head.bucket, bucket) {
                // If this fails, the lane is in use.
                let _ = lane.head.compare_exchange(seen, far.pack(), Ordering::AcqRel, Ordering::Acquire);
            }
        }
    }

    /// Removes the counts of an older generation, before its number repeats.
    pub(crate) fn forget(&self, generation: u32, current: impl Fn() -> bool) {
        let (now, far) = (TimeHead::new(generation, 0), TimeHead::new(generation.wrapping_add(FAR), 0));
        for lane in &self.lanes {
            let seen = lane.head.load(Ordering::Acquire);
            if TimeHead::unpack(seen).generation != now.generation && current() {
                // If this fails, the lane is in use, by this generation or a later one.
                let _ = lane.head.compare_exchange(seen, far.pack(), Ordering::AcqRel, Ordering::Acquire);
            }
        }
    }

    /// Returns the number of `now`'s bucket. A correct `guess` saves a division.
    #[inline]
    fn bucket_of(&self, now: Instant, guess: u64) -> u64 {
        if self.is_in(now, guess) { guess } else { (now.as_nanos() / self.bucket_nanos).min(BUCKETS - 1) }
    }

    #[inline]
    fn is_in(&self, now: Instant, bucket: u64) -> bool {
        now.as_nanos().wrapping_sub(bucket.wrapping_mul(self.bucket_nanos)) < self.bucket_nanos
    }

    #[inline]
    fn last_bad(&self) -> &AtomicU64 {
        &self.lanes[self.lanes.len() - 1].last_bad
    }

    #[inline]
    fn lane_of(&self, thread: usize) -> &WindowLane {
        let shared = self.lanes.len() - self.own_lanes;
        &self.lanes[if thread < self.own_lanes { thread } else { self.own_lanes + (thread & (shared - 1)) }]
    }
}

// ===== impl Lane =====

impl WindowLane {
    fn new(buckets: u32, is_shared: bool) -> Self {
        let lines = (buckets as usize).next_power_of_two().div_ceil(CELLS_A_LINE);
        let line = || CacheAligned(std::array::from_fn(|_| AtomicU64::new(0)));
        let lap_shift = (lines * CELLS_A_LINE).trailing_zeros();
        Self {
            head: AtomicU64::new(0),
            last_bad: AtomicU64::new(0),
            cells: (0..lines).map(|_| line()).collect(),
            is_shared,
            lap_shift,
        }
    }

    /// Counts a good call in the head's bucket, if the cell counts for this bucket. Otherwise returns `false`.
    #[inline]
    fn add_good(&self, head: TimeHead, current: impl Fn() -> bool) -> bool {
        let slot = self.cell(head.bucket);
        let word = slot.load(Ordering::Acquire);
        let is_full = word >> 24 & COUNTS == COUNTS;
        word >> 48 == self.tag(head) && current() && (is_full || self.swap(slot, word, word + ONE_CALL))
    }

    /// Counts a call in the bucket `at`, which is before the head's bucket only if the clock has stepped back. `seen` is the head
    /// as the caller read it.
    #[inline]
    fn add(&self, at: TimeHead, seen: u64, bad: bool, current: impl Fn() -> bool) -> Recorded {
        let head = TimeHead::unpack(seen);
        if head != at {
            return if self.advance(at, seen, current) { Recorded::Retry } else { Recorded::Stale };
        }
        let slot = self.cell(at.bucket);
        let word = slot.load(Ordering::Acquire);
        let tag = self.tag(at);
        let mut cell = Cell::unpack(word);
        if cell.tag != tag {
            // If a later lap counts here already, the head has moved too.
            if self.head.load(Ordering::Acquire) != seen {
                return Recorded::Retry;
            }
            // Otherwise a slow thread emptied the cell for another lap, and no call has been counted in it since.
            cell = Cell { tag, calls: 0, bad: 0 };
        }
        // After the load: a cell of a later generation is then never taken for an older one's.
        if !current() {
            return Recorded::Stale;
        }
        if self.swap(slot, word, cell.plus(bad).pack()) { Recorded::Yes } else { Recorded::Retry }
    }

    /// Makes the buckets up to `at` ready: empties their cells, then moves the head. Returns `false` if `at`'s generation is over.
    #[cold]
    fn advance(&self, at: TimeHead, seen: u64, current: impl Fn() -> bool) -> bool {
        let head = TimeHead::unpack(seen);
        let is_later = head.generation == at.generation && head.bucket < at.bucket;
        let kept = if is_later { head.bucket + 1 } else { 0 };
        let first = kept.max((at.bucket + 1).saturating_sub(self.len()));
        for bucket in first..=at.bucket {
            let empty = Cell { tag: self.tag(TimeHead { bucket, ..at }), calls: 0, bad: 0 }.pack();
            let slot = self.cell(bucket);
            let word = slot.load(Ordering::Acquire);
            if !current() {
                return false;
            }
            // No thread counts in a bucket before the head has reached it. So the cell's content is old, whatever its tag is.
            // Tags repeat after 256 laps.
            if self.head.load(Ordering::Acquire) != seen || !self.swap(slot, word, empty) {
                return true;
            }
        }
        // A thread that comes second has nothing left to do.
        self.swap(&self.head, seen, at.pack());
        true
    }

    /// Replaces `from`, which the thread has just read. In its own lane, a thread need not check that the value is still the same.
    #[inline]
    fn swap(&self, slot: &AtomicU64, from: u64, to: u64) -> bool {
        if self.is_shared {
            return slot.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok();
        }
        slot.store(to, Ordering::Release);
        true
    }

    #[inline]
    fn cell(&self, bucket: u64) -> &AtomicU64 {
        let slot = (bucket & (self.len() - 1)) as usize;
        &self.cells[slot / CELLS_A_LINE][slot % CELLS_A_LINE]
    }

    fn tag(&self, at: TimeHead) -> u64 {
        (at.generation & 0xff) << 8 | at.bucket >> self.lap_shift & 0xff
    }

    fn len(&self) -> u64 {
        (self.cells.len() * CELLS_A_LINE) as u64
    }
}

// ===== impl Head, Cell =====

impl TimeHead {
    fn new(generation: u32, bucket: u64) -> Self {
        Self { generation: u64::from(generation) & 0xffff, bucket }
    }

    fn unpack(word: u64) -> Self {
        Self { generation: word >> 48, bucket: word & BUCKETS }
    }

    fn pack(self) -> u64 {
        self.generation << 48 | self.bucket
    }
}

impl Cell {
    fn unpack(word: u64) -> Self {
        Self { tag: word >> 48, calls: word >> 24 & COUNTS, bad: word & COUNTS }
    }

    fn pack(self) -> u64 {
        self.tag << 48 | self.calls << 24 | self.bad
    }

    /// Returns the cell with another call. A full cell stays the same: its rate is then the rate of the bucket's first 16 million
    /// calls.
    fn plus(self, bad: bool) -> Self {
        let room = u64::from(self.calls < COUNTS);
        Self { calls: self.calls + room, bad: self.bad + (room & u64::from(bad)), ..self }
    }
}

/// A loom model has a single cell, so that it can try all interleavings.
const CELLS_A_LINE: usize = if cfg!(loom) { 1 } else { 16 };
const BUCKETS: u64 = (1 << 48) - 1;
/// Half of the generations that a head tells apart.
const FAR: u32 = 1 << 15;
const COUNTS: u64 = (1 << 24) - 1;
const ONE_CALL: u64 = 1 << 24;
