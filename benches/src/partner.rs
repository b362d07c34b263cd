//! A second thread, and what it and the first record of their calls.

use std::hint;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::contenders::Run;
use crate::measure::{calls_in, thread_cpu, undisturbed};

/// A thread that records what it is told to, until this is dropped.
#[derive(Debug)]
pub(crate) struct Partner {
    jobs: Sender<Job>,
    done: Receiver<Job>,
}

/// A body on its way to a partner, and back with its batches.
struct Job {
    run: Run,
    calls: u64,
    here: Arc<AtomicUsize>,
    batches: Vec<Batch>,
}

pub(crate) struct Batch {
    begin: Instant,
    end: Instant,
    calls: u64,
    /// Whether the thread had its core to itself.
    pub(crate) clean: bool,
}

impl Partner {
    pub(crate) fn new() -> Self {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let (outbox, done) = mpsc::channel();
        thread::spawn(move || {
            for mut job in inbox {
                meet(&job.here);
                job.batches = record(&mut job.run, job.calls);
                if outbox.send(job).is_err() {
                    return;
                }
            }
        });
        Self { jobs, done }
    }

    /// Both bodies at once for a round, the first in this thread, the second, which comes back, in the partner's.
    pub(crate) fn together(&self, first: &mut Run, second: Run, calls: u64) -> (Vec<Batch>, Vec<Batch>, Run) {
        let here = Arc::new(AtomicUsize::new(0));
        let job = Job { run: second, calls, here: Arc::clone(&here), batches: Vec::new() };
        self.jobs.send(job).expect("a partner ends only if a body panicked");
        meet(&here);
        let batches = record(first, calls);
        let job = self.done.recv().expect("a partner ends only if a body panicked");
        (batches, job.batches, job.run)
    }
}

impl Batch {
    /// Nanoseconds per call.
    pub(crate) fn cost(&self) -> f64 {
        (self.end - self.begin).as_nanos() as f64 / self.calls as f64
    }
}

/// Waits for the other thread; spinning, as to be woken takes long.
fn meet(here: &AtomicUsize) {
    here.fetch_add(1, Ordering::AcqRel);
    while here.load(Ordering::Acquire) < 2 {
        hint::spin_loop();
    }
}

/// How many calls make a batch, for one thread.
pub(crate) fn calls_in_batch(run: &mut Run) -> u64 {
    calls_in(BATCH, run)
}

/// Batch after batch for a round. They keep to `BATCH` however much slower sharing makes a call.
pub(crate) fn record(run: &mut Run, mut calls: u64) -> Vec<Batch> {
    let begun = Instant::now();
    let mut batches = Vec::with_capacity(ROUND.div_duration_f64(BATCH) as usize * 4);
    while begun.elapsed() < ROUND {
        let cpu = thread_cpu();
        let begin = Instant::now();
        run(calls);
        let end = Instant::now();
        let clean = undisturbed(end - begin, thread_cpu() - cpu);
        batches.push(Batch { begin, end, calls, clean });
        let aim = calls as f64 * BATCH.div_duration_f64(end - begin);
        calls = ((calls as f64 * 0.75 + aim * 0.25) as u64).max(4);
    }
    batches
}

/// What a call costs, of those batches during which the other thread ran without a break.
pub(crate) fn counted(mine: &[Batch], others: &[Batch]) -> Vec<f64> {
    mine.iter().filter(|batch| batch.clean && covered(batch, others)).map(Batch::cost).collect()
}

/// Over all the time of the batches: one in which the thread slept weighs as long as it was.
pub(crate) fn mean(batches: &[Batch]) -> f64 {
    let time: Duration = batches.iter().map(|batch| batch.end - batch.begin).sum();
    let calls: u64 = batches.iter().map(|batch| batch.calls).sum();
    time.as_nanos() as f64 / calls.max(1) as f64
}

fn covered(batch: &Batch, others: &[Batch]) -> bool {
    let first = others.partition_point(|other| other.end <= batch.begin);
    let after = others.partition_point(|other| other.begin < batch.end);
    let Some(during @ [begin, ..]) = others.get(first..after) else { return false };
    let begins = begin.begin <= batch.begin + GAP;
    let ends = during.last().is_some_and(|last| last.end + GAP >= batch.end);
    let unbroken = during.windows(2).all(|two| two[1].begin <= two[0].end + GAP);
    begins && ends && unbroken && during.iter().all(|other| other.clean)
}

/// Short, so that both threads often get through one before either is preempted.
const BATCH: Duration = Duration::from_micros(30);
/// A few slices of the scheduler.
const ROUND: Duration = Duration::from_millis(6);
/// What lies between two batches of a thread that was not preempted: a few reads of clocks.
const GAP: Duration = Duration::from_micros(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(begin: Instant, spans: &[(u64, u64, bool)]) -> Vec<Batch> {
        let at = |micros| begin + Duration::from_micros(micros);
        spans.iter().map(|&(from, to, clean)| Batch { begin: at(from), end: at(to), calls: 1, clean }).collect()
    }

    #[test]
    fn a_batch_counts_only_while_the_other_thread_runs_without_a_break() {
        let now = Instant::now();
        let mine = &batches(now, &[(100, 130, true)])[0];
        let cases = [
            ("covered by one", &[(90, 140, true)][..], true),
            ("covered by several", &[(90, 110, true), (111, 120, true), (121, 140, true)], true),
            ("a break between two", &[(90, 110, true), (115, 140, true)], false),
            ("one of them preempted", &[(90, 110, true), (111, 140, false)], false),
            ("it began later", &[(110, 140, true)], false),
            ("it ended sooner", &[(90, 120, true)], false),
            ("it did not run", &[(10, 40, true)], false),
        ];
        for (what, others, expected) in cases {
            assert_eq!(covered(mine, &batches(now, others)), expected, "{what}");
        }
    }
}
