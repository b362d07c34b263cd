use std::{error, fmt, time::Duration};

use super::earlier::has_reached;
use crate::{Name, time::saturating_nanos};

/// A call took longer than it may, and was dropped; or there was no time left for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedOut {
    pub(super) policy: Name,
    limit: u64,
    elapsed: u64,
    by_deadline: bool,
    before_ready: bool,
    pub(super) reached: bool,
}

impl TimedOut {
    /// A call that the timeout called `policy` cut off when it had run for `elapsed` of `limit`.
    pub fn new(policy: Name, limit: Duration, elapsed: Duration) -> Self {
        let (limit, elapsed) = (saturating_nanos(limit), saturating_nanos(elapsed));
        Self { policy, limit, elapsed, by_deadline: false, before_ready: false, reached: true }
    }

    /// It was not the timeout's own limit that cut the call off, but a deadline around it.
    #[must_use]
    pub fn by_deadline(mut self) -> Self {
        self.by_deadline = true;
        self
    }

    /// It was not the call that took too long, but the service that did not become ready for it.
    #[must_use]
    pub fn before_ready(mut self) -> Self {
        self.before_ready = true;
        self.reached = has_reached();
        self
    }

    /// There was no time for the call to begin, so this attempt has not reached the callee.
    #[must_use]
    pub fn before_it_began(mut self) -> Self {
        self.reached = has_reached();
        self
    }

    /// How long the call was given: the timeout's limit, or what was left of the deadline when its time began to count. Zero
    /// if there was none left: then the callee was not touched, or, where the deadline passed in the meantime, polled once.
    pub fn limit(&self) -> Duration {
        Duration::from_nanos(self.limit)
    }

    /// How long it ran.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.elapsed)
    }

    /// Whether a deadline around the call cut it off, and not the timeout's own limit.
    pub fn is_by_deadline(&self) -> bool {
        self.by_deadline
    }

    /// Whether the service was not ready in time, so that the call was not sent.
    pub fn is_before_ready(&self) -> bool {
        self.before_ready
    }

    pub(crate) fn why(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.before_ready {
            return write!(f, "the service was not ready in {:?}", self.limit());
        }
        match (self.by_deadline, self.limit) {
            (true, 0) => f.write_str("the deadline has passed"),
            (false, 0) => f.write_str("a limit of zero lets no call begin"),
            (true, _) => write!(f, "not done by the deadline, in {:?}", self.limit()),
            (false, _) => write!(f, "not done in {:?}", self.limit()),
        }
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "timeout `{}`: ", self.policy)?;
        self.why(f)
    }
}

impl error::Error for TimedOut {}
