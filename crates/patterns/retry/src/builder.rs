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

/// Builds a [`Retry`]; from [`Retry::builder`].
///
/// No wrong value can be given: a method that takes a number names the field, the value and the range when it panics.
/// So [`build`](Self::build) cannot fail.
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
    /// How many attempts there are at most, the first included; `u32::MAX` is no bound. Default: 3.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    pub fn max_attempts(self, max_attempts: u32) -> Self {
        Self { config: self.config.max_attempts(max_attempts), ..self }
    }

    /// How long to wait before each further attempt: a duration, or a [`Backoff`]. Default: 100 ms and doubling, at most
    /// 10 s, with full jitter. A constant delay has full jitter too, unless it says otherwise.
    pub fn backoff(self, backoff: impl Into<Backoff>) -> Self {
        Self { config: self.config.backoff(backoff), ..self }
    }

    /// What further attempts are paid from. Retries that are given clones of a budget share the budget. Default:
    /// `Budget::ratio(0.2)`, at most `50 + calls / 5 + seconds` retries in any stretch of time.
    pub fn budget(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }

    /// The longest wait that a callee can ask for. If the callee asks for more, the call ends with its answer. Default: 60 s.
    pub fn max_retry_after(self, max: Duration) -> Self {
        Self { config: self.config.max_retry_after(max), ..self }
    }

    /// If the callee asks for a longer wait than [`max_retry_after`](Self::max_retry_after), waits for `max_retry_after` and
    /// tries again, against the callee's wish. Default: the call ends.
    pub fn clamp_retry_after(self) -> Self {
        Self { config: self.config.clamp_retry_after(), ..self }
    }

    /// Whether the retry heeds the rejections of policies that are inside it, such as an open circuit. Default: yes.
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

    /// The longest rejection that the retry waits out. A longer one ends the call at once: an open circuit then fails fast.
    /// Zero waits for none. It counts in whole milliseconds; 12 days and more are no bound. Default: 1 s.
    pub fn max_rejection_wait(self, max: Duration) -> Self {
        Self { config: self.config.max_rejection_wait(max), ..self }
    }

    /// How long after the first attempt began another one may begin. Default: no bound. It costs a clock read a call.
    pub fn max_elapsed(self, max: Duration) -> Self {
        Self { config: self.config.max_elapsed(max), ..self }
    }

    /// How much time the [deadline](seawall_core::Deadline) has to leave for an attempt that is worth beginning. Default:
    /// any.
    pub fn min_useful(self, min: Duration) -> Self {
        Self { config: self.config.min_useful(min), ..self }
    }

    /// Tries again what `classify` calls a failure: any `Fn(&Result<T, E>) -> Outcome`, or a type of your own. Default:
    /// every `Err`.
    pub fn classify<C>(self, classify: C) -> Builder<ByOutcome<C>, H, K> {
        self.with(|_, hint| (ByOutcome(classify), hint))
    }

    /// Tries again where `repeat` says so: any `Fn(&Attempt, &Result<T, E>) -> bool`. In place of
    /// [`classify`](Self::classify).
    // The bound is not needed here, but tells the compiler what a closure's arguments are.
    pub fn retry_if<F, T, E>(self, repeat: F) -> Builder<RetryIf<F>, H, K>
    where
        F: Fn(&Attempt, &Result<T, E>) -> bool,
    {
        self.with(|_, hint| (RetryIf(repeat), hint))
    }

    /// What a failed result says of when to call again, and whether: any `Fn(&Attempt, &Result<T, E>) -> Hint`. Default:
    /// nothing.
    pub fn hint<F, T, E>(self, hint: F) -> Builder<D, HintBy<F>, K>
    where
        F: Fn(&Attempt, &Result<T, E>) -> Hint,
    {
        self.with(|repeat, _| (repeat, HintBy(hint)))
    }

    /// Heeds what errors say of when to call again, by [`RetryAfter`](seawall_core::RetryAfter).
    pub fn heed_errors(self) -> Builder<D, ErrorHint, K> {
        self.with(|repeat, _| (repeat, ErrorHint))
    }

    /// Tells `observer` of all that happens: each failed attempt that is followed by another, and the end of each call that
    /// did not succeed at once. A call that succeeds at once reads no clock for it.
    ///
    /// Events come one at a time, in the thread of one of the calls; no lock is held. A slow observer delays the call that
    /// reports, by its own event and at most 1 ms of others' events while more come;
    /// [`Observers`](seawall_core::observe::Observers) says what is lost then. If it panics, the panic ends with the event.
    pub fn on_event(self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event_from(Level::Debug, observer)
    }

    /// Same as [`on_event`](Self::on_event), for an observer that is told only of events from `least` on. All events of a
    /// retry are [`Level::Debug`].
    pub fn on_event_from(self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let told = NamedObservers::observed(self.told.as_deref(), &self.name, least, observer);
        Self { told: Some(told), ..self }
    }

    /// Where the jitter begins. Default: at random, in each thread.
    pub fn seed(self, seed: u64) -> Self {
        Self { chance: Chance::seeded(seed), ..self }
    }

    /// Where the time comes from, and the waiting. Default: tokio's, which obeys paused time; without the feature `tokio`
    /// the system's clock, by which only blocking calls can wait.
    pub fn clock<L>(self, clock: L) -> Builder<D, H, L> {
        let Self { name, config, budget, chance, repeat, hint, clock: _, told } = self;
        Builder { name, config, budget, chance, repeat, hint, clock, told }
    }

    /// The retry.
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
