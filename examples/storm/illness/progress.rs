//! The progress of a run: a bar in a terminal, otherwise a line for each phase.

use std::convert::Infallible;
use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time;

use super::record::{Counts, Record, Recorder};
use super::run::Side;
use super::script::Script;

pub(super) struct Progress {
    side: Side,
    bar: Option<ProgressBar>,
    /// How many phases have their line already.
    told: usize,
}

impl Progress {
    pub(super) fn new(side: Side, script: &Script) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let style =
                ProgressStyle::with_template("{prefix:7} [{bar:12}] {wide_msg}").expect("the template is valid");
            ProgressBar::new(script.length().as_millis() as u64)
                .with_style(style.progress_chars("=> "))
                .with_prefix(side.to_string())
        });
        Self { side, bar, told: 0 }
    }

    pub(super) async fn follow(&mut self, recorder: &Recorder) -> Infallible {
        let mut ticks = time::interval(REFRESH);
        loop {
            ticks.tick().await;
            let at = recorder.started().elapsed();
            recorder.look(|record| self.show(record, Some(at)));
        }
    }

    pub(super) fn finish(&mut self, record: &Record) {
        self.show(record, None);
        if let Some(bar) = &self.bar {
            bar.finish();
            // The next output begins on a new line.
            eprintln!();
        }
    }

    /// `at` is `None` at the end, when the counts are final.
    fn show(&mut self, record: &Record, at: Option<Duration>) {
        let phase = at.map(|at| record.script.phase_at(at));
        if let Some(bar) = &self.bar {
            let (name, counts) = match phase {
                Some(phase) => (record.script.phases()[phase].mood.to_string(), record.phases[phase]),
                None => ("in all".into(), record.total()),
            };
            bar.set_position(at.unwrap_or(record.script.length()).as_millis() as u64);
            // Short enough for 80 columns.
            let Counts { good, failed, reached, .. } = counts;
            let gate = if self.side == Side::Bare { String::new() } else { record.gate().to_string() };
            bar.set_message(format!("{name:8} {gate:10} good {good:4} failed {failed:4} reached {reached:4}"));
            return;
        }
        let finished = phase.unwrap_or(record.phases.len());
        for number in self.told..finished {
            let phase = &record.script.phases()[number];
            let until = phase.until.as_secs_f64();
            let Counts { good, failed, rejected, reached } = record.phases[number];
            eprint!("{:7} {until:>5.1} s  {:8} good {good:5}  failed {failed:5}  ", self.side, phase.mood);
            match self.side {
                Side::Bare => eprintln!("reached {reached:5}"),
                Side::Breaker => eprintln!("reached {reached:5}  rejected {rejected:5}  {}", record.gate()),
            }
        }
        self.told = finished;
    }
}

const REFRESH: Duration = Duration::from_millis(100);
