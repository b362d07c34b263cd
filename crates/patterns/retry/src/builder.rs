use std::{fmt, sync::Arc, time::Duration};

use seawall_core::{
    Backoff, Budget, Chance, Hint, Name,
    attempts::{Attempt, RetryConfig},
    observe::Level,
    time::{Clock, DefaultClock},
};

use crate::{
    Event, Retry,
    decide::{ByOutcome, ErrorHint, HintBy, NoHint, Plan, RetryIf},
    event::NamedObservers,
};

/// A builder of a [`Retry`]. [`Retry::builder`] makes it.
///
/// A method panics if its number is out of range, and names the field, the value and the range. So [`build`](Self::build) cannot
/// fail.
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder<D = ByOutcome, H = NoHint, K = DefaultClock> {
    name: Name,
    config: RetryConfig,
    budget: Budget,
    chance: Chance,
    repeat: D,
    hint: H,
    clock: K,
    told: Option<Arc<NamedObservers>>,
}

impl Builder {
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            config: RetryConfig::new(),
            budget: Budget::default(),
            chance: Chance::new(),
            repeat: ByOutcome::default(),
            hint: NoHint,
            clock: DefaultClock::default(),
            told: None,
        }
    }
}

impl<D, H, K> Builder<D, H, K> {
    /// Sets the largest number of attempts, the first one included. `u32::MAX` is no bound. Default: 3.
    ///
    /// # Panics
    ///
    /// If the number is 0.
    #[track_caller]
    pub fn max_attempts(self, max_attempts: u32) -> Self {
        Self { config: self.config.max_attempts(max_attempts), ..self }
    }

    /// Sets the wait before each further attempt: a duration, or a [`Backoff`]. Default: 100 ms and doubling, at most 10 s, with
    /// full jitter.
    ///
    /// A constant delay has full jitter too. [`Backoff::jitter`] replaces it.
    pub fn backoff(self, backoff: impl Into<Backoff>) -> Self {
        Self { config: self.config.backoff(backoff), ..self }
    }

    /// Sets the budget that pays for further attempts. Default: `Budget::ratio(0.2)`, which allows at most
    /// `50 + calls / 5 + seconds` retries in any stretch of time.
    ///
    /// Retries that get clones of a budget share the budget.
    pub fn budget(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }

    /// Sets the longest wait that a callee can ask for, for example by `Retry-After`. Default: 60 s.
    ///
    /// If the callee asks for a longer wait, the call ends with the callee's answer.
    pub fn max_retry_after(self, max: Duration) -> Self {
        Self { config: self.config.max_retry_after(max), ..self }
    }

    /// Shortens a callee's wish to [`max_retry_after`](Self::max_retry_after): if the callee asks for a longer wait, the retry waits
    /// for `max_retry_after` and makes another attempt, against the callee's wish. Default: the call ends.
    pub fn clamp_retry_after(self) -> Self {
        Self { config: self.config.clamp_retry_after(), ..self }
    }

    /// Sets whether the retry heeds the rejections of policies inside it, such as an open circuit. Default: yes.
    ///
    /// If yes, a rejected attempt is made again after the time that the rejection says. The call ends at once if the rejection
    /// says no time, or a time longer than [`max_rejection_wait`](Self::max_rejection_wait); it then pays nothing. If no, a
    /// rejection is a failure like others: the next attempt follows after the backoff and pays from the budget.
    ///
    /// `execute`, `call`, blocking calls, layers and stacks do the same. With `execute` and a blocking call the error may have
    /// any type. The retry recognizes a rejection that a policy made in the last poll of the attempt, in the same thread.
    pub fn heed_rejections(self, heed: bool) -> Self {
        Self { config: self.config.heed_rejections(heed), ..self }
    }

    /// Sets the longest rejection that the retry waits out. Default: 1 s.
    ///
    /// A longer rejection ends the call at once, so an open circuit fails fast. Zero waits for no rejection. The setting counts in
    /// whole milliseconds; 12 days and more are no bound.
    pub fn max_rejection_wait(self, max: Duration) -> Self {
        Self { config: self.config.max_rejection_wait(max), ..self }
    }

