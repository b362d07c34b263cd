//! What happens after an attempt: the course of one call that may be made again.

use std::{fmt, time::Duration};

use crate::{
    Backoff, Hint, Meaning,
    backoff::Steps,
    time::{Instant, saturating_nanos},
};

/// What a retry goes by. Plain `Copy` data, of which no value is wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryConfig {
    max_attempts: u32,
    listens: Listens,
    backoff: Backoff,
    max_retry_after: u64,
    max_elapsed: u64,
    min_useful: u64,
}

/// How a retry takes what callees and policies say, in 32 bits: two flags, and the longest wait for a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Listens(u32);

/// How far one call has come with its attempts.
#[derive(Debug, Clone, Copy)]
pub struct Attempts {
    number: u32,
    /// What the last attempt came to.
    last: Last,
    /// Whether an attempt has reached the callee.
    reached: bool,
    steps: Steps,
    began: Option<Instant>,
    /// When the current one began, counted from the first, in nanoseconds.
    elapsed: u64,
    previous: Option<Cause>,
}

/// What kind of end an attempt had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// An error or a response of the callee.
    Failed,
    /// A timeout that ran.
    TimedOut,
    /// A policy's rejection. The attempt has not reached the callee.
    Rejected,
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It failed, and the result says that of when to call again.
    Failed(Hint),
    /// A timeout of ours cut it off, which is a failure.
    TimedOut(Hint),
    /// A policy of ours refused it, and says when the same call passes, or does not know.
    Rejected(Option<Duration>),
}

impl Verdict {
    /// Returns the verdict on an attempt that came to a rejection with this meaning. `hint` is what the result says if the
    /// rejection is a failure.
    pub const fn on_rejection(meaning: Meaning, hint: Hint) -> Self {
        match meaning {
            // The attempt ran and took too long: a failure like others.
            Meaning::TimedOut | Meaning::CutOff => Self::TimedOut(hint),
            Meaning::Refused { retry_after } => Self::Rejected(retry_after),
            Meaning::NoTime => Self::Rejected(None),
        }
    }
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another attempt, not before that time.
    RetryAt(Instant),
    /// No other attempt.
    GiveUp(GaveUp),
}

/// Why a call was attempted again.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The last attempt failed.
    Failed,
    /// The last attempt failed, and the callee said when to come again.
    RetryAfter(Duration),
    /// A policy below refused the last attempt, and said when it lets the call pass.
    Rejected(Duration),
}

/// Why a failed call was not attempted again.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GaveUp {
    /// There were as many attempts as there may be.
    Attempts,
    /// The result said that the call should not be made again.
    Told,
    /// The callee asked for a longer wait than `max_retry_after`.
    RetryAfter,
    /// A policy below refused the call, and nobody knows when it lets it pass, or only after too long.
    Rejected,
    /// The next attempt would begin too late after the first.
    Elapsed,
    /// The deadline leaves no time for another attempt, or the wait for it has no end.
    Deadline,
    /// The budget for retries is spent.
    Budget,
    /// The request could not be sent a second time.
    NotRepeatable,
}

/// One attempt, as the callee may know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    number: u32,
    elapsed: Duration,
    previous: Option<Cause>,
}

/// The round of attempts in which a call is made.
pub trait Round: Copy {
    /// The attempt that is made now.
    fn attempt(&self) -> Attempt;

    /// Whether another one may follow it.
    fn may_follow(&self) -> bool;
}

/// One attempt, and no other: a call that nobody retries.
#[derive(Debug, Clone, Copy, Default)]
pub struct Single;

impl Round for Single {
    #[inline]
    fn attempt(&self) -> Attempt {
        Attempt::FIRST
    }

    #[inline]
    fn may_follow(&self) -> bool {
        false
    }
}

impl RetryConfig {
    /// The defaults: see each method.
    pub const fn new() -> Self {
        Self {
            max_attempts: 3,
            listens: Listens::NEW,
            backoff: Backoff::exponential(Duration::from_millis(100)).max(Duration::from_secs(10)),
            max_retry_after: 60_000_000_000,
            max_elapsed: u64::MAX,
            min_useful: 0,
        }
    }

    /// How many attempts there are at most, the first included; `u32::MAX` is no bound. Default: 3.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    #[must_use]
    pub fn max_attempts(self, max_attempts: u32) -> Self {
        assert!(max_attempts > 0, "`max_attempts` must be at least 1, got 0");
        Self { max_attempts, ..self }
    }

    /// How long to wait before each further attempt. Default: 100 ms and doubling, at most 10 s.
    #[must_use]
    pub fn backoff(self, backoff: impl Into<Backoff>) -> Self {
        Self { backoff: backoff.into(), ..self }
    }

    /// The longest wait that a callee can ask for. If the callee asks for more, the call ends with its answer. Default: 60 s.
    #[must_use]
    pub const fn max_retry_after(self, max: Duration) -> Self {
        Self { max_retry_after: saturating_nanos(max), ..self }
    }

