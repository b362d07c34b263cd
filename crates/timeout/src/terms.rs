use std::{sync::Arc, task::Poll, time::Duration};

use seawall_core::{
    Name, TimedOut,
    deadline::{self, Known},
    observe::Outbox,
    time::{Instant, Timer},
};

use crate::{Event, EventKind, Timeout, Watch};

/// What one call needs of its timeout.
#[derive(Debug)]
pub(crate) struct Terms<K, W> {
    pub(crate) clock: K,
    name: Name,
    outbox: Option<Arc<Outbox<Event>>>,
    watch: W,
    limit: Duration,
    /// Since when the time counts, and when it is over; once somebody wanted to know.
    known: Option<Known>,
}

impl<K: Timer + Clone, W: Watch> Terms<K, W> {
    /// What a call under `timeout` needs of it, if there is time for it to begin.
    ///
    /// # Errors
    ///
    /// The rejection of a call for which there is no time: `call` was not run.
    #[inline(always)]
    pub(crate) fn begin<F, L>(
        timeout: &Timeout<L, K>,
        limit: Duration,
        watch: W,
        call: impl FnOnce() -> F,
    ) -> Result<(F, Self), Self> {
        let deadline = deadline::known();
        let terms = |known| Self {
            clock: timeout.clock.clone(),
            name: timeout.name.clone(),
            outbox: timeout.outbox.clone(),
            watch,
            limit,
            known,
        };
        if limit.is_zero() || (deadline != Instant::MAX && timeout.clock.now() >= deadline) {
            return Err(terms(None));
        }
        let begun = W::WATCHES.then(|| deadline::cut(None, limit).leave_at(|| timeout.clock.now()));
        let cut = deadline::cut(begun.map(|known| known.at), limit);
        let call = call();
        let known = begun.or_else(|| cut.leave());
        Ok((call, terms(known)))
    }
}

impl<K: Timer, W: Watch> Terms<K, W> {
    /// What becomes of a call for which there was no time.
    #[cold]
    pub(crate) fn nothing_left(&self) -> TimedOut {
        let none = TimedOut::new(self.name.clone(), Duration::ZERO, Duration::ZERO);
        if self.limit.is_zero() { none } else { none.by_deadline() }
    }

    /// Polls the call, which can see its deadline. If it is found waiting, the time counts.
    #[inline(always)]
    pub(crate) fn poll<T>(&mut self, call: impl FnOnce() -> Poll<T>) -> Poll<T> {
        let cut = deadline::cut(self.known.map(|known| known.at), self.limit);
        let polled = call();
        if polled.is_pending() && self.known.is_none() {
            self.known = Some(cut.leave_at(|| self.clock.now()));
        }
        polled
    }

    /// When the time is over, of a call that was found waiting; and whether that is earlier than it was.
    #[inline]
    pub(crate) fn due(&mut self) -> (Instant, bool) {
        let known = self.known.as_mut().expect("whoever polls the call looks at the clock");
        // It may be polled inside of a deadline that was not around it before.
        let around = deadline::known();
        let is_earlier = around < known.at;
        known.at = known.at.min(around);
        (known.at, is_earlier)
    }

    /// The call has ended by itself.
    #[inline]
    pub(crate) fn ended(&self, is_success: bool) {
        // What fails is often fast, and says nothing of how long an answer takes.
        if W::WATCHES && is_success {
            let now = self.clock.now();
            self.watch.ended(self.elapsed(now), now);
        }
    }

    /// The time is over. To be told once the call was dropped.
    #[cold]
    pub(crate) fn time_out(&self, due: Instant) -> TimedOut {
        let now = self.clock.now();
        let elapsed = self.elapsed(now);
        let given = self.known.map_or(self.limit, |known| due.saturating_duration_since(known.asked));
        let timed_out = TimedOut::new(self.name.clone(), given, elapsed);
        if given < self.limit {
            return timed_out.by_deadline();
        }
        if W::WATCHES {
            self.watch.ended(elapsed, now);
        }
        timed_out
    }

    fn elapsed(&self, now: Instant) -> Duration {
        self.known.map_or(Duration::ZERO, |known| now.saturating_duration_since(known.asked))
    }

    #[cold]
    pub(crate) fn tell(&self, timed_out: TimedOut) {
        if let Some(outbox) = &self.outbox {
            outbox.tell_in_turn(Event::new(self.name.clone(), EventKind::TimedOut(timed_out)));
        }
    }
}
