//! The slots as one would write them down: no bits, no lock, no list but a plain one.

use std::time::Duration;

use seawall_core::{
    slots::{MAX_LIMIT, Order, Reason},
    time::Instant,
};

pub(crate) struct Model {
    pub(crate) limit: usize,
    pub(crate) in_flight: usize,
    pub(crate) closed: bool,
    pub(crate) max_queued: usize,
    pub(crate) order: Order,
    /// Those who wait, and those whose wait has ended and who have not asked yet, as they came.
    pub(crate) waits: Vec<Wait>,
    /// Since when somebody has been waiting.
    busy_since: Option<Instant>,
}

#[derive(Debug, Clone)]
pub(crate) struct Wait {
    pub(crate) number: usize,
    pub(crate) cost: u32,
    pub(crate) since: Instant,
    pub(crate) bounded: bool,
    pub(crate) waker: usize,
    pub(crate) ended: Option<Ended>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Entered,
    Refused(Reason),
}

impl Model {
    pub(crate) fn new(limit: usize, max_queued: usize, order: Order) -> Self {
        let limit = limit.min(MAX_LIMIT);
        Self { limit, in_flight: 0, closed: false, max_queued, order, waits: Vec::new(), busy_since: None }
    }

    pub(crate) fn try_enter(&mut self, cost: u32) -> Result<(), Reason> {
        let refused = self.would_reject(cost);
        if refused.is_none() {
            self.in_flight += cost as usize;
        }
        refused.map_or(Ok(()), Err)
    }

    pub(crate) fn would_reject(&self, cost: u32) -> Option<Reason> {
        if self.closed {
            return Some(Reason::Closed);
        }
        if cost == 0 {
            return None;
        }
        if self.is_too_large(cost) {
            return Some(Reason::TooLarge);
        }
        (self.queued() > 0 || !self.fits(cost)).then_some(Reason::Full)
    }

    /// True if it is let in, and false if it waits.
    pub(crate) fn enter(
        &mut self,
        cost: u32,
        bounded: bool,
        now: Instant,
        number: usize,
        waker: usize,
    ) -> Result<bool, Reason> {
        match self.try_enter(cost) {
            Ok(()) => return Ok(true),
            Err(Reason::Full) => {}
            Err(reason) => return Err(reason),
        }
        if bounded && self.waiting().filter(|wait| wait.bounded).count() >= self.max_queued {
            return Err(if self.max_queued == 0 { Reason::Full } else { Reason::QueueFull });
        }
        if self.fits(cost) && self.is_newest_first(now) {
            self.in_flight += cost as usize;
            return Ok(true);
        }
        self.busy_since = self.busy_since.or(Some(now));
        self.waits.push(Wait { number, cost, since: now, bounded, waker, ended: None });
        Ok(false)
    }

    pub(crate) fn exit(&mut self, cost: u32, now: Instant) -> Vec<usize> {
        self.in_flight -= cost as usize;
        self.let_in(now)
    }

    pub(crate) fn turn(&mut self, number: usize, waker: usize) -> Option<Ended> {
        let at = self.waits.iter().position(|wait| wait.number == number).expect("it waits");
        let ended = self.waits[at].ended;
        match ended {
            Some(_) => drop(self.waits.remove(at)),
            None => self.waits[at].waker = waker,
        }
        ended
    }

    /// Who is woken, and the waker of the one that left, if it was not.
    pub(crate) fn leave(&mut self, number: usize, now: Instant) -> (Vec<usize>, Option<usize>) {
        let at = self.waits.iter().position(|wait| wait.number == number).expect("it waits");
        let wait = self.waits.remove(at);
        if wait.ended == Some(Ended::Entered) {
            self.in_flight -= wait.cost as usize;
        }
        (self.let_in(now), wait.ended.is_none().then_some(wait.waker))
    }

    pub(crate) fn resize(&mut self, limit: usize, now: Instant) -> Vec<usize> {
        self.limit = limit.min(MAX_LIMIT);
        let limit = self.limit;
        let mut woken = self.end_each(Reason::TooLarge, |wait| limit > 0 && wait.cost as usize > limit);
        woken.extend(self.let_in(now));
        woken
    }

    pub(crate) fn close(&mut self) -> Vec<usize> {
        self.closed = true;
        let woken = self.end_each(Reason::Closed, |_| true);
        self.busy_since = None;
        woken
    }

    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Wait> {
        self.waits.iter().filter(|wait| wait.ended.is_none())
    }

    pub(crate) fn queued(&self) -> usize {
        self.waiting().count()
    }

    pub(crate) fn fits(&self, cost: u32) -> bool {
        self.in_flight + cost as usize <= self.limit
    }

    /// The one whose turn it is.
    pub(crate) fn head(&self, now: Instant) -> Option<&Wait> {
        if self.is_newest_first(now) { self.waiting().last() } else { self.waiting().next() }
    }

    // ----- helpers -----

    fn is_too_large(&self, cost: u32) -> bool {
        self.limit > 0 && cost as usize > self.limit
    }

    fn is_newest_first(&self, now: Instant) -> bool {
        match self.order {
            Order::Lifo => true,
            Order::CoDel { interval, .. } => self.is_overloaded(interval, now),
            _ => false,
        }
    }

    fn is_overloaded(&self, interval: Duration, now: Instant) -> bool {
        self.busy_since.is_some_and(|since| now.saturating_duration_since(since) >= interval)
    }

    fn let_in(&mut self, now: Instant) -> Vec<usize> {
        let mut woken = Vec::new();
        if let Order::CoDel { target, interval } = self.order {
            let longest = if self.is_overloaded(interval, now) { target } else { interval };
            woken = self.end_each(Reason::Shed, |wait| now.saturating_duration_since(wait.since) > longest);
        }
        while let Some(number) = self.head(now).filter(|head| self.fits(head.cost)).map(|head| head.number) {
            let wait = self.waits.iter_mut().find(|wait| wait.number == number).expect("it is the head");
            wait.ended = Some(Ended::Entered);
            woken.push(wait.waker);
            self.in_flight += wait.cost as usize;
            assert!(self.in_flight <= self.limit);
        }
        if self.queued() == 0 {
            self.busy_since = None;
        }
        woken
    }

    fn end_each(&mut self, reason: Reason, which: impl Fn(&Wait) -> bool) -> Vec<usize> {
        let ended = self.waits.iter_mut().filter(|wait| wait.ended.is_none() && which(wait));
        ended.map(|wait| (wait.ended = Some(Ended::Refused(reason)), wait.waker).1).collect()
    }
}