    /// If the callee asks for a longer wait than [`max_retry_after`](Self::max_retry_after), waits for `max_retry_after` and
    /// tries again, against the callee's wish. Default: the call ends.
    #[must_use]
    pub const fn clamp_retry_after(self) -> Self {
        Self { listens: self.listens.with_clamp(), ..self }
    }

    /// Whether the rejection of an attempt by a policy decides about the next attempt: the retry waits for as long as the
    /// rejection says, and ends the call if the rejection does not say, or says more than
    /// [`max_rejection_wait`](Self::max_rejection_wait). If not, a rejection is a failure like others. Default: yes.
    #[must_use]
    pub const fn heed_rejections(self, heed: bool) -> Self {
        Self { listens: self.listens.with_heed(heed), ..self }
    }

    /// The longest rejection that the retry waits out, in whole milliseconds. A longer one ends the call. 12 days and more are
    /// no bound. Default: 1 s.
    #[must_use]
    pub const fn max_rejection_wait(self, max: Duration) -> Self {
        Self { listens: self.listens.with_wait(max), ..self }
    }

    /// How long after the first attempt began another one may begin. Default: no bound.
    #[must_use]
    pub const fn max_elapsed(self, max: Duration) -> Self {
        Self { max_elapsed: saturating_nanos(max), ..self }
    }

    /// How much time the deadline has to leave for an attempt that is worth beginning. Default: any.
    #[must_use]
    pub const fn min_useful(self, min: Duration) -> Self {
        Self { min_useful: saturating_nanos(min), ..self }
    }

    /// How many attempts there are at most.
    pub const fn attempts(&self) -> u32 {
        self.max_attempts
    }

    /// Whether the attempt of that number is the last.
    #[inline]
    pub const fn is_last(&self, number: u32) -> bool {
        number >= self.max_attempts && self.max_attempts != u32::MAX
    }

    const fn waits_out(&self, rejection: Duration) -> bool {
        saturating_nanos(rejection) <= self.listens.max_wait()
    }

    /// Whether the rejection of an attempt decides about the next attempt.
    pub const fn heeds_rejections(&self) -> bool {
        self.listens.heeds()
    }

