use std::{task::Waker, time::Duration};

use seawall_core::{
    Held, Name, RateLimited, Rejection, ThisThread,
    observe::{Level, Observers},
    rate::{Denied, Limiter, Quota, Refusal},
    time::{Clock, Instant},
};
use seawall_policy::{Spent, Ticket, wake};

use crate::{Event, EventKind};

/// What all clones of a limiter share: the machine, and what it may not do itself: read the clock, wake, and tell.
#[derive(Debug)]
pub(crate) struct LimiterInner<K> {
    pub(crate) name: Name,
    pub(crate) limiter: Limiter<Waker>,
    pub(crate) max_wait: Option<Duration>,
    pub(crate) clock: K,
    pub(crate) outbox: Observers<EventKind>,
}

/// Leave that was had by waiting before the call, and that is given back if no call comes.
#[derive(Debug)]
pub struct Reservation<K: Clock> {
    /// Until it is spent.
    inner: Option<Held<LimiterInner<K>>>,
    cost: u32,
    /// When it was had.
    at: Instant,
}

impl<K: Clock> LimiterInner<K> {
    #[inline]
    pub(crate) fn try_enter(&self, cost: u32) -> Result<Instant, Refusal> {
        self.try_enter_at(cost, self.clock.now())
    }

    /// As of when it passed.
    #[inline]
    pub(crate) fn try_enter_at(&self, cost: u32, now: Instant) -> Result<Instant, Refusal> {
        match self.limiter.try_enter(cost, now) {
            Ok(()) => Ok(now),
            Err(denied) => self.resolve(denied, cost, now),
        }
    }

    /// What becomes of a call that was not let in at once.
    #[inline]
    pub(crate) fn resolve(&self, denied: Denied, cost: u32, now: Instant) -> Result<Instant, Refusal> {
        match denied {
            Denied::Queued => self.try_enter_behind(cost, now),
            denied => Err(self.limiter.refusal(denied, cost)),
        }
    }

    /// As [`try_enter`](Self::try_enter), for a call that does not wait.
    // A flow of its own, so that the refusal is written once, where it stays: to move it right after is what costs.
    #[inline]
    pub(crate) fn enter(&self, cost: u32) -> Result<(), Rejection> {
        let now = self.clock.now();
        match self.limiter.try_enter(cost, now) {
            Ok(()) => Ok(()),
            Err(Denied::Queued) => self.enter_behind(cost, now),
            Err(denied) => Err(self.refuse(self.limiter.refusal(denied, cost))),
        }
    }

    #[inline(never)]
    fn enter_behind(&self, cost: u32, now: Instant) -> Result<(), Rejection> {
        self.try_enter_behind(cost, now).map(drop).map_err(|refusal| self.refuse(refusal))
    }

    #[inline(never)]
    fn try_enter_behind(&self, cost: u32, now: Instant) -> Result<Instant, Refusal> {
        let (entered, woken) = self.limiter.try_enter_behind(cost, now);
        wake(woken);
        entered
    }

    /// Counts a refused call, and tells of it.
    #[inline]
    pub(crate) fn refuse(&self, refusal: Refusal) -> Rejection {
        self.limiter.count_refused(&ThisThread(&self.clock));
        let rejection = RateLimited::new(self.name.clone(), refusal).into();
        if self.outbox.wants(Level::Debug) {
            self.tell(EventKind::Rejected(Rejection::clone(&rejection)));
        }
        rejection
    }

    pub(crate) fn set_quota(&self, to: Quota) {
        let (from, woken) = self.limiter.set_quota(to, self.clock.now());
        wake(woken);
        self.tell(EventKind::QuotaChanged { from, to });
    }

    #[cold]
    fn tell(&self, kind: EventKind) {
        self.outbox.tell_in_turn(Event::new(self.name.clone(), kind), &self.clock);
    }
}

// ===== impl Reservation =====

impl<K: Clock> Reservation<K> {
    pub(crate) fn new(inner: Held<LimiterInner<K>>, cost: u32, at: Instant) -> Self {
        Self { inner: Some(inner), cost, at }
    }

    pub(crate) fn spend(mut self) {
        self.inner = None;
    }
}

impl<K: Clock> From<Reservation<K>> for Ticket<Spent> {
    /// The call is made.
    fn from(reservation: Reservation<K>) -> Self {
        reservation.spend();
        Self::new(Spent, ())
    }
}

impl<K: Clock> Drop for Reservation<K> {
    fn drop(&mut self) {
        if let Some(inner) = &self.inner {
            wake(inner.limiter.refund(self.cost, self.at, inner.clock.now()));
        }
    }
}
