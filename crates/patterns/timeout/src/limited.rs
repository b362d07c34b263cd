use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use seawall_core::{
    Rejection,
    deadline::KnownDeadline,
    time::{Instant, Timer},
};

use crate::{
    LatencySink,
    terms::{ScopedLimit, TimeoutRef},
};

pin_project! {
    /// The state of a limited call, without the timeout: the caller passes the timeout to each poll.
    pub struct TimeoutCall<C, S, W> {
        #[pin]
        state: State<C>,
        // Made when the call is pending for the first time.
        #[pin]
        sleep: Option<S>,
        span: ScopedLimit<W>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<C> {
        // The call is polled, then the timer.
        Running { #[pin] call: C },
        // Nothing is polled. The first poll returns the rejection.
        Refused,
        // The same, for a call whose service was not ready in time.
        Unready,
        // The time was over, and the error was returned.
        Ended,
    }
}

impl<C, S, W: LatencySink> TimeoutCall<C, S, W> {
    /// Begins the call, if there is time.
    #[inline(always)]
    pub fn begin<K: Timer>(terms: TimeoutRef<'_, K>, limit: Duration, watch: W, call: impl FnOnce() -> C) -> Self {
        match ScopedLimit::begin(terms, limit, watch, call) {
            Ok((call, span)) => Self { state: State::Running { call }, sleep: None, span },
            Err(span) => {
                terms.tell(span.nothing_left(terms));
                Self { state: State::Refused, sleep: None, span }
            }
        }
    }

    /// Returns a call that does not begin, because its service was not ready within `limit`.
    pub(crate) fn unready<K: Timer>(
        terms: TimeoutRef<'_, K>,
        watch: W,
        limit: Duration,
        waited: KnownDeadline,
    ) -> Self {
        let span = ScopedLimit::unready(watch, limit, waited);
        terms.tell(span.not_ready(terms));
        Self { state: State::Unready, sleep: None, span }
    }

    /// Polls the call. If the call has no result, the caller must ask [`poll_over`](Self::poll_over).
    #[inline(always)]
    pub fn poll_call<T, K: Timer>(
        self: Pin<&mut Self>,
        terms: TimeoutRef<'_, K>,
        poll: impl FnOnce(Pin<&mut C>) -> Poll<T>,
        is_success: impl FnOnce(&T) -> bool,
    ) -> Poll<T> {
        let this = self.project();
        let StateProj::Running { call } = this.state.project() else { return Poll::Pending };
        let polled = this.span.poll(terms, || poll(call));
        if let Poll::Ready(result) = &polled {
            this.span.ended(terms, is_success(result));
        }
        polled
    }

    /// Checks whether the time of a pending call is over, and ends the call if it is. `abandon` runs before the call is dropped.
    ///
    /// # Panics
    ///
    /// If it is polled again after its end.
    // Out of line, because its frame would burden the calls that have a result.
    #[inline(never)]
    pub fn poll_over<K: Timer<Sleep = S>>(
        self: Pin<&mut Self>,
        terms: TimeoutRef<'_, K>,
        cx: &mut Context<'_>,
        abandon: impl FnOnce(Pin<&mut C>),
    ) -> Poll<Rejection> {
        let mut this = self.project();
        let rejection = match this.state.as_mut().project() {
            StateProj::Running { call } => {
                let (due, is_earlier) = this.span.due();
                if is_earlier {
                    this.sleep.set(None);
                }
                if !is_over(due, terms.clock, this.sleep.as_mut(), cx) {
                    return Poll::Pending;
                }
                let timed_out = this.span.time_out(terms, due);
                // The inner call is dropped here, before the timeout is reported.
                abandon(call);
                this.state.set(State::Ended);
                this.sleep.set(None);
                terms.tell(timed_out.clone());
                timed_out.into()
            }
            StateProj::Refused => this.span.nothing_left(terms).into(),
            StateProj::Unready => this.span.not_ready(terms).into(),
            StateProj::Ended => panic!("a call was polled after it had ended"),
        };
        this.state.set(State::Ended);
        Poll::Ready(rejection)
    }

    /// Returns this timeout's rejection, if an inner policy ended the call by a deadline, and the deadline was this timeout's own
    /// limit.
    #[cold]
    pub fn own_rejection<K: Timer>(self: Pin<&mut Self>, terms: TimeoutRef<'_, K>) -> Option<Rejection> {
        let timed_out = self.project().span.own_time_out(terms)?;
        terms.tell(timed_out.clone());
        Some(timed_out.into())
    }
}

impl<C, S, W> TimeoutCall<C, S, W> {
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    /// Returns the inner call, while it runs.
    pub fn call(self: Pin<&mut Self>) -> Option<Pin<&mut C>> {
        match self.project().state.project() {
            StateProj::Running { call } => Some(call),
            _ => None,
        }
    }
}

/// Returns whether the time is over. If not, the task is woken when it is.
fn is_over<K: Timer>(due: Instant, clock: &K, mut sleep: Pin<&mut Option<K::Sleep>>, cx: &mut Context<'_>) -> bool {
    if due == Instant::MAX {
        return false;
    }
    let is_new = sleep.is_none();
    if is_new {
        sleep.set(Some(clock.sleep_until(due)));
    }
    let timer = sleep.as_pin_mut().expect("it was just made");
    // A call can use up the budget that tokio grants a task in a poll, in each poll, so that its timer never ends. So the clock is
    // read too, if the call was polled before.
    timer.poll(cx).is_ready() || (!is_new && clock.now() >= due)
}

// By hand: derive would ask `Debug` of the user's future.
impl<C, S, W> fmt::Debug for TimeoutCall<C, S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutCall").field("running", &self.is_running()).finish_non_exhaustive()
    }
}