    /// The longest rejection that the retry waits out; `None` if there is no bound.
    pub const fn rejection_wait(&self) -> Option<Duration> {
        match self.listens.max_wait() {
            u64::MAX => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    /// How much of a callee's wish is kept to; `None` if the wish is too long.
    fn heeds(&self, wish: Duration) -> Option<Duration> {
        let nanos = saturating_nanos(wish);
        let is_heeded = nanos <= self.max_retry_after || self.listens.clamps();
        is_heeded.then(|| Duration::from_nanos(nanos.min(self.max_retry_after)))
    }

    /// Whether it matters when the first attempt began.
    #[inline]
    pub const fn needs_beginning(&self) -> bool {
        self.max_elapsed != u64::MAX
    }
}

impl Listens {
    const NEW: Self = Self(1_000);

    const fn with_heed(self, heed: bool) -> Self {
        if heed { Self(self.0 & !Self::IGNORES) } else { Self(self.0 | Self::IGNORES) }
    }

    const fn with_clamp(self) -> Self {
        Self(self.0 | Self::CLAMPS)
    }

    const fn with_wait(self, max: Duration) -> Self {
        let millis = max.as_millis();
        let millis = if millis < Self::WAIT as u128 { millis as u32 } else { Self::WAIT };
        Self(self.0 & !Self::WAIT | millis)
    }

    const fn clamps(self) -> bool {
        self.0 & Self::CLAMPS != 0
    }

    const fn heeds(self) -> bool {
        self.0 & Self::IGNORES == 0
    }

    /// In nanoseconds.
    const fn max_wait(self) -> u64 {
        match self.0 & Self::WAIT {
            Self::WAIT => u64::MAX,
            millis => millis as u64 * 1_000_000,
        }
    }

    /// A wish that is too long is clamped.
    const CLAMPS: u32 = 1 << 31;

    /// A rejection is a failure like others.
    const IGNORES: u32 = 1 << 30;

    /// The bits of the longest wait, in milliseconds. All of them set is no bound.
    const WAIT: u32 = Self::IGNORES - 1;
}

impl Attempts {
    /// The first attempt, which began then, where that matters to anyone.
    #[inline]
    pub const fn begin(began: Option<Instant>) -> Self {
        Self { number: 1, last: Last::Failed, reached: false, steps: Steps::NONE, began, elapsed: 0, previous: None }
    }

    /// The how many-th attempt this is, from 1.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// How long ago the first attempt began; zero where nobody looked.
    pub fn elapsed(&self, now: Instant) -> Duration {
        self.began.map_or(Duration::ZERO, |began| now.saturating_duration_since(began))
    }

    /// The attempt that is made now.
    #[inline]
    pub const fn attempt(&self) -> Attempt {
        Attempt { number: self.number, elapsed: Duration::from_nanos(self.elapsed), previous: self.previous }
    }

    /// Why the next attempt was scheduled; before that, why this one was made.
    pub const fn cause(&self) -> Option<Cause> {
        self.previous
    }

    /// Whether an attempt has reached the callee.
    #[inline]
    pub const fn has_reached(&self) -> bool {
        self.reached
    }

    /// Whether the last attempt ended with a result of the callee itself.
    pub const fn has_failed(&self) -> bool {
        matches!(self.last, Last::Failed)
    }

    /// Whether a policy rejected the last attempt before it reached the callee.
    pub const fn was_rejected(&self) -> bool {
        matches!(self.last, Last::Rejected)
    }

    /// The attempt has come to that. `random` is uniform over all of `u64`, and `deadline` may be [`Instant::MAX`].
    ///
    /// An answer of [`Next::RetryAt`] stands until [`begin_next`](Self::begin_next), and may be overruled.
    pub fn on_result(
        &mut self,
        config: &RetryConfig,
        verdict: Verdict,
        deadline: Instant,
        now: Instant,
        random: u64,
    ) -> Next {
        let (last, verdict) = match verdict {
            Verdict::Failed(_) => (Last::Failed, verdict),
            Verdict::TimedOut(hint) => (Last::TimedOut, Verdict::Failed(hint)),
            Verdict::Rejected(_) if !config.heeds_rejections() => (Last::Rejected, Verdict::Failed(Hint::None)),
            Verdict::Rejected(_) => (Last::Rejected, verdict),
        };
        self.last = last;
        self.reached |= last != Last::Rejected;
        if config.is_last(self.number) {
            return Next::GiveUp(GaveUp::Attempts);
        }
        let (cause, wait) = match verdict {
            Verdict::Failed(Hint::Never) => return Next::GiveUp(GaveUp::Told),
            Verdict::Failed(Hint::None) => (Cause::Failed, self.steps.next(&config.backoff, random)),
            Verdict::Failed(Hint::After(wish)) => match config.heeds(wish) {
                Some(least) => (Cause::RetryAfter(wish), self.steps.next_after(&config.backoff, least, random)),
                None => return Next::GiveUp(GaveUp::RetryAfter),
            },
            Verdict::Failed(Hint::Exactly(wish)) => match config.heeds(wish) {
                Some(wait) => {
                    // The callee has taken over the pace, so the backoff restarts (gRFC A6).
                    self.steps = Steps::NONE;
                    (Cause::Failed, wait)
                }
                None => return Next::GiveUp(GaveUp::RetryAfter),
            },
            // A policy of ours is exact: an earlier attempt would be rejected again.
            Verdict::Rejected(Some(wait)) if config.waits_out(wait) => {
                (Cause::Rejected(wait), self.steps.next_after(&config.backoff, wait, random))
            }
            Verdict::Rejected(_) | Verdict::TimedOut(_) => return Next::GiveUp(GaveUp::Rejected),
        };
        let at = now + wait;
        // `Instant::MAX` is never: a wait without end is no wait.
        let is_late = deadline != Instant::MAX && at + Duration::from_nanos(config.min_useful) >= deadline;
        if is_late || at == Instant::MAX {
            return Next::GiveUp(GaveUp::Deadline);
        }
        if self
            .began
            .is_some_and(|began| at.saturating_duration_since(began) > Duration::from_nanos(config.max_elapsed))
        {
            return Next::GiveUp(GaveUp::Elapsed);
        }
        self.previous = Some(cause);
        Next::RetryAt(at)
    }

    /// The next attempt begins.
    pub fn begin_next(&mut self, now: Instant) {
        self.number = self.number.saturating_add(1);
        self.last = Last::Failed;
        self.elapsed = saturating_nanos(self.elapsed(now));
    }
}

impl Attempt {
    /// The first.
    pub const FIRST: Self = Self { number: 1, elapsed: Duration::ZERO, previous: None };

    /// The how many-th attempt it is, from 1.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// How long ago the first attempt began.
    pub const fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Why it is not the first: what the last one came to.
    pub const fn previous(&self) -> Option<Cause> {
        self.previous
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed => f.write_str("it failed"),
            Self::RetryAfter(wish) => write!(f, "it failed, and asked for {wish:?}"),
            Self::Rejected(wait) => write!(f, "it was refused, for {wait:?}"),
        }
    }
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attempts => "no attempts are left",
            Self::Told => "it asked not to be called again",
            Self::RetryAfter => "the callee asked for a longer wait than `max_retry_after`",
            Self::Rejected => "a policy refused it",
            Self::Elapsed => "it has taken too long",
            Self::Deadline => "the deadline leaves no time",
            Self::Budget => "the budget for retries is spent",
            Self::NotRepeatable => "it cannot be sent again",
        })
    }
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self::new()
    }
}
