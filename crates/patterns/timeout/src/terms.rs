use std::{task::Poll, time::Duration};

use seawall_core::{
    Name, TimedOut,
    deadline::{self, ClocksDiffer, KnownDeadline},
    observe::{Level, Observers},
    time::{Clock, Instant, Timer, saturating_nanos},
};

use crate::{Event, EventKind, LatencySink};

/// What all calls under one timeout go by.
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
    /// In nanoseconds, as that is half of a [`Duration`].
    limit: u64,
    /// Since when the time counts, and when it is over; once somebody wanted to know.
    known: Option<KnownDeadline>,
}

impl<W: LatencySink> ScopedLimit<W> {
    /// The time of a call, if there is any for it to begin.
    ///
    /// # Errors
    ///
    /// That of a call for which there is none: `call` was not run.
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

    /// What becomes of a call for which there was no time.
    #[cold]
    pub(crate) fn nothing_left<K>(&self, terms: TimeoutRef<'_, K>) -> TimedOut {
        let none = TimedOut::new(terms.name.clone(), Duration::ZERO, Duration::ZERO).before_it_began();
        if self.limit == 0 { none } else { none.by_deadline() }
    }

    /// The time that a service had to become ready, of which `waited` is over.
    pub(crate) fn unready(watch: W, limit: Duration, waited: KnownDeadline) -> Self {
        Self { watch, limit: saturating_nanos(limit), known: Some(waited) }
    }

    /// What becomes of a call whose service was not ready in time.
    pub(crate) fn not_ready<K>(&self, terms: TimeoutRef<'_, K>) -> TimedOut {
        let waited = self.known.map_or(Duration::ZERO, |known| known.at.saturating_duration_since(known.asked));
        TimedOut::new(terms.name.clone(), self.limit(), waited).before_ready()
    }

    /// Polls the call, which can see its deadline. If it is found waiting, the time counts.
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
    pub(crate) fn ended<K: Timer>(&self, terms: TimeoutRef<'_, K>, is_success: bool) {
        // What fails is often fast, and says nothing of how long an answer takes.
        if W::WATCHES && is_success {
            let now = terms.clock.now();
            self.watch.ended(self.elapsed(now), now);
        }
    }

    /// The time is over. To be told once the call was dropped.
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

    /// The same, if it is over, and by the limit itself.
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
    /// Panics if the deadline around the call is of another clock: to compare the two ends calls at once, or never.
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
