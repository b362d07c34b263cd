//! Random histories, long ones: calls of all kinds that come, end, time out, and are dropped anywhere, while the limit
//! changes under them. At each step what is in flight is counted by hand, and at the end nothing is lost.
//!
//! `SEAWALL_SOAK` says how many steps there are, of the first test; 10^8 take some minutes in a release build.

use std::{
    cell::Cell,
    collections::VecDeque,
    env,
    future::{self, Future},
    pin::pin,
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
};

use crate::support::{Boxed, Chance, Failed, MILLISECOND, Manual, Reply, SECOND, Way, assert_idle, queued, refused};
use futures::future::{Either, join_all, select};
use seawall_bulkhead::{Bulkhead, Reason};
use seawall_core::{Error, time::ManualClock};
use tokio::{runtime, task::yield_now};
use tokio_test::task::{self, Spawn};

const CALLERS: usize = 12;
const MAX_LIMIT: usize = 6;
const MAX_COST: usize = 3;

/// A call on its way.
struct Caller {
    task: Spawn<Boxed<'static>>,
    cost: usize,
    /// Set by the call itself, when it runs.
    runs: Rc<Cell<bool>>,
    /// Tells it to end.
    ends: Rc<Cell<bool>>,
    counted: bool,
}

/// What has happened, so that a history in which nothing does is not taken for a good one.
#[derive(Debug, Default)]
struct Seen {
    served: u64,
    queue_full: u64,
    too_long: u64,
    too_large: u64,
    /// Dropped while it waited, when its turn had come, and in flight.
    dropped: [u64; 3],
    resized: u64,
    most_in_flight: usize,
}

struct Soak {
    bulkhead: Manual,
    clock: ManualClock,
    chance: Chance,
    callers: Vec<Option<Caller>>,
    /// Who waits, in the order of coming; and some who do so no more.
    line: VecDeque<usize>,
    in_flight: usize,
    seen: Seen,
}

impl Soak {
    fn new(chance: u64) -> Self {
        let clock = ManualClock::new();
        let bulkhead = queued(MAX_LIMIT).max_queued(CALLERS - 4).max_wait(SECOND).clock(clock.clone()).build();
        let callers = (0..CALLERS).map(|_| None).collect();
        let (line, seen) = (VecDeque::new(), Seen::default());
        Self { bulkhead, clock, chance: Chance(chance), callers, line, in_flight: 0, seen }
    }

    fn step(&mut self) {
        let before = self.bulkhead.in_flight();
        let who = self.chance.below(CALLERS);
        match (self.chance.below(20), self.callers[who].is_some()) {
            (0, _) => self.resize(),
            (1, _) => self.clock.advance(SECOND / 3),
            (_, false) => self.come(who),
            (2..5, _) => self.give_up(who),
            (5..14, _) => self.end(who),
            _ => self.poll(who),
        }
        let after = self.bulkhead.in_flight();
        assert!(after <= before || after <= self.bulkhead.max_concurrent(), "{after} in flight, after {before}");
        assert!(self.in_flight <= after, "{} are in flight, and {after} are known of", self.in_flight);
        self.seen.most_in_flight = self.seen.most_in_flight.max(self.in_flight);
        // Mostly, not always: turns that have come and have not been looked at are to be met by the next step too.
        if self.chance.below(4) > 0 {
            self.settle();
        }
    }

    fn resize(&mut self) {
        self.bulkhead.resize(self.chance.below(MAX_LIMIT + 1));
        self.seen.resized += 1;
    }

    fn come(&mut self, who: usize) {
        let (runs, ends) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
        let call = {
            let (runs, ends) = (runs.clone(), ends.clone());
            move || {
                runs.set(true);
                future::poll_fn(move |_| if ends.get() { Poll::Ready(Reply::Ok(())) } else { Poll::Pending })
            }
        };
        let way = self.chance.below(5);
        let (cost, boxed): (usize, Boxed<'static>) = match Way::ALL.get(way) {
            Some(way) => (1, way.start(&self.bulkhead, call)),
            None => {
                let (cost, bulkhead) = (1 + self.chance.below(MAX_COST), self.bulkhead.clone());
                let heavy = async move {
                    let _permit = bulkhead.acquire_n(cost as u32).await.map_err(Error::Rejected)?;
                    call().await
                };
                (cost, Box::pin(heavy))
            }
        };
        self.callers[who] = Some(Caller { task: task::spawn(boxed), cost, runs, ends, counted: false });
        self.line.push_back(who);
        self.poll(who);
    }

    fn poll(&mut self, who: usize) {
        let Some(caller) = &mut self.callers[who] else { return };
        let poll = caller.task.poll();
        if caller.runs.get() && !caller.counted {
            caller.counted = true;
            self.in_flight += caller.cost;
            self.line.retain(|waits| *waits != who);
        }
        let Poll::Ready(reply) = poll else { return };
        match refused(&reply) {
            None => self.seen.served += 1,
            Some(Reason::QueueFull) => self.seen.queue_full += 1,
            Some(Reason::TooLong) => self.seen.too_long += 1,
            Some(Reason::TooLarge) => self.seen.too_large += 1,
            Some(other) => panic!("{other:?}"),
        }
        self.forget(who);
    }

    fn end(&mut self, who: usize) {
        if let Some(caller) = &self.callers[who] {
            if caller.counted {
                caller.ends.set(true);
                self.poll(who);
                assert!(self.callers[who].is_none(), "it was told to end");
            }
        }
    }

