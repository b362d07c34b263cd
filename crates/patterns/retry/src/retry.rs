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

/// Makes failed calls again: after a while, a few times, and not more than its budget allows.
///
/// Clones, layers made from it and the services of those layers share its budget and its observers; the rest is plain data.
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
    /// Three attempts, 100 ms and 200 ms apart with full jitter. The default [`Budget`] allows at most
    /// `50 + calls / 5 + seconds` retries in any stretch of time.
    pub fn new(name: impl Into<Name>) -> Self {
        Self::builder(name).build()
    }

    /// Begins to build a retry. The name, a literal or a `String`, is for people: events carry it.
    pub fn builder(name: impl Into<Name>) -> Builder {
        Builder::new(name.into())
    }
}

impl<P, K> Retry<P, K> {
    /// Makes a call, and makes it again if it fails: `f` is run for each attempt, for the first one at once.
    ///
    /// The error may have any type. The retry recognizes the rejection of a policy that `f` calls, and heeds it as
    /// [`heed_rejections`](crate::Builder::heed_rejections) says.
    ///
    /// # Errors
    ///
    /// That of the last attempt, as it is; or the callee's last error, if a policy rejected the last attempt.
    ///
    /// # Panics
    ///
    /// As `f`, its future or a function of yours that judges results does.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the attempt that is in flight is dropped. What the next one would have cost is given back if it was waiting
    /// for that.
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
    /// That of the last attempt, as it is; or the callee's last error, if a policy rejected the last attempt.
    ///
    /// # Panics
    ///
    /// As of [`execute`](Self::execute).
    ///
    /// # Cancel safety
    ///
    /// As of [`execute`](Self::execute).
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

    /// As [`execute`](Self::execute), where `f` is told which attempt it makes. It costs a clock read a call.
    ///
    /// # Errors
    ///
    /// That of the last attempt, as it is; or the callee's last error, if a policy rejected the last attempt.
    ///
    /// # Panics
    ///
    /// As of [`execute`](Self::execute).
    ///
    /// # Cancel safety
    ///
    /// As of [`execute`](Self::execute).
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

    /// As [`call`](Self::call), where `f` is told which attempt it makes. It costs a clock read a call.
    ///
    /// # Errors
    ///
    /// That of the last attempt, as it is; or the callee's last error, if a policy rejected the last attempt.
    ///
    /// # Panics
    ///
    /// As of [`execute`](Self::execute).
    ///
    /// # Cancel safety
    ///
    /// As of [`execute`](Self::execute).
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

    /// Makes a call that blocks, and sleeps in this thread between the attempts, by the system's time: a clock that stands
    /// still, as tokio's does when it is paused, keeps it asleep.
    ///
    /// # Errors
    ///
    /// That of the last attempt, as it is; or the callee's last error, if a policy rejected the last attempt.
    ///
    /// # Panics
    ///
    /// As `f` or a function of yours that judges results does.
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

    /// A tower layer that retries the calls of services by this retry.
    pub fn layer(&self) -> RetryLayer<P, K>
    where
        Self: Clone,
    {
        RetryLayer::new(self.clone())
    }

    /// Where its time comes from.
    pub fn clock(&self) -> &K {
        &self.clock
    }

    /// The name that it was built with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many attempts there are at most, the first included; `u32::MAX` is no bound.
    pub fn max_attempts(&self) -> u32 {
        self.config.attempts()
    }

    /// Whether the retry heeds the rejections of policies inside it.
    pub fn heeds_rejections(&self) -> bool {
        self.config.heeds_rejections()
    }

    /// Returns the longest rejection that the retry waits out; `None` if there is no bound.
    pub fn max_rejection_wait(&self) -> Option<Duration> {
        self.config.rejection_wait()
    }

    /// This retry, telling `observer` too, in the way of [`Builder::on_event`]. It shares its budget with its clones as before.
    ///
    /// Clones and layers that were made of it earlier stay as they are: `observer` is not told of their calls. Whoever observes
    /// both is told of the calls of each one at a time, but of the two side by side.
    #[must_use = "it is this one that is observed, and no clone made before"]
    pub fn observed(self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observed_from(Level::Debug, observer)
    }

    /// Same as [`observed`](Self::observed), for an observer that is told only of events from `least` on.
    #[must_use = "it is this one that is observed, and no clone made before"]
    pub fn observed_from(self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let told = NamedObservers::observed(self.told.as_deref(), &self.name, least, observer);
        Self { told: Some(told), ..self }
    }

    /// Events that were lost since this retry was observed first, because more came than its observers could be told of.
    pub fn events_lost(&self) -> u64 {
        self.told.as_ref().map_or(0, |told| told.outbox.lost())
    }

    /// What further attempts are paid from.
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
