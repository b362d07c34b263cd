use std::{fmt, future::Future, sync::Arc, thread, time::Duration};

use seawall_core::{
    AsRejection, Budget, Chance, Mark, Name,
    attempts::{Attempt, RetryConfig},
    observe::Level,
    time::{Clock, DefaultClock, Timer},
};

use crate::{
    Builder, Decide, Event, Operation, Plan, RetryLayer, Visibility,
    course::RetryState,
    decide::judge_attempt,
    event::NamedObservers,
    future::{CallFuture, CallWithFuture, ExecuteFuture, ExecuteWithFuture, ResponseFuture, drive},
    operation::{Numbered, RunEach},
};

/// A retry: makes a failed call again after a wait, a few times, and within a budget.
///
/// Clones, layers made from the retry and the services of these layers share its budget and its observers. The rest is plain data.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use std::{cell::Cell, io};
/// use seawall_retry::Retry;
///
/// let retry = Retry::new("inventory");
/// let attempts = Cell::new(0);
/// let flaky = || async {
///     attempts.set(attempts.get() + 1);
///     if attempts.get() < 3 { Err(io::Error::other("busy")) } else { Ok(7) }
/// };
/// assert_eq!(retry.execute(flaky).await.unwrap(), 7);
/// # }
/// ```
#[derive(Clone)]
pub struct Retry<P = Plan, K = DefaultClock> {
    pub(crate) name: Name,
    pub(crate) config: RetryConfig,
    pub(crate) budget: Budget,
    pub(crate) chance: Chance,
    pub(crate) plan: P,
    pub(crate) clock: K,
    pub(crate) told: Option<Arc<NamedObservers>>,
}

impl Retry {
    /// Creates a retry of three attempts, 100 ms and 200 ms apart, with full jitter.
    ///
    /// The default [`Budget`] allows at most `50 + calls / 5 + seconds` retries in any stretch of time.
    pub fn new(name: impl Into<Name>) -> Self {
        Self::builder(name).build()
    }

    /// Returns a builder with the default settings. The name, a literal or a `String`, is for people: events carry it.
    pub fn builder(name: impl Into<Name>) -> Builder {
        Builder::new(name.into())
    }
}

impl<P, K> Retry<P, K> {
    /// Makes a call, and makes it again if it fails. `f` runs for each attempt, and at once for the first attempt.
    ///
    /// The error may have any type. The retry recognizes the rejection of a policy that `f` calls, and heeds it as
    /// [`heed_rejections`](crate::Builder::heed_rejections) says.
    ///
    /// # Errors
    ///
    /// The error of the last attempt, unchanged; or the callee's last error, if a policy rejected the last attempt.
    ///
    /// # Panics
    ///
    /// If `f`, its future, or your function that judges results panics.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the attempt in flight. If the call waits for its next attempt, the budget gets back the price of
    /// this attempt.
    #[inline]
    pub fn execute<O, F, T, E>(&self, f: O) -> ExecuteFuture<'_, O, P, K>
    where
        O: FnMut() -> F,
        F: Future<Output = Result<T, E>>,
        P: Decide<T, E>,
        K: Timer,
    {
        self.start(RunEach(f))
    }

    /// Same as [`execute`](Self::execute), for an error that can show a policy's rejection itself. Choose it if the policy that
    /// rejects runs in another task or thread, where `execute` does not recognize the rejection.
    ///
    /// # Errors
    ///
    /// The error of the last attempt, unchanged; or the callee's last error, if a policy rejected the last attempt.
    ///
    /// # Panics
    ///
    /// Same as [`execute`](Self::execute).
    ///
    /// # Cancel safety
    ///
    /// Same as [`execute`](Self::execute).
    #[inline]
    pub fn call<O, F, T, E>(&self, f: O) -> CallFuture<'_, O, P, K>
    where
        O: FnMut() -> F,
        F: Future<Output = Result<T, E>>,
        E: AsRejection,
        P: Decide<T, E>,
        K: Timer,
    {
        self.start(RunEach(f))
    }

    /// Same as [`execute`](Self::execute), but `f` gets the attempt: its number, its time and its cause. It costs a clock read per call.
    ///
    /// # Errors
    ///
    /// The error of the last attempt, unchanged; or the callee's last error, if a policy rejected the last attempt.
    ///
    /// # Panics
    ///
    /// Same as [`execute`](Self::execute).
    ///
    /// # Cancel safety
    ///
    /// Same as [`execute`](Self::execute).
    #[inline]
    pub fn execute_with<O, F, T, E>(&self, f: O) -> ExecuteWithFuture<'_, O, P, K>
    where
        O: FnMut(Attempt) -> F,
        F: Future<Output = Result<T, E>>,
        P: Decide<T, E>,
        K: Timer,
    {
        self.start(Numbered(f))
    }

