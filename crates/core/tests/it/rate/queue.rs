//! The queue against a plain list: who is let through, when, who is woken, and what a newcomer is told.

use std::time::Duration;

use proptest::{collection::vec, prelude::*, sample::Index};
use seawall_core::{
    Place, Woken,
    rate::{Algorithm, Denied, Limiter, Quota, RateEntry, RateTurn, Reason, Refusal},
    time::Instant,
};

use super::{
    START, cases,
    naive::{Ended, Model, Waiting},
};

#[derive(Debug, Clone)]
enum Op {
    Advance(u64),
    TryEnter(u32),
    /// A cost, whether it counts against the queue's limit, and how long it waits.
    Enter(u32, bool, Option<u64>),
    RateTurn(Index),
    Leave(Index),
    Refund(Index),
    SetQuota(Quota),
}

/// Intervals that are powers of two: of those, no unit is rounded.
fn quota() -> impl Strategy<Value = Quota> {
    (3..8_u32, 0..3_u32, 1..5_u32).prop_map(|(interval, count, burst)| {
        Quota::new(1 << count, Duration::from_nanos(1 << (interval + count))).burst(burst)
    })
}

fn op() -> impl Strategy<Value = Op> {
    let cost = || prop_oneof![3 => Just(1_u32), 1 => 0..6_u32];
    prop_oneof![
        // Up to what a late turn makes up for, and beyond.
        4 => prop_oneof![4 => 0..4_u64, 8 => 0..600_u64, 1 => 19_999_000..20_001_000_u64].prop_map(Op::Advance),
        2 => cost().prop_map(Op::TryEnter),
        4 => (cost(), any::<bool>(), prop::option::of(0..500_u64))
            .prop_map(|(cost, bounded, patience)| Op::Enter(cost, bounded, patience)),
        3 => any::<Index>().prop_map(Op::RateTurn),
        2 => any::<Index>().prop_map(Op::Leave),
        1 => any::<Index>().prop_map(Op::Refund),
        1 => quota().prop_map(Op::SetQuota),
    ]
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_queue_does_what_a_plain_list_does(
        algorithm in prop_oneof![Just(Algorithm::Gcra), Just(Algorithm::SlidingWindow)],
        quota in quota(),
        max_queued in 0..6_usize,
        ops in vec(op(), 1..40),
    ) {
        let mut both = Both::new(algorithm, quota, max_queued);
        for op in ops {
            both.step(op)?;
            both.compare()?;
        }
    }
}

/// One who came and may wait.
#[derive(Debug)]
struct Guest {
    place: Place,
    number: usize,
    cost: u32,
    bounded: bool,
    latest: Instant,
    /// What it was told last, unless it was woken since.
    until: Option<Instant>,
    ended: Option<Ended>,
}

struct Both {
    algorithm: Algorithm,
    limiter: Limiter<usize>,
    model: Model,
    now: Instant,
    guests: Vec<Guest>,
    passed: Vec<(u32, Instant)>,
    /// What is woken is the number of who waits.
    next: usize,
}

impl Both {
    fn new(algorithm: Algorithm, quota: Quota, max_queued: usize) -> Self {
        let limiter = Limiter::new(quota, algorithm, 1, START).with_max_queued(max_queued);
        let model = Model::new(quota, algorithm, START);
        Self { algorithm, limiter, model, now: START, guests: Vec::new(), passed: Vec::new(), next: 0 }
    }

