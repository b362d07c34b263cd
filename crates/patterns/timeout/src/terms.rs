use std::{task::Poll, time::Duration};

use seawall_core::{
    Name, TimedOut,
    deadline::{self, ClocksDiffer, KnownDeadline},
    observe::{Level, Observers},
    time::{Clock, Instant, Timer, saturating_nanos},
};

use crate::{Event, EventKind, LatencySink};

/// The parts of a timeout that a call needs, borrowed.
#[derive(Debug)]
pub struct TimeoutRef<'a, K> {
    pub(crate) clock: &'a K,
    pub(crate) name: &'a Name,
    pub(crate) outbox: Option<&'a Observers<EventKind>>,
}

/// The time of one call.
#[derive(Debug)]
pub(crate) struct ScopedLimit<W> {
    watch: W,
    /// In nanoseconds, which need half the memory of a [`Duration`].
    limit: u64,
    /// The beginning and the end of the time, after code has asked for them.
    known: Option<KnownDeadline>,
}

impl<W: LatencySink> ScopedLimit<W> {
    /// Returns the time of a call, if there is time to begin.
    ///
    /// # Errors
    ///
    /// The time of a call for which there is none. `call` was not run.
    #[inline(always)]
    pub(crate) fn begin<C, K: Timer>(
        terms: TimeoutRef<'_, K>,
        limit: Duration,
        watch: W,
        call: impl FnOnce() -> C,
    ) -> Result<(C, Self), Self> {
        terms.meet_deadline();
        let deadline = deadline::known();
        if limit.is_zero() || (deadline != Instant::MAX && terms.clock.now() >= deadline) {
            return Err(Self { watch, limit: saturating_nanos(limit), known: None });
        }
        let begun = W::WATCHES.then(|| deadline::cut(None, limit).leave_at(|| terms.clock.now()));
        let cut = deadline::cut(begun.map(|known| known.at), limit);
        let call = call();
        let known = begun.or_else(|| cut.leave());
        Ok((call, Self { watch, limit: saturating_nanos(limit), known }))
    }

    /// Returns the rejection of a call for which there was no time, and reports it.
    #[cold]
    pub(crate) fn nothing_left<K>(&self, terms: TimeoutRef<'_, K>) -> TimedOut {
        let none = TimedOut::new(terms.name.clone(), Duration::ZERO, Duration::ZERO).before_it_began();
        if self.limit == 0 { none } else { none.by_deadline() }
    }

    /// Returns the time that a service had to become ready, of which `waited` is over.
    pub(crate) fn unready(watch: W, limit: Duration, waited: KnownDeadline) -> Self {
        Self { watch, limit: saturating_nanos(limit), known: Some(waited) }
    }

    /// Returns the rejection of a call whose service was not ready in time, and reports it.
    pub(crate) fn not_ready<K>(&self, terms: TimeoutRef<'_, K>) -> TimedOut {
        let waited = self.known.map_or(Duration::ZERO, |known| known.at.saturating_duration_since(known.asked));
        TimedOut::new(terms.name.clone(), self.limit(), waited).before_ready()
    }

    /// Polls the call, which can see its deadline. The time begins if the call is pending.
    #[inline(always)]
    pub(crate) fn poll<T, K: Timer>(&mut self, terms: TimeoutRef<'_, K>, call: impl FnOnce() -> Poll<T>) -> Poll<T> {
        terms.meet_deadline();
        let cut = deadline::cut(self.known.map(|known| known.at), self.limit());
        let polled = call();
        if polled.is_pending() && self.known.is_none() {
            self.known = Some(cut.leave_at(|| terms.clock.now()));
        }
        polled
    }

    /// Returns the end of a pending call's time, and whether this is earlier than before.
    #[inline]
    pub(crate) fn due(&mut self) -> (Instant, bool) {
        let known = self.known.as_mut().expect("whoever polls the call looks at the clock");
        // The call may be polled inside a deadline that was not around it before.
        let around = deadline::known();
        let is_earlier = around < known.at;
        known.at = known.at.min(around);
        (known.at, is_earlier)
    }

    /// Records the end of a call that ended by itself.
    #[inline]
    pub(crate) fn ended<K: Timer>(&self, terms: TimeoutRef<'_, K>, is_success: bool) {
        // A failure is often fast, and says nothing about the latency of an answer.
        if W::WATCHES && is_success {
            let now = terms.clock.now();
            self.watch.ended(self.elapsed(now), now);
        }
    }

    /// Returns the timeout of a call whose time is over. The caller reports it after the call was dropped.
    #[cold]
    pub(crate) fn time_out<K: Timer>(&self, terms: TimeoutRef<'_, K>, due: Instant) -> TimedOut {
        let now = terms.clock.now();
        let elapsed = self.elapsed(now);
        let given = self.known.map_or(self.limit(), |known| due.saturating_duration_since(known.asked));
        let timed_out = TimedOut::new(terms.name.clone(), given, elapsed);
        if given < self.limit() {
            return timed_out.by_deadline();
        }
        if W::WATCHES {
            self.watch.ended(elapsed, now);
        }
        timed_out
    }

    /// Returns the same, if the time is over by the limit itself.
    #[cold]
    pub(crate) fn own_time_out<K: Timer>(&mut self, terms: TimeoutRef<'_, K>) -> Option<TimedOut> {
        self.known?;
        let (due, _) = self.due();
        let timed_out = (terms.clock.now() >= due).then(|| self.time_out(terms, due))?;
        (!timed_out.is_by_deadline()).then_some(timed_out)
    }

    #[inline]
    fn limit(&self) -> Duration {
        Duration::from_nanos(self.limit)
    }

    fn elapsed(&self, now: Instant) -> Duration {
        self.known.map_or(Duration::ZERO, |known| now.saturating_duration_since(known.asked))
    }
}

impl<K: Clock> TimeoutRef<'_, K> {
    /// Panics if the deadline around the call is of another clock, because the instants of two clocks cannot be compared.
    #[inline(always)]
    fn meet_deadline(self) {
        if !deadline::agrees(self.clock.timeline()) {
            self.clocks_differ();
        }
    }

    #[cold]
    fn clocks_differ(self) {
        if let Err(error) = ClocksDiffer::check(self.clock.timeline()) {
            panic!("timeout `{}` cannot be used here: {error}", self.name);
        }
    }

    #[cold]
    pub(crate) fn tell(self, timed_out: TimedOut) {
        if let Some(outbox) = self.outbox.filter(|outbox| outbox.wants(Level::Debug)) {
            outbox.tell_in_turn(Event::new(self.name.clone(), EventKind::TimedOut(timed_out)), self.clock);
        }
    }
}

// By hand: it is a bundle of references, whatever they refer to.
impl<K> Clone for TimeoutRef<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for TimeoutRef<'_, K> {}
