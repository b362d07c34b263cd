use std::{mem, task::Waker, time::Duration};

use seawall_core::{
    Rejection,
    time::{Clock, Instant, ManualClock},
};
use seawall_policy::{Policy, Queue, Ticket, Turn, WaitLimit, wake};

use super::{Door, Full, Place};

/// A call's place in the line. Dropped, it leaves the line and passes its turn on.
pub(crate) struct InLine {
    door: Door,
    place: Option<u64>,
    max_wait: Option<Duration>,
    until: Instant,
}

impl InLine {
    pub(super) fn new(door: &Door, patience: WaitLimit) -> Self {
        let max_wait = match patience {
            WaitLimit::Configured => door.0.max_wait,
            WaitLimit::Unlimited => None,
        };
        Self { door: door.clone(), place: None, max_wait, until: Instant::MAX }
    }

    fn leave(&mut self) -> Vec<Waker> {
        let Some(place) = self.place.take() else { return Vec::new() };
        let mut state = self.door.lock();
        state.line.retain(|(number, _)| *number != place);
        state.next()
    }
}

impl Queue for InLine {
    type Timer = ManualClock;
    type Leave = Ticket<Door>;
    type Refusal = Full;

    fn timer(&self) -> &ManualClock {
        &self.door.0.clock
    }

    fn poll_turn(&mut self, waker: &Waker) -> Turn<Ticket<Door>, Full> {
        let now = self.door.0.clock.now();
        let mut state = self.door.lock();
        let ahead = match self.place {
            None => state.line.len(),
            Some(place) => state.line.iter().position(|(number, _)| *number == place).expect("it is in the line"),
        };
        if state.taken + ahead < state.places {
            state.taken += 1;
            drop(state);
            self.leave();
            return Turn::Entered(Ticket::new(self.door.clone(), Place));
        }
        if self.place.is_some() && self.until != Instant::MAX && now >= self.until {
            drop(state);
            wake(self.leave());
            return Turn::Refused(Full);
        }
        let old = match self.place {
            Some(_) => Some(mem::replace(&mut state.line[ahead].1, waker.clone())),
            None => {
                state.arrivals += 1;
                let number = state.arrivals;
                state.line.push_back((number, waker.clone()));
                self.place = Some(number);
                self.until = self.max_wait.map_or(Instant::MAX, |max_wait| now + max_wait);
                None
            }
        };
        drop(state);
        drop(old);
        Turn::Wait { until: self.until }
    }

    fn refuse(&self, full: Full) -> Rejection {
        self.door.refuse(full)
    }
}

impl Drop for InLine {
    fn drop(&mut self) {
        wake(self.leave());
    }
}
