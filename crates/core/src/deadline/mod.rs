//! A point in time by which a call and all that it calls have to be done.

mod ambient;
mod scope;

use std::{
    cmp::Ordering,
    error, fmt,
    hash::{Hash, Hasher},
    time::Duration,
};

use ambient::Ambient;

pub use ambient::{DeadlineScope, KnownDeadline, agrees, cut, known};
pub use scope::Scope;

use crate::{
    time::{Clock, DefaultClock, Instant, Timeline},
    wire::{InvalidTimeout, TimeoutText, grpc_timeout, parse_grpc_timeout, parse_timeout_millis, timeout_millis},
};

/// A point in time by which a call and all that it calls have to be done.
///
/// Deadlines nest: inside of two the earlier holds. Inside of one every timeout is cut to it, a retry begins no attempt
/// that it leaves no time for, and a call for which there is no time left is refused before the callee is touched. A
/// timeout is a deadline for what it guards.
///
/// It holds for what is polled inside of [`scope`](Self::scope), on any executor, and is not passed on by itself to what
/// is spawned or sent through a channel: hand it over there. It is a value of its clock, [`DefaultClock`] unless the
/// method says otherwise. Policies inside of it must go by the same [timeline](Timeline): a timeout or a retry that goes by
/// another one panics, and says so.
///
/// ```
/// use std::time::Duration;
/// use seawall_core::Deadline;
///
/// let whole = Deadline::after(Duration::from_secs(2)); // and `whole.scope(future).await`
/// whole.scope_blocking(|| {
///     assert_eq!(Deadline::current(), Some(whole));
///     let part = Deadline::after(Duration::from_secs(1));
///     part.scope_blocking(|| assert_eq!(Deadline::current(), Some(part)));
///     Deadline::after(Duration::from_secs(9)).scope_blocking(|| assert_eq!(Deadline::current(), Some(whole)));
/// });
/// assert_eq!(Deadline::current(), None);
/// ```
#[derive(Clone, Copy)]
pub struct Deadline {
    at: Instant,
    timeline: Timeline,
}

/// A policy was asked to heed a deadline of another clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClocksDiffer {
    policy: Timeline,
    deadline: Timeline,
}

impl Deadline {
    /// At that time, of the clock that the policies inside go by. [`Instant::MAX`] is no deadline.
    pub const fn at(instant: Instant) -> Self {
        Self { at: instant, timeline: Timeline::ANY }
    }

    /// So long from now. `Duration::MAX` is no deadline.
    pub fn after(time: Duration) -> Self {
        Self::after_by(time, &DefaultClock::default())
    }

    /// So long from what `clock` says is now.
    pub fn after_by(time: Duration, clock: &impl Clock) -> Self {
        Self { at: clock.now() + time, timeline: clock.timeline() }
    }

    /// What a caller has sent as the header `grpc-timeout`, from now on, and at most `cap`: a stranger may ask for 11,000
    /// years.
    ///
    /// # Errors
    ///
    /// If it is not what the header may say; see [`wire`](crate::wire).
    pub fn from_grpc_timeout(value: impl AsRef<[u8]>, cap: Duration) -> Result<Self, InvalidTimeout> {
        parse_grpc_timeout(value).map(|left| Self::after(left.min(cap)))
    }

    /// The same, of a header of whole milliseconds.
    ///
    /// # Errors
    ///
    /// If there is anything in it but digits; see [`wire`](crate::wire).
    pub fn from_timeout_millis(value: impl AsRef<[u8]>, cap: Duration) -> Result<Self, InvalidTimeout> {
        parse_timeout_millis(value).map(|left| Self::after(left.min(cap)))
    }

    /// What is left of it, for a callee, as the header `grpc-timeout`; rounded down.
    pub fn to_grpc_timeout(self) -> TimeoutText {
        grpc_timeout(self.remaining())
    }

    /// What is left of it, for a callee, in whole milliseconds; rounded down.
    pub fn to_timeout_millis(self) -> TimeoutText {
        timeout_millis(self.remaining())
    }

    /// The one that holds here: the earliest of all scopes and timeouts that this runs inside of.
    ///
    /// # Panics
    ///
    /// Panics if the deadline is of another clock than [`DefaultClock`].
    #[track_caller]
    pub fn current() -> Option<Self> {
        Self::current_by(&DefaultClock::default())
    }

    /// As [`current`](Self::current), inside of policies that go by `clock`.
    ///
    /// It may have to ask it for the time: a timeout reckons its deadline when somebody wants to know.
    ///
    /// # Panics
    ///
    /// Panics if the deadline is of another clock.
    #[track_caller]
    pub fn current_by(clock: &impl Clock) -> Option<Self> {
        Self::try_current_by(clock).unwrap_or_else(|error| panic!("the deadline cannot be told: {error}"))
    }

    /// Same as [`current_by`](Self::current_by), but does not panic.
    ///
    /// # Errors
    ///
    /// [`ClocksDiffer`] if the deadline is of another clock.
    pub fn try_current_by(clock: &impl Clock) -> Result<Option<Self>, ClocksDiffer> {
        let timeline = clock.timeline();
        ClocksDiffer::check(timeline)?;
        let at = Ambient::resolve(|| clock.now());
        Ok((at != Instant::MAX).then_some(Self { at, timeline }))
    }

    /// Makes it hold for `future`.
    pub const fn scope<F>(self, future: F) -> Scope<F> {
        Scope::new(self, future)
    }

    /// Makes it hold while `f` runs.
    ///
    /// # Panics
    ///
    /// Panics inside of a deadline of another clock.
    #[track_caller]
    pub fn scope_blocking<T>(self, f: impl FnOnce() -> T) -> T {
        let _cut = self.cut();
        f()
    }

    #[track_caller]
    fn cut(self) -> DeadlineScope {
        if let Err(error) = ClocksDiffer::check(self.timeline) {
            panic!("a deadline cannot be set here: {error}");
        }
        DeadlineScope::at(self.at)
    }

    /// When it is.
    pub const fn instant(self) -> Instant {
        self.at
    }

    /// How much time is left; zero if it has passed.
    pub fn remaining(self) -> Duration {
        self.remaining_by(&DefaultClock::default())
    }

    /// How much time is left by `clock`.
    pub fn remaining_by(self, clock: &impl Clock) -> Duration {
        self.at.saturating_duration_since(clock.now())
    }
}

impl ClocksDiffer {
    /// What is wrong if a policy that goes by that timeline is used here.
    ///
    /// # Errors
    ///
    /// If the limits around this go by another one.
    #[inline]
    pub fn check(policy: Timeline) -> Result<(), Self> {
        if ambient::agrees(policy) { Ok(()) } else { Err(Self { policy, deadline: ambient::timeline() }) }
    }
}

impl fmt::Display for ClocksDiffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { policy, deadline } = self;
        write!(
            f,
            "it goes by {policy}, but a timeout or a deadline around it goes by {deadline}; build both with the same `.clock(..)`"
        )
    }
}

impl error::Error for ClocksDiffer {}

// By hand: deadlines compare by their instants. Those of two clocks do not meet.
impl PartialEq for Deadline {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Deadline {}

impl PartialOrd for Deadline {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Deadline {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

impl Hash for Deadline {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.at.hash(state);
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deadline").field(&self.at).finish()
    }
}
