//! The figures of a run, from its record.

use std::time::Duration;

use super::record::{Counts, Gate, Record};
use super::script::Phase;

impl Record {
    pub(super) fn total(&self) -> Counts {
        self.phases.iter().copied().fold(Counts::default(), Counts::plus)
    }

    /// Adds up the counts of the sick phases.
    pub(super) fn sick(&self) -> Counts {
        self.script.illnesses().map(|number| self.phases[number]).fold(Counts::default(), Counts::plus)
    }

    /// Good answers a second while the upstream is healthy, without the time that [`Self::time_to_recover`] returns.
    pub(super) fn healthy_goodput(&self) -> f64 {
        let healthy = |number: usize| {
            let (from, until) = (self.slice() * number as u32, self.slice() * (number as u32 + 1));
            let phase = self.script.phase_at(from);
            let Phase { mood, from: healed, until: falls_sick } = self.script.phases()[phase];
            let noticed = if phase == 0 { Some(Duration::ZERO) } else { self.time_to_recover(phase - 1) };
            !mood.is_sick() && until <= falls_sick && noticed.is_some_and(|noticed| from >= healed + noticed)
        };
        let good: Vec<u64> =
            (0..self.slices.len()).filter(|&number| healthy(number)).map(|number| self.slices[number].good).collect();
        good.iter().sum::<u64>() as f64 / (self.slice() * good.len() as u32).as_secs_f64()
    }

    /// The time from the start of an illness to the first opening in it.
    pub(super) fn time_to_open(&self, illness: usize) -> Option<Duration> {
        let Phase { from, until, .. } = self.script.phases()[illness];
        let opened = self.changes.iter().find(|change| change.to == Gate::Open && (from..until).contains(&change.at));
        opened.map(|change| change.at - from)
    }

    /// The time from the end of an illness to the first good answer, and with a breaker to its last closing. `None` if the
    /// next illness came first.
    pub(super) fn time_to_recover(&self, illness: usize) -> Option<Duration> {
        let Phase { from, until, .. } = self.script.phases()[illness + 1];
        let good = self.first_good[illness + 1]?.saturating_sub(from);
        match self.changes.iter().rfind(|change| change.at < until) {
            Some(change) if change.to != Gate::Closed => None,
            Some(change) => Some(good.max(change.at.saturating_sub(from))),
            None => Some(good),
        }
    }

    pub(super) fn gate(&self) -> Gate {
        self.changes.last().map_or(Gate::Closed, |change| change.to)
    }

    pub(super) fn openings(&self) -> usize {
        self.changes.iter().filter(|change| change.to == Gate::Open).count()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::illness::record::{Change, Ending};
    use crate::illness::script::Script;

    /// A run in which the upstream heals from its first illness at 2.3 s and falls ill again at 3.2 s.
    fn record(changes: &[(u64, Gate)]) -> Record {
        let mut record = Record::new(Arc::new(Script::new(Duration::from_secs(10))));
        let change = |&(at, to)| Change { at: Duration::from_millis(at), to, why: String::new() };
        record.changes = changes.iter().map(change).collect();
        record
    }

    fn good(record: &mut Record, begun: u64, ended: u64) {
        record.ended(Duration::from_millis(begun), Duration::from_millis(ended), Ending::Good);
    }

    fn millis(time: Option<Duration>) -> Option<u128> {
        time.map(|time| time.as_millis())
    }

    #[test]
    fn without_a_breaker_recovery_is_the_first_good_answer_to_a_call_begun_since() {
        let mut record = record(&[]);
        assert_eq!(record.time_to_recover(FIRST), None);
        good(&mut record, 2250, 2350);
        assert_eq!(record.time_to_recover(FIRST), None);
        good(&mut record, 2310, 2320);
        assert_eq!(millis(record.time_to_recover(FIRST)), Some(20));
        assert_eq!(record.time_to_open(FIRST), None);
    }

    #[test]
    fn with_a_breaker_recovery_is_its_last_closing_before_the_next_illness() {
        let opened = [(1250, Gate::Open), (2400, Gate::HalfOpen), (2410, Gate::Closed)];
        let mut closed = record(&opened);
        good(&mut closed, 2400, 2405);
        assert_eq!(millis(closed.time_to_open(FIRST)), Some(50));
        assert_eq!(millis(closed.time_to_recover(FIRST)), Some(110));

        let mut relapsed = record(&[&opened[..], &[(2500, Gate::Open)]].concat());
        good(&mut relapsed, 2400, 2405);
        assert_eq!(relapsed.time_to_recover(FIRST), None);
        assert_eq!(relapsed.time_to_open(FIRST + 2), None);
    }

    const FIRST: usize = 1;
}
