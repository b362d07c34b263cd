//! What the upstream does and when, and the numbers of both sides.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

/// How the upstream behaves in a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Healthy,
    Errors,
    Hanging,
    Resets,
    Slow,
}

impl Mood {
    pub(super) fn is_sick(self) -> bool {
        self != Self::Healthy
    }
}

impl fmt::Display for Mood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Healthy => "healthy",
            Self::Errors => "500s",
            Self::Hanging => "hanging",
            Self::Resets => "resets",
            Self::Slow => "slow",
        })
    }
}

/// A part of the run in which the upstream has one mood.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phase {
    pub(super) mood: Mood,
    pub(super) from: Duration,
    pub(super) until: Duration,
}

/// One run, from its first moment to its last. It always has phases.
#[derive(Clone, Debug)]
pub(super) struct Script {
    phases: Vec<Phase>,
    pace: Pace,
}

impl Script {
    pub(super) fn new(run: Duration) -> Self {
        let mut from = Duration::ZERO;
        let phases = SHARES.iter().map(|&(mood, share)| {
            let phase = Phase { mood, from, until: from + run.mul_f64(share) };
            from = phase.until;
            phase
        });
        Self { phases: phases.collect(), pace: Pace::for_run(run) }
    }

    pub(super) fn phases(&self) -> &[Phase] {
        &self.phases
    }

    pub(super) fn pace(&self) -> &Pace {
        &self.pace
    }

    pub(super) fn length(&self) -> Duration {
        self.phases.last().expect("SHARES is not empty").until
    }

    /// The numbers of the sick phases. A healthy phase follows each.
    pub(super) fn illnesses(&self) -> impl Iterator<Item = usize> {
        (0..self.phases.len()).filter(|&number| self.phases[number].mood.is_sick())
    }

    /// The number of the phase at `at`. Times after the end belong to the last phase.
    pub(super) fn phase_at(&self, at: Duration) -> usize {
        self.phases.iter().position(|phase| at < phase.until).unwrap_or(self.phases.len() - 1)
    }
}

/// Speeds and limits, scaled with the length of the run.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// How often a worker wants to call.
    pub(super) period: Duration,
    /// How long a call may take before the client gives up on it.
    pub(super) timeout: Duration,
    /// When a call is slow to the breaker: below the time of the slow upstream, above any healthy answer.
    pub(super) slower_than: Duration,
    pub(super) healthy_answer: Range<Duration>,
    /// Within the timeout, so that only a rule on slowness can notice the illness.
    pub(super) slow_answer: Range<Duration>,
    pub(super) open_for: Duration,
    pub(super) window: Duration,
}

impl Pace {
    fn for_run(run: Duration) -> Self {
        let scale = (run.as_secs_f64() / UNSCALED_RUN.as_secs_f64()).clamp(0.3, 2.0);
        let ms = |ms: f64| Duration::from_secs_f64(ms * scale / 1000.0);
        Self {
            period: Duration::from_millis(20),
            timeout: ms(400.0),
            slower_than: ms(100.0),
            healthy_answer: Duration::from_millis(3)..Duration::from_millis(7),
            slow_answer: ms(150.0)..ms(300.0),
            open_for: ms(300.0),
            window: ms(2000.0),
        }
    }
}

/// The most calls in flight: one for each worker.
pub(super) const WORKERS: usize = 32;

/// Between two illnesses the breaker has time to close, so each illness must open it again.
const SHARES: [(Mood, f64); 9] = [
    (Mood::Healthy, 0.12),
    (Mood::Errors, 0.11),
    (Mood::Healthy, 0.09),
    (Mood::Hanging, 0.14),
    (Mood::Healthy, 0.09),
    (Mood::Resets, 0.11),
    (Mood::Healthy, 0.09),
    (Mood::Slow, 0.13),
    (Mood::Healthy, 0.12),
];

/// The run for which the numbers in `Pace` were chosen.
const UNSCALED_RUN: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_cover_the_run_without_a_gap() {
        let script = Script::new(Duration::from_secs(10));
        let mut at = Duration::ZERO;
        for (number, phase) in script.phases().iter().enumerate() {
            assert_eq!(phase.from, at);
            assert_eq!(script.phase_at(phase.from), number);
            at = phase.until;
        }
        assert!(at.abs_diff(Duration::from_secs(10)) < Duration::from_micros(1));
        assert_eq!(script.phase_at(Duration::MAX), SHARES.len() - 1);
    }

    #[test]
    fn each_illness_comes_once_and_is_followed_by_health() {
        let script = Script::new(Duration::from_secs(10));
        let moods: Vec<_> = script.illnesses().map(|number| script.phases()[number].mood).collect();
        assert_eq!(moods, [Mood::Errors, Mood::Hanging, Mood::Resets, Mood::Slow]);
        assert!(script.illnesses().all(|number| !script.phases()[number + 1].mood.is_sick()));
    }

    #[test]
    fn slow_answers_are_too_slow_for_the_breaker_and_fast_enough_for_the_timeout() {
        for seconds in [3, 10, 300] {
            let pace = Pace::for_run(Duration::from_secs(seconds));
            assert!(pace.healthy_answer.end < pace.slower_than);
            assert!(pace.slower_than < pace.slow_answer.start);
            assert!(pace.slow_answer.end < pace.timeout);
        }
    }
}
