//! A point in time by which a call and all that it calls have to be done.

mod ambient;
mod scope;

use std::{fmt, time::Duration};

use ambient::Ambient;

pub use ambient::{Cut, Known, cut, known};
pub use scope::Scope;

use crate::{
    time::{Clock, DefaultClock, Instant},
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
/// method says otherwise; policies that are to keep to it need the same clock.
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(Instant);

impl Deadline {
    /// At that time. [`Instant::MAX`] is no deadline.
    pub const fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// So long from now. `Duration::MAX` is no deadline.
    pub fn after(time: Duration) -> Self {
        Self::after_by(time, &DefaultClock::default())
    }

    /// So long from what `clock` says is now.
    pub fn after_by(time: Duration, clock: &impl Clock) -> Self {
        Self(clock.now() + time)
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
    pub fn current() -> Option<Self> {
        Self::current_by(&DefaultClock::default())
    }

    /// As [`current`](Self::current), inside of policies that go by `clock`.
    ///
    /// It may have to ask it for the time: a timeout reckons its deadline when somebody wants to know.
    pub fn current_by(clock: &impl Clock) -> Option<Self> {
        let at = Ambient::resolve(|| clock.now());
        (at != Instant::MAX).then_some(Self(at))
    }

    /// Makes it hold for `future`.
    pub const fn scope<F>(self, future: F) -> Scope<F> {
        Scope::new(self.0, future)
    }

    /// Makes it hold while `f` runs.
    pub fn scope_blocking<T>(self, f: impl FnOnce() -> T) -> T {
        let _cut = Cut::at(self.0);
        f()
    }

    /// When it is.
    pub const fn instant(self) -> Instant {
        self.0
    }

    /// How much time is left; zero if it has passed.
    pub fn remaining(self) -> Duration {
        self.remaining_by(&DefaultClock::default())
    }

    /// How much time is left by `clock`.
    pub fn remaining_by(self, clock: &impl Clock) -> Duration {
        self.0.saturating_duration_since(clock.now())
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deadline").field(&self.0).finish()
    }
}
