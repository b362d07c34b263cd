//! Batches on a machine that others use too: only those that were never preempted count.

use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::contenders::Run;

/// A body, and what its batches cost so far.
pub struct Subject<'a> {
    make: &'a dyn Fn() -> Run,
    /// Whether each batch has a body of its own.
    anew: bool,
    run: Run,
    calls: u64,
    /// Nanoseconds per call, one entry a round; `None` where the batch was preempted.
    rounds: Vec<Option<f64>>,
}

impl<'a> Subject<'a> {
    /// Makes a body, warms it up and finds how many calls make a batch of `BATCH`.
    #[must_use]
    pub fn new(make: &'a dyn Fn() -> Run, anew: bool) -> Self {
        let mut run = make();
        let calls = calls_in(BATCH, &mut run);
        Self { make, anew, run, calls, rounds: Vec::new() }
    }

    /// How many batches counted.
    #[must_use]
    pub fn clean(&self) -> usize {
        self.rounds.iter().flatten().count()
    }

    /// What a call costs, in nanoseconds.
    #[must_use]
    pub fn cost(&self) -> Option<Spread> {
        Spread::of(self.rounds.iter().flatten().copied().collect())
    }

    /// How many times what `other` costs this costs: the median over the rounds in which both counted, as the host
    /// may change its speed between rounds, and hardly does within one.
    #[must_use]
    pub fn ratio_to(&self, other: &Self) -> Option<f64> {
        self.beside(other, |mine, others| mine / others)
    }

    /// By how many nanoseconds this costs more than `other`: the median, as of the ratio.
    #[must_use]
    pub fn excess_over(&self, other: &Self) -> Option<f64> {
        self.beside(other, |mine, others| mine - others)
    }

    fn beside(&self, other: &Self, figure: impl Fn(f64, f64) -> f64) -> Option<f64> {
        let both = self.rounds.iter().zip(&other.rounds);
        let figures = both.filter_map(|(mine, others)| Some(figure((*mine)?, (*others)?))).collect();
        Spread::of(figures).map(|figures| figures.median)
    }

    fn round(&mut self) {
        if self.anew {
            self.run = (self.make)();
        }
        // The neighbour's batch has just used the caches: a few calls first.
        (self.run)(self.calls / 16);
        let (wall, cpu) = DEPTHS[self.rounds.len() % DEPTHS.len()](&mut self.run, self.calls);
        self.rounds.push(undisturbed(wall, cpu).then(|| wall.as_nanos() as f64 / self.calls as f64));
    }
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("calls", &self.calls).field("clean", &self.clean()).finish_non_exhaustive()
    }
}

/// A distribution, by three of its points.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The 5th percentile.
    pub low: f64,
    /// The 50th.
    pub median: f64,
    /// The 95th.
    pub high: f64,
}

impl Spread {
    /// The spread of the values; `None` if there are none.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let at = |share: f64| values[(last as f64 * share).round() as usize];
        Some(Self { low: at(0.05), median: at(0.5), high: at(0.95) })
    }
}

/// Runs the subjects in turns, a batch each, until every one has `wanted` batches that count or `patience` is used up.
pub fn interleave(subjects: &mut [Subject<'_>], wanted: usize, patience: Duration) {
    let begun = Instant::now();
    let mut first = 0;
    while begun.elapsed() < patience && subjects.iter().any(|subject| subject.clean() < wanted) {
        // Another one begins each round, so that nobody always follows the same neighbour.
        let (before, after) = subjects.split_at_mut(first);
        after.iter_mut().chain(before).for_each(Subject::round);
        first = (first + 1) % subjects.len();
    }
}

/// How many calls take that long.
pub(crate) fn calls_in(wanted: Duration, run: &mut Run) -> u64 {
    let mut calls = 4;
    loop {
        let took = (0..3).map(|_| time(run, calls).0).min().expect("three tries are more than none");
        if took > wanted / 8 {
            return ((calls as f64 * wanted.as_secs_f64() / took.as_secs_f64()) as u64).max(4);
        }
        calls *= 2;
    }
}

/// Whether a batch had its core to itself: a thread that was preempted, or slept, used less cpu time than passed.
pub(crate) fn undisturbed(wall: Duration, cpu: Duration) -> bool {
    wall <= cpu + cpu / 50
}

/// The cpu time this thread has used.
pub(crate) fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Runs that many calls, and answers with their wall and cpu time.
type Timed = fn(&mut Run, u64) -> (Duration, Duration);

/// Wall and cpu time of that many calls, with the stack that much deeper.
#[inline(never)]
fn time_deeper<const BYTES: usize>(run: &mut Run, calls: u64) -> (Duration, Duration) {
    black_box(&mut [0_u8; BYTES]);
    time(run, calls)
}

/// Wall and cpu time of that many calls.
fn time(run: &mut Run, calls: u64) -> (Duration, Duration) {
    // The cpu clock is read outside the wall clock: its own cost makes the test milder, never stricter.
    let cpu = thread_cpu();
    let wall = Instant::now();
    run(calls);
    let wall = wall.elapsed();
    (wall, thread_cpu() - cpu)
}

/// A load waits for a store to another address with the same low 12 bits. Whether the stack and a contender lie like that
/// is decided anew by each start of the process, so the depth changes from round to round: it must not decide a table.
const DEPTHS: [Timed; 8] = [
    time_deeper::<0>,
    time_deeper::<144>,
    time_deeper::<336>,
    time_deeper::<592>,
    time_deeper::<912>,
    time_deeper::<1296>,
    time_deeper::<1744>,
    time_deeper::<2256>,
];

/// Short beside a scheduler's slice of 3 to 4 ms, long beside the reads of the clocks around it.
const BATCH: Duration = Duration::from_micros(500);
