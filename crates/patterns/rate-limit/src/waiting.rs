use std::{fmt, task::Waker};

use seawall_core::{
    Held, Place, Rejection,
    rate::{self, RateEntry, Refusal},
    time::{Clock, Instant, Timer},
};
use seawall_policy::{Queue, Turn, WaitLimit, wake};

use crate::inner::{LimiterInner, Reservation};

/// One caller's wait for its turn.
///
/// Public as it stands in the types of futures, and not nameable.
pub struct RateWait<K: Clock> {
    /// Until the turn has come.
    inner: Option<Held<LimiterInner<K>>>,
    cost: u32,
    patience: WaitLimit,
    /// In the queue, from the first poll on.
    place: Option<Place>,
}

impl<K: Clock> RateWait<K> {
    pub(crate) fn new(inner: Held<LimiterInner<K>>, cost: u32, patience: WaitLimit) -> Self {
        Self { inner: Some(inner), cost, patience, place: None }
    }

    fn inner(&self) -> &LimiterInner<K> {
        self.inner.as_ref().expect("it is asked no more once the turn has come")
    }

    fn join(&mut self, now: Instant, waker: &Waker) -> Turn<Reservation<K>, Refusal> {
        let inner = self.inner();
        let (bounded, latest) = self.patience.terms(inner.max_wait, now);
        let (entry, woken) = inner.limiter.enter(self.cost, bounded, now, latest, || waker.clone());
        wake(woken);
        match entry {
            Ok(RateEntry::Entered(at)) => self.entered(at),
            Ok(RateEntry::Waiting(place)) => {
                self.place = Some(place);
                self.look(now, waker)
            }
            Err(refusal) => Turn::Refused(refusal),
        }
    }

    fn look(&mut self, now: Instant, waker: &Waker) -> Turn<Reservation<K>, Refusal> {
        let inner = self.inner.as_ref().expect("it is asked no more once the turn has come");
        let (turn, woken) = inner.limiter.turn(&mut self.place, now, || waker.clone());
        wake(woken);
        match turn {
            rate::RateTurn::Entered(at) => self.entered(at),
            rate::RateTurn::Refused(refusal) => Turn::Refused(refusal),
            rate::RateTurn::Waiting { until } => Turn::Wait { until },
        }
    }

    fn entered(&mut self, at: Instant) -> Turn<Reservation<K>, Refusal> {
        let inner = self.inner.take().expect("its turn comes once");
        Turn::Entered(Reservation::new(inner, self.cost, at))
    }
}

impl<K: Timer> Queue for RateWait<K> {
    type Timer = K;
    type Leave = Reservation<K>;
    type Refusal = Refusal;

    fn timer(&self) -> &K {
        &self.inner().clock
    }

    fn poll_turn(&mut self, waker: &Waker) -> Turn<Reservation<K>, Refusal> {
        let now = self.inner().clock.now();
        if self.place.is_some() { self.look(now, waker) } else { self.join(now, waker) }
    }

    fn refuse(&self, refusal: Refusal) -> Rejection {
        self.inner().refuse(refusal)
    }
}

impl<K: Clock> Drop for RateWait<K> {
    fn drop(&mut self) {
        if let (Some(inner), Some(place)) = (&self.inner, self.place.take()) {
            wake(inner.limiter.leave(place, inner.clock.now()));
        }
    }
}

impl<K: Clock> fmt::Debug for RateWait<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateWait")
            .field("cost", &self.cost)
            .field("waits", &self.place.is_some())
            .finish_non_exhaustive()
    }
}
