//! What happened in a run, counted as it happens.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

use super::script::Script;
use crate::client::Fault;

/// A run's record, shared by its clones: the upstream, the workers and the breaker's observer write to it.
#[derive(Clone)]
pub(super) struct Recorder {
    started: Instant,
    record: Arc<Mutex<Record>>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Good,
    Failed(Fault),
    Rejected,
}

/// The breaker's state, as the picture shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Closed,
    Open,
    HalfOpen,
}

#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) at: Duration,
    pub(super) to: Gate,
    pub(super) why: String,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) good: u64,
    pub(super) failed: u64,
    pub(super) rejected: u64,
    /// Requests that the upstream saw.
    pub(super) reached: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) script: Arc<Script>,
    /// By the phase of the script in which the call ended or arrived.
    pub(super) phases: Vec<Counts>,
    /// By slice of time, all of one width.
    pub(super) slices: Vec<Counts>,
    pub(super) faults: Faults,
    /// Turns without a call, because the worker's last call was still in flight.
    pub(super) missed: u64,
    /// In nanoseconds: of the sent calls, and of the rejected calls.
    pub(super) sent: Histogram<u64>,
    pub(super) refused: Histogram<u64>,
    pub(super) changes: Vec<Change>,
    /// By phase: the first good answer to a call that began in the phase.
    pub(super) first_good: Vec<Option<Duration>>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    pub(super) status: u64,
    pub(super) timed_out: u64,
    pub(super) reset: u64,
    pub(super) other: u64,
}

impl Recorder {
    pub(super) fn start(script: Arc<Script>) -> Self {
        Self { started: Instant::now(), record: Arc::new(Mutex::new(Record::new(script))) }
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    pub(super) fn ended(&self, begun: Instant, ending: Ending) {
        let now = Instant::now();
        self.lock().ended(begun - self.started, now - self.started, ending);
    }

    pub(super) fn reached(&self) {
        let at = self.started.elapsed();
        self.lock().count(at, |counts| counts.reached += 1);
    }

    pub(super) fn missed(&self, turns: u64) {
        self.lock().missed += turns;
    }

    pub(super) fn changed(&self, to: Gate, why: String) {
        let at = self.started.elapsed();
        self.lock().changes.push(Change { at, to, why });
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&Record) -> T) -> T {
        look(&self.lock())
    }

    pub(super) fn snapshot(&self) -> Record {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().expect("nothing panics while it counts")
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        })
    }
}

impl<E> From<Result<(), E>> for Ending
where
    Ending: From<E>,
{
    fn from(result: Result<(), E>) -> Self {
        result.map_or_else(Self::from, |()| Self::Good)
    }
}

impl From<Fault> for Ending {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

// ===== impl Record =====

impl Record {
    pub(super) fn new(script: Arc<Script>) -> Self {
        let nanos = || Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are in order");
        Self {
            phases: vec![Counts::default(); script.phases().len()],
            slices: vec![Counts::default(); slices(&script)],
            faults: Faults::default(),
            missed: 0,
            sent: nanos(),
            refused: nanos(),
            changes: Vec::new(),
            first_good: vec![None; script.phases().len()],
            script,
        }
    }

    pub(super) fn ended(&mut self, begun: Duration, ended: Duration, ending: Ending) {
        let took = (ended - begun).as_nanos() as u64;
        match ending {
            Ending::Good => {
                self.count(ended, |counts| counts.good += 1);
                self.first_good[self.script.phase_at(begun)].get_or_insert(ended);
            }
            Ending::Failed(fault) => {
                self.count(ended, |counts| counts.failed += 1);
                self.faults.add(fault);
            }
            Ending::Rejected => self.count(ended, |counts| counts.rejected += 1),
        }
        let latency = if ending == Ending::Rejected { &mut self.refused } else { &mut self.sent };
        latency.saturating_record(took);
    }

    fn count(&mut self, at: Duration, add: impl Fn(&mut Counts)) {
        add(&mut self.phases[self.script.phase_at(at)]);
        let slice = (at.as_secs_f64() / self.slice().as_secs_f64()) as usize;
        let last = self.slices.len() - 1;
        add(&mut self.slices[slice.min(last)]);
    }

    pub(super) fn slice(&self) -> Duration {
        self.script.length() / self.slices.len() as u32
    }
}

impl Counts {
    pub(super) fn calls(&self) -> u64 {
        self.good + self.failed + self.rejected
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            good: self.good + other.good,
            failed: self.failed + other.failed,
            rejected: self.rejected + other.rejected,
            reached: self.reached + other.reached,
        }
    }
}

impl Faults {
    fn add(&mut self, fault: Fault) {
        *match fault {
            Fault::Status => &mut self.status,
            Fault::TimedOut => &mut self.timed_out,
            Fault::Reset => &mut self.reset,
            Fault::Other => &mut self.other,
        } += 1;
    }
}

/// Fine enough to show a probe, and coarse enough for a small picture. A slice has a few turns of each worker, because the
/// rates would swing with the turns otherwise.
fn slices(script: &Script) -> usize {
    let turns = (script.length().as_nanos() / script.pace().period.as_nanos()) as usize;
    (turns / 3).clamp(1, 100)
}
