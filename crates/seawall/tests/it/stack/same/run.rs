//! Calls that begin, go on and are given up by a manual clock.

use std::{
    cell::RefCell,
    future,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use proptest::prelude::*;
use seawall::{
    Error, ManualClock,
    retry::RepeatRequest,
    time::{Clock, Timer},
};
use tokio_test::task::{self, Spawn};
use tower::Service;

use crate::stack::support::{Boxed, Does, Failed, Reply};

pub(super) const TICK: Duration = Duration::from_millis(1);

/// Longer than any call takes.
const END: u64 = 2_000;

/// A call: its beginning, the fate of each of its attempts, and its caller's patience.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) comes: u64,
    pub(super) meets: Vec<Does>,
    pub(super) patience: Option<u64>,
}

impl Call {
    pub(super) fn any() -> impl Strategy<Value = Self> {
        let does = prop_oneof![
            3 => (0..15_u64).prop_map(Does::Answers),
            5 => (0..15_u64).prop_map(Does::Fails),
            1 => Just(Does::Hangs),
        ];
        (0..40_u64, prop::collection::vec(does, 1..4), prop::option::weighted(0.2, 1..40_u64))
            .prop_map(|(comes, meets, patience)| Self { comes, meets, patience })
    }
}

/// The outcome: how and when each call ended, and when each call reached the callee.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Story {
    pub(super) ends: Vec<(&'static str, u64)>,
    pub(super) made: Vec<(usize, u64)>,
    pub(super) stands: String,
    pub(super) is_at_rest: bool,
}

/// The callee, which gets each call by its number.
#[derive(Clone)]
pub(super) struct Client {
    clock: ManualClock,
    meets: Rc<Vec<Vec<Does>>>,
    made: Rc<RefCell<Vec<(usize, u64)>>>,
}

impl Client {
    pub(super) fn new(clock: &ManualClock, calls: &[Call]) -> Self {
        let meets = Rc::new(calls.iter().map(|call| call.meets.clone()).collect());
        Self { clock: clock.clone(), meets, made: Rc::default() }
    }

    pub(super) fn made(&self) -> Vec<(usize, u64)> {
        self.made.borrow().clone()
    }

    pub(super) fn send(&self, number: usize) -> Boxed<Result<u32, Failed>> {
        let attempt = self.made.borrow().iter().filter(|(by, _)| *by == number).count();
        self.made.borrow_mut().push((number, ticks(&self.clock)));
        let meets = &self.meets[number];
        let does = meets[attempt.min(meets.len() - 1)];
        let clock = self.clock.clone();
        Box::pin(async move {
            match does {
                Does::Hangs => future::pending().await,
                Does::Answers(0) | Does::Fails(0) => {}
                Does::Answers(ticks) | Does::Fails(ticks) => clock.sleep_until(clock.now() + ticks as u32 * TICK).await,
            }
            if let Does::Fails(_) = does { Err(Failed) } else { Ok(attempt as u32) }
        })
    }
}

/// The number of a call, as a request that may be sent again.
#[derive(Clone, Copy)]
pub(super) struct Numbered(pub(super) usize);

impl RepeatRequest for Numbered {
    fn repeat(&self) -> Option<Self> {
        Some(*self)
    }
}

impl Service<Numbered> for Client {
    type Response = u32;
    type Error = Failed;
    type Future = Boxed<Result<u32, Failed>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, Numbered(number): Numbered) -> Self::Future {
        self.send(number)
    }
}

fn ticks(clock: &ManualClock) -> u64 {
    clock.now().as_nanos() / TICK.as_nanos() as u64
}

/// A rejection by its kind. If two limits end at once, a stack names the outer limit, and layers name the inner limit.
fn kind(reply: &Reply) -> &'static str {
    match reply {
        Ok(0) => "answered at once",
        Ok(_) => "answered",
        Err(Error::Inner(Failed)) => "failed",
        Err(Error::Rejected(rejection)) => rejection.kind(),
    }
}

/// Makes the calls. Each tick polls the woken calls in order, until no call is woken.
pub(super) fn run(
    clock: &ManualClock,
    calls: &[Call],
    send: impl Fn(usize) -> Boxed<Reply>,
) -> Vec<(&'static str, u64)> {
    let mut running: Vec<Option<Spawn<Boxed<Reply>>>> = calls.iter().map(|_| None).collect();
    let mut ends = vec![None; calls.len()];
    while ends.iter().any(Option::is_none) {
        let now = ticks(clock);
        for (number, call) in calls.iter().enumerate() {
            if call.comes == now {
                running[number] = Some(task::spawn(send(number)));
                poll(&mut running[number], &mut ends[number], now);
            }
            let gives_up = call.patience.is_some_and(|patience| call.comes + patience == now);
            if now == END || (gives_up && running[number].is_some()) {
                running[number] = None;
                ends[number] = ends[number].or(Some(("given up", now)));
            }
        }
        while let Some(number) =
            (0..calls.len()).find(|&number| running[number].as_ref().is_some_and(|call| call.is_woken()))
        {
            poll(&mut running[number], &mut ends[number], now);
        }
        clock.advance(TICK);
    }
    ends.into_iter().map(Option::unwrap).collect()
}

fn poll(call: &mut Option<Spawn<Boxed<Reply>>>, end: &mut Option<(&'static str, u64)>, now: u64) {
    let Some(running) = call else { return };
    if let Poll::Ready(reply) = running.poll() {
        *end = Some((kind(&reply), now));
        *call = None;
    }
}
