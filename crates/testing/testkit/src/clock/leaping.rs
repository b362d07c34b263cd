use std::{
    future::{self, Ready},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use seawall_core::time::{Clock, Instant, Timer};

/// A clock that leaps to each instant that a call waits for, and remembers how long each wait was.
///
/// Clones are the same clock.
#[derive(Debug, Clone, Default)]
pub struct LeapingClock(Arc<Mutex<Leaps>>);

#[derive(Debug, Default)]
struct Leaps {
    /// Since the origin.
    now: Duration,
    waits: Vec<Duration>,
}

impl LeapingClock {
    /// Advances the clock by `by`, as if the callee had taken so long.
    pub fn advance(&self, by: Duration) {
        let mut leaps = self.lock();
        leaps.now = leaps.now.saturating_add(by);
    }

    /// Returns the waits since the last call of this method.
    pub fn take_waits(&self) -> Vec<Duration> {
        mem::take(&mut self.lock().waits)
    }

    fn lock(&self) -> MutexGuard<'_, Leaps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for LeapingClock {
    fn now(&self) -> Instant {
        Instant::ORIGIN + self.lock().now
    }
}

impl Timer for LeapingClock {
    type Sleep = Ready<()>;

    fn sleep_until(&self, deadline: Instant) -> Ready<()> {
        let mut leaps = self.lock();
        let wait = deadline.saturating_duration_since(Instant::ORIGIN + leaps.now);
        assert!(wait > Duration::ZERO, "a policy waits only for an instant that is not there yet");
        leaps.waits.push(wait);
        leaps.now = leaps.now.saturating_add(wait);
        future::ready(())
    }
}