    /// Same as [`call`](Self::call), but `f` gets the attempt: its number, its time and its cause. It costs a clock read per call.
    ///
    /// # Errors
    ///
    /// The error of the last attempt, unchanged; or the callee's last error, if a policy rejected the last attempt.
    ///
    /// # Panics
    ///
    /// Same as [`execute`](Self::execute).
    ///
    /// # Cancel safety
    ///
    /// Same as [`execute`](Self::execute).
    #[inline]
    pub fn call_with<O, F, T, E>(&self, f: O) -> CallWithFuture<'_, O, P, K>
    where
        O: FnMut(Attempt) -> F,
        F: Future<Output = Result<T, E>>,
        E: AsRejection,
        P: Decide<T, E>,
        K: Timer,
    {
        self.start(Numbered(f))
    }

    /// Makes a call that blocks. The thread sleeps between the attempts.
    ///
    /// The sleep follows the system's time. With a clock that stands still, such as tokio's paused clock, the thread sleeps without
    /// end.
    ///
    /// # Errors
    ///
    /// The error of the last attempt, unchanged; or the callee's last error, if a policy rejected the last attempt.
    ///
    /// # Panics
    ///
    /// If `f` or your function that judges results panics.
    pub fn execute_blocking<T, E>(&self, mut f: impl FnMut() -> Result<T, E>) -> Result<T, E>
    where
        P: Decide<T, E>,
        K: Clock,
    {
        let (mut course, mut kept) = (RetryState::begin(self.parts(), P::NEEDS_TIME), None);
        loop {
            let (scope, mark) = (course.scope(), Mark::here());
            let result = f();
            drop(scope);
            let verdict =
                |attempt: &Attempt, plan: &P| judge_attempt(plan, attempt, &result, |error| mark.meaning(error));
            let Some(scheduled) = course.next(self.parts(), verdict, || None) else {
                return course.last_error(result.as_ref().err(), &mut kept, mark).map_or(result, Err);
            };
            course.put_aside(result, &mut kept, Result::err, self.parts().purse);
            let mut now = scheduled.since;
            while now < scheduled.at {
                thread::sleep(scheduled.at.saturating_duration_since(now));
                now = self.clock.now();
            }
            course.begin_next(now);
        }
    }

    #[inline(always)]
    fn start<O, V>(&self, mut operation: O) -> ResponseFuture<O, &Self, V>
    where
        O: Operation,
        P: Decide<O::Output, O::Error>,
        V: Visibility<O::Error>,
        K: Timer,
    {
        let begin = |attempt: Attempt| {
            let call = operation.attempt(attempt, || self.parts().may_follow(attempt.number()));
            (operation, call)
        };
        drive(self.parts(), || self, begin)
    }

    /// Returns a tower layer that retries the calls of services.
    pub fn layer(&self) -> RetryLayer<P, K>
    where
        Self: Clone,
    {
        RetryLayer::new(self.clone())
    }

    /// Returns the clock.
    pub fn clock(&self) -> &K {
        &self.clock
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the largest number of attempts, the first one included. `u32::MAX` is no bound.
    pub fn max_attempts(&self) -> u32 {
        self.config.attempts()
    }

    /// Returns whether the retry heeds the rejections of policies inside it.
    pub fn heeds_rejections(&self) -> bool {
        self.config.heeds_rejections()
    }

    /// Returns the longest rejection that the retry waits out; `None` if there is no bound.
    pub fn max_rejection_wait(&self) -> Option<Duration> {
        self.config.rejection_wait()
    }

    /// Returns this retry with a further observer, as by [`Builder::on_event`]. It still shares its budget with its clones.
    ///
    /// Earlier clones and layers stay as they are, and `observer` gets no events of their calls. An observer of both retries can
    /// get an event of each at the same time.
    #[must_use = "it is this one that is observed, and no clone made before"]
    pub fn observed(self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observed_from(Level::Debug, observer)
    }

    /// Same as [`observed`](Self::observed), for an observer that gets only events from the level `least` on.
    #[must_use = "it is this one that is observed, and no clone made before"]
    pub fn observed_from(self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let told = NamedObservers::observed(self.told.as_deref(), &self.name, least, observer);
        Self { told: Some(told), ..self }
    }

    /// Returns the number of events that were lost because they came faster than the observers could take them.
    pub fn events_lost(&self) -> u64 {
        self.told.as_ref().map_or(0, |told| told.outbox.lost())
    }

    /// Returns the budget that pays for further attempts.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }
}

impl<P, K> fmt::Debug for Retry<P, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("name", &self.name())
            .field("config", &self.config)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
