use std::{sync::Arc, time::Duration};

use seawall_core::{
    Name, Rejection, TimedOut,
    deadline::{self, Cut, Known},
    observe::Outbox,
    time::{Instant, Timer},
};

use crate::{Event, EventKind, Watch};

/// What one call needs of its timeout.
#[derive(Debug)]
pub(crate) struct Terms<K, W> {
    pub(crate) name: Name,
    pub(crate) clock: K,
    pub(crate) outbox: Option<Arc<Outbox<Event>>>,
    pub(crate) watch: W,
    pub(crate) limit: Duration,
    /// Since when the time counts, and when it is over; once somebody wanted to know.
    pub(crate) known: Option<Known>,
}

impl<K: Timer, W: Watch> Terms<K, W> {
    /// Begins a call, unless there is no time for it.
    #[inline]
    pub(crate) fn begin<F>(&mut self, call: impl FnOnce() -> F) -> Result<F, Rejection> {
        if self.limit.is_zero() {
            return Err(self.refuse(TimedOut::new(self.name.clone(), Duration::ZERO, Duration::ZERO)));
        }
        let deadline = deadline::known();
        if deadline != Instant::MAX && self.clock.now() >= deadline {
            let none = TimedOut::new(self.name.clone(), Duration::ZERO, Duration::ZERO);
            return Err(self.refuse(none.by_deadline()));
        }
        let cut = self.cut();
        if W::WATCHES {
            self.ask(cut);
            Ok(self.run(call))
        } else {
            let begun = call();
            self.known = cut.leave();
            Ok(begun)
        }
    }

    /// Runs a part of the call, which can see its deadline.
    #[inline]
    pub(crate) fn run<T>(&mut self, part: impl FnOnce() -> T) -> T {
        let cut = self.cut();
        let output = part();
        if self.known.is_none() {
            self.known = cut.leave();
        }
        output
    }

    #[inline]
    fn cut(&self) -> Cut {
        deadline::cut(self.known.map(|known| known.at), self.limit)
    }

    fn ask(&mut self, cut: Cut) -> Known {
        let clock = &self.clock;
        *self.known.insert(cut.leave_at(|| clock.now()))
    }

    /// When the time is over.
    pub(crate) fn due(&mut self) -> Instant {
        match self.known {
            Some(known) => known.at,
            None => self.ask(self.cut()).at,
        }
    }

    /// The call has ended by itself.
    #[inline]
    pub(crate) fn ended(&self) {
        if W::WATCHES {
            let now = self.clock.now();
            self.watch.ended(self.elapsed(now), now);
        }
    }

    /// The time is over.
    #[cold]
    pub(crate) fn time_out(&self, due: Instant) -> Rejection {
        let now = self.clock.now();
        let elapsed = self.elapsed(now);
        if W::WATCHES {
            self.watch.ended(elapsed, now);
        }
        let given = self.known.map_or(self.limit, |known| due.saturating_duration_since(known.asked));
        let timed_out = TimedOut::new(self.name.clone(), given, elapsed);
        self.refuse(if given < self.limit { timed_out.by_deadline() } else { timed_out })
    }

    fn elapsed(&self, now: Instant) -> Duration {
        self.known.map_or(Duration::ZERO, |known| now.saturating_duration_since(known.asked))
    }

    fn refuse(&self, timed_out: TimedOut) -> Rejection {
        if let Some(outbox) = &self.outbox {
            outbox.tell_in_turn(Event::new(self.name.clone(), EventKind::TimedOut(timed_out.clone())));
        }
        timed_out.into()
    }
}