    /// Sets how long after the beginning of the first attempt another attempt may begin. Default: no bound. It costs a clock read
    /// per call.
    pub fn max_elapsed(self, max: Duration) -> Self {
        Self { config: self.config.max_elapsed(max), ..self }
    }

    /// Sets the least time before the [deadline](seawall_core::Deadline) at which an attempt may begin. Default: zero.
    ///
    /// Use it if an attempt that has less time cannot succeed.
    pub fn min_useful(self, min: Duration) -> Self {
        Self { config: self.config.min_useful(min), ..self }
    }

    /// Retries the results that `classify` calls a failure: any `Fn(&Result<T, E>) -> Outcome`, or a type of your own. Default:
    /// each `Err`.
    pub fn classify<C>(self, classify: C) -> Builder<ByOutcome<C>, H, K> {
        self.with(|_, hint| (ByOutcome(classify), hint))
    }

    /// Retries the results for which `repeat` returns `true`: any `Fn(&Attempt, &Result<T, E>) -> bool`. It replaces
    /// [`classify`](Self::classify), and costs a clock read per call.
    // The bound tells the compiler the types of a closure's arguments.
    pub fn retry_if<F, T, E>(self, repeat: F) -> Builder<RetryIf<F>, H, K>
    where
        F: Fn(&Attempt, &Result<T, E>) -> bool,
    {
        self.with(|_, hint| (RetryIf(repeat), hint))
    }

    /// Reads from a failed result when to make the next attempt, and whether: any `Fn(&Attempt, &Result<T, E>) -> Hint`. Default:
    /// a result says nothing.
    pub fn hint<F, T, E>(self, hint: F) -> Builder<D, HintBy<F>, K>
    where
        F: Fn(&Attempt, &Result<T, E>) -> Hint,
    {
        self.with(|repeat, _| (repeat, HintBy(hint)))
    }

    /// Reads from an error when to make the next attempt, by [`RetryAfter`](seawall_core::RetryAfter).
    pub fn heed_errors(self) -> Builder<D, ErrorHint, K> {
        self.with(|repeat, _| (repeat, ErrorHint))
    }

    /// Reports to `observer` each failed attempt that is followed by another attempt, and the end of each call that did not succeed
    /// at once. A call that succeeds at once reads no clock for it.
    ///
    /// The observer gets a single event at a time, in the thread of one of the calls, and under no lock. A slow observer delays the
    /// call that reports: by its own event, and by at most 1 ms of other calls' events.
    /// [`Observers`](seawall_core::observe::Observers) says which events are then lost. A panic of the observer ends with the event.
    pub fn on_event(self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event_from(Level::Debug, observer)
    }

    /// Same as [`on_event`](Self::on_event), for an observer that is told only of events from `least` on. All events of a
    /// retry are [`Level::Debug`].
    pub fn on_event_from(self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let told = NamedObservers::observed(self.told.as_deref(), &self.name, least, observer);
        Self { told: Some(told), ..self }
    }

    /// Sets the seed of the jitter. Default: a random seed in each thread.
    pub fn seed(self, seed: u64) -> Self {
        Self { chance: Chance::seeded(seed), ..self }
    }

    /// Sets the clock and its timers. Default: tokio's clock, which obeys paused time. Without the feature `tokio` it is the system's
    /// clock, by which only blocking calls can wait.
    pub fn clock<L>(self, clock: L) -> Builder<D, H, L> {
        let Self { name, config, budget, chance, repeat, hint, clock: _, told } = self;
        Builder { name, config, budget, chance, repeat, hint, clock, told }
    }

    /// Builds the retry.
    pub fn build(self) -> Retry<Plan<D, H>, K>
    where
        K: Clock,
    {
        let Self { name, config, budget, chance, repeat, hint, clock, told } = self;
        Retry { name, config, budget, chance, plan: Plan { repeat, hint }, clock, told }
    }

    fn with<D2, H2>(self, change: impl FnOnce(D, H) -> (D2, H2)) -> Builder<D2, H2, K> {
        let Self { name, config, budget, chance, repeat, hint, clock, told } = self;
        let (repeat, hint) = change(repeat, hint);
        Builder { name, config, budget, chance, repeat, hint, clock, told }
    }
}

impl<D, H, K> fmt::Debug for Builder<D, H, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("config", &self.config)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