    fn step(&mut self, op: Op) -> Result<(), TestCaseError> {
        let now = self.now;
        match op {
            Op::Advance(by) => self.now = now + Duration::from_nanos(by),
            Op::TryEnter(cost) => {
                let asks_behind = self.limiter.try_enter(cost, now);
                if asks_behind == Err(Denied::Queued) {
                    self.visit();
                }
                let expected = self.model.enter(cost, now);
                let entered = match asks_behind {
                    Err(Denied::Queued) => {
                        let (entered, woken) = self.limiter.try_enter_behind(cost, now);
                        self.wake(woken);
                        entered
                    }
                    entered => entered.map(|()| now).map_err(|denied| self.limiter.refusal(denied, cost)),
                };
                self.same(entered, expected, cost)?;
                self.passed.extend(entered.map(|at| (cost, at)));
            }
            Op::Enter(cost, bounded, patience) => self.enter(cost, bounded, patience)?,
            Op::RateTurn(which) if !self.guests.is_empty() => {
                self.visit();
                let guest = self.guests.swap_remove(which.index(self.guests.len()));
                self.turn(guest)?;
            }
            Op::Leave(which) if !self.guests.is_empty() => {
                let guest = self.guests.swap_remove(which.index(self.guests.len()));
                let visited = self.model.visit(now);
                let own = visited.iter().find(|(number, _)| *number == guest.number).map(|(_, ended)| *ended);
                self.ended(visited);
                match guest.ended.or(own) {
                    Some(Ended::Entered(at)) => self.model.give_back(guest.cost, at, now),
                    Some(Ended::TooLarge | Ended::TooLong) => {}
                    None => self.model.waiting.retain(|waiting| waiting.number != guest.number),
                }
                self.visit();
                let woken = self.limiter.leave(guest.place, now);
                self.wake(woken);
            }
            Op::Refund(which) if !self.passed.is_empty() => {
                let (cost, at) = self.passed.swap_remove(which.index(self.passed.len()));
                self.visit();
                self.model.give_back(cost, at, now);
                self.visit();
                let woken = self.limiter.refund(cost, at, now);
                self.wake(woken);
            }
            Op::SetQuota(quota) => {
                self.visit();
                let former = self.model.quota;
                let refused = self.model.set_quota(quota, now);
                self.ended(refused);
                self.visit();
                let (was, woken) = self.limiter.set_quota(quota, now);
                prop_assert_eq!(was, former);
                self.wake(woken);
            }
            Op::RateTurn(_) | Op::Leave(_) | Op::Refund(_) => {}
        }
        Ok(())
    }

    fn enter(&mut self, cost: u32, bounded: bool, patience: Option<u64>) -> Result<(), TestCaseError> {
        let (now, number) = (self.now, self.next);
        self.next += 1;
        self.visit();
        let latest = patience.map_or(Instant::MAX, |patience| now + Duration::from_nanos(patience));
        let expected = self.model.enter(cost, now);
        let (entry, woken) = self.limiter.enter(cost, bounded, now, latest, || number);
        self.wake(woken);
        match (entry, expected) {
            (Ok(RateEntry::Entered(at)), Ok(expected)) => {
                prop_assert_eq!(at, expected);
                self.passed.push((cost, at));
            }
            (Ok(RateEntry::Waiting(place)), Err((Reason::Exhausted, Some(wait)))) => {
                prop_assert!(now + Duration::from_nanos(wait) <= latest, "it cannot come in time");
                prop_assert!(!bounded || self.bounded() < self.limiter.max_queued(), "the queue is full");
                self.model.waiting.push(Waiting { number, cost, latest });
                self.turn(Guest { place, number, cost, bounded, latest, until: None, ended: None })?;
            }
            (Err(refusal), Err((Reason::Exhausted, wait)))
                if bounded && self.bounded() >= self.limiter.max_queued() =>
            {
                let reason = if self.limiter.max_queued() == 0 { Reason::Exhausted } else { Reason::QueueFull };
                self.same(Err(refusal), Err((reason, wait)), cost)?;
            }
            (Err(refusal), Err((Reason::Exhausted, Some(wait)))) => {
                prop_assert!(now + Duration::from_nanos(wait) > latest, "it could have waited");
                self.same(Err(refusal), Err((Reason::TooLong, Some(wait))), cost)?;
            }
            (Err(refusal), Err(reason)) => self.same(Err(refusal), Err(reason), cost)?,
            (entry, expected) => prop_assert!(false, "machine {entry:?}, model {expected:?}"),
        }
        Ok(())
    }