    fn give_up(&mut self, who: usize) {
        let Some(caller) = &self.callers[who] else { return };
        let how_far = if caller.counted { 2 } else { usize::from(caller.task.is_woken()) };
        self.seen.dropped[how_far] += 1;
        self.forget(who);
    }

    fn forget(&mut self, who: usize) {
        if let Some(caller) = self.callers[who].take() {
            self.in_flight -= if caller.counted { caller.cost } else { 0 };
            self.line.retain(|waits| *waits != who);
        }
    }

    /// Lets all look whose turn may have come; then nothing is between two states, and the books must balance.
    fn settle(&mut self) {
        // One that gives up, as its time is over, may be what another waits for.
        let is_woken = |caller: &Option<Caller>| caller.as_ref().is_some_and(|caller| caller.task.is_woken());
        while let Some(who) = self.callers.iter().position(is_woken) {
            self.poll(who);
        }
        let (limit, bulkhead) = (self.bulkhead.max_concurrent(), &self.bulkhead);
        assert_eq!((bulkhead.in_flight(), bulkhead.queued()), (self.in_flight, self.line.len()));
        let free = limit.saturating_sub(self.in_flight);
        assert_eq!(bulkhead.available(), if self.line.is_empty() { free } else { 0 });
        if let Some(first) = self.line.front() {
            let cost = self.callers[*first].as_ref().unwrap().cost;
            assert!(cost > free, "the first waits for {cost}, and {free} are free");
        }
    }
}

/// So many, or what `SEAWALL_SOAK` says.
fn steps() -> u64 {
    env::var("SEAWALL_SOAK").ok().map_or(1_000_000, |steps| steps.parse().expect("SEAWALL_SOAK is a number"))
}

#[test]
fn nothing_is_lost_and_the_limit_is_kept_at_every_step() {
    let mut soak = Soak::new(7);
    (0..steps()).for_each(|_| soak.step());
    soak.callers.fill_with(|| None);
    let bulkhead = &soak.bulkhead;
    assert_idle(bulkhead);
    bulkhead.resize(MAX_LIMIT);
    assert_idle(bulkhead);
    let all: Vec<_> = (0..MAX_LIMIT).map(|_| bulkhead.try_acquire().unwrap()).collect();
    assert!(bulkhead.try_acquire().is_err());
    drop(all);

    println!("{} steps: {:?}", steps(), soak.seen);
    let Seen { served, queue_full, too_long, too_large, dropped, resized, most_in_flight } = soak.seen;
    let [waiting, granted, in_flight] = dropped;
    assert_eq!(bulkhead.snapshot().rejected(), queue_full + too_long + too_large + 1);
    for seen in [served, queue_full, too_long, too_large, waiting, granted, in_flight, resized] {
        assert!(seen > steps() / 10_000, "some things hardly happened");
    }
    assert!(most_in_flight > MAX_LIMIT / 2);
}

/// What a call comes to, unless it is given up after so many turns of the scheduler.
async fn within<F: Future>(turns: usize, call: F) -> Option<F::Output> {
    let give_up = async {
        for _ in 0..turns {
            yield_now().await;
        }
    };
    match select(pin!(call), pin!(give_up)).await {
        Either::Left((reply, _)) => Some(reply),
        Either::Right(_) => None,
    }
}

static IN_FLIGHT: AtomicUsize = AtomicUsize::new(0);

/// Counted in flight; when it is dropped, too.
struct Counted(usize);

impl Counted {
    fn new(cost: usize) -> Self {
        let before = IN_FLIGHT.fetch_add(cost, Ordering::SeqCst);
        assert!(before + cost <= MAX_LIMIT, "{} are in flight", before + cost);
        Self(cost)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        IN_FLIGHT.fetch_sub(self.0, Ordering::SeqCst);
    }
}

async fn work(cost: usize, turns: usize) -> Result<(), Failed> {
    let _counted = Counted::new(cost);
    for _ in 0..turns {
        yield_now().await;
    }
    Ok(())
}

#[test]
fn on_many_threads_nothing_is_lost_either() {
    const TASKS: u64 = 16;
    const STEPS: usize = 4_000;
    let bulkhead = Bulkhead::builder("t", MAX_LIMIT).max_queued(10).max_wait(MILLISECOND).build();
    let runtime = runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    let tasks = (1..=TASKS).map(|number| {
        let (bulkhead, mut chance) = (bulkhead.clone(), Chance(number));
        runtime.spawn(async move {
            for _ in 0..STEPS {
                let (turns, cost, patience) = (chance.below(4), 1 + chance.below(MAX_COST), chance.below(12));
                match chance.below(8) {
                    0 => bulkhead.resize(chance.below(MAX_LIMIT + 1)),
                    1..4 => _ = within(patience, bulkhead.execute(|| work(1, turns))).await,
                    4 => _ = bulkhead.execute(|| work(1, turns)).await,
                    5 => _ = bulkhead.execute_blocking(|| Ok::<_, ()>(())),
                    _ => {
                        let permit = within(patience, bulkhead.acquire_n(cost as u32)).await;
                        if let Some(Ok(_permit)) = permit {
                            work(cost, turns).await.unwrap();
                        }
                    }
                }
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    for task in runtime.block_on(join_all(tasks)) {
        task.unwrap();
    }
    assert_idle(&bulkhead);
    bulkhead.resize(MAX_LIMIT);
    drop(bulkhead.try_acquire_n(MAX_LIMIT as u32).expect("all slots are there"));
    assert_idle(&bulkhead);
}
