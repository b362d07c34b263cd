use std::{iter::FusedIterator, time::Duration};

use super::{Backoff, Chance, Steps};

/// The delays of a [`Backoff`], one after the other, without end; from [`Backoff::delays`].
#[derive(Debug, Clone)]
pub struct Delays {
    backoff: Backoff,
    steps: Steps,
    chance: Chance,
}

impl Delays {
    pub(super) fn new(backoff: Backoff, chance: Chance) -> Self {
        Self { backoff, steps: Steps::NONE, chance }
    }
}

impl Iterator for Delays {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.steps.next(&self.backoff, self.chance.draw()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl FusedIterator for Delays {}