    fn turn(&mut self, mut guest: Guest) -> Result<(), TestCaseError> {
        let mut place = Some(guest.place);
        let (turn, woken) = self.limiter.turn(&mut place, self.now, || guest.number);
        let visited = guest.ended;
        match (turn, visited) {
            (RateTurn::Waiting { until }, None) => {
                guest.place = place.take().expect("it goes on");
                guest.until = Some(until);
                let (is_first, due) = self.due(guest.number);
                let due = due.min(guest.latest);
                // Those that have left from between may still count.
                prop_assert!(
                    until == due || !is_first && until > due && until <= guest.latest,
                    "{:?}, {:?}",
                    until,
                    due
                );
                self.guests.push(guest);
            }
            (RateTurn::Entered(at), Some(Ended::Entered(expected))) => {
                prop_assert_eq!(at, expected);
                self.passed.push((guest.cost, at));
            }
            (RateTurn::Refused(refusal), None) => {
                // It was not the first one, and its time is over.
                prop_assert!(self.now >= guest.latest);
                prop_assert_eq!((refusal.cost(), refusal.reason()), (guest.cost, Reason::TooLong));
                self.model.waiting.retain(|waiting| waiting.number != guest.number);
            }
            (RateTurn::Refused(refusal), Some(ended)) => {
                let reason = match ended {
                    Ended::Entered(at) => return Err(TestCaseError::fail(format!("it has passed at {at:?}"))),
                    Ended::TooLong if guest.cost <= self.model.most() => Reason::TooLong,
                    _ => Reason::TooLarge,
                };
                prop_assert_eq!((refusal.cost(), refusal.reason()), (guest.cost, reason));
            }
            (turn, expected) => prop_assert!(false, "machine {turn:?}, model {expected:?}"),
        }
        prop_assert!(place.is_none());
        self.wake(woken);
        Ok(())
    }

    /// All that can be asked, asked of both; and nobody sleeps on when its turn comes.
    fn compare(&mut self) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.limiter.queued(), self.model.waiting.len());
        prop_assert_eq!(self.limiter.quota(), self.model.quota);
        let available = if self.model.waiting.is_empty() { self.model.available(self.now) } else { 0 };
        prop_assert_eq!(self.limiter.available(self.now), available);
        if self.model.waiting.is_empty() && self.model.lag() == 0 && self.algorithm == Algorithm::Gcra {
            // Nobody needs the lock.
            prop_assert_eq!(self.limiter.try_enter(u32::MAX, self.now), Err(Denied::TooLarge));
        }
        for index in 0..self.guests.len() {
            let number = self.guests[index].number;
            let (is_first, due) = self.due(number);
            let guest = &self.guests[index];
            let is_told = match guest.ended {
                Some(_) => guest.until.is_none(),
                // If it is kept and not polled, the others have times of their own.
                None => guest.until.is_none_or(|until| until <= guest.latest && (!is_first || until <= due)),
            };
            prop_assert!(is_told, "{guest:?} sleeps on");
        }
        Ok(())
    }

    /// Whether it is the first one, and when its turn comes if the others stay.
    fn due(&self, number: usize) -> (bool, Instant) {
        let Some(position) = self.model.waiting.iter().position(|waiting| waiting.number == number) else {
            return (false, Instant::MAX);
        };
        let ahead = self.model.waiting[..position].iter().map(|waiting| u64::from(waiting.cost)).sum::<u64>();
        let cost = u64::from(self.model.waiting[position].cost);
        // To ask is no visit: a window forgets nothing by it.
        let mut model = self.model.clone();
        let mut due = model.wait_for(ahead + cost, self.now);
        if ahead > 0 {
            // It looks after the turn of the one before it.
            due = due.min(model.wait_for(ahead, self.now) + 10_000_000);
        }
        (position == 0, self.now + Duration::from_nanos(due))
    }

    /// How many wait that count against the queue's limit.
    fn bounded(&self) -> usize {
        let waits = |guest: &&Guest| self.model.waiting.iter().any(|waiting| waiting.number == guest.number);
        self.guests.iter().filter(waits).filter(|guest| guest.bounded).count()
    }

    fn visit(&mut self) {
        let visited = self.model.visit(self.now);
        self.ended(visited);
    }

    fn ended(&mut self, ended: Vec<(usize, Ended)>) {
        for (number, how) in ended {
            self.guests.iter_mut().filter(|guest| guest.number == number).for_each(|guest| guest.ended = Some(how));
        }
    }

    fn wake(&mut self, woken: Woken<usize>) {
        for number in woken {
            self.guests.iter_mut().filter(|guest| guest.number == number).for_each(|guest| guest.until = None);
        }
    }

    fn same(
        &self,
        entered: Result<Instant, Refusal>,
        expected: Result<Instant, (Reason, Option<u64>)>,
        cost: u32,
    ) -> Result<(), TestCaseError> {
        let told =
            entered.map_err(|refusal| (refusal.reason(), refusal.retry_after().map(|wait| wait.as_nanos() as u64)));
        prop_assert_eq!(told, expected);
        if let Err(refusal) = entered {
            prop_assert_eq!((refusal.cost(), refusal.quota()), (cost, self.model.quota));
        }
        Ok(())
    }
}
