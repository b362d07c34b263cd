//! What the calls of a thread do, and whom they tell.

use std::{
    cell::{Cell, RefCell},
    fmt::Display,
    future::{self, Future},
    mem,
    task::Poll,
    thread,
};

use seawall::{Bulkhead, Error, ManualClock};

use super::{Failed, Reply};

/// Where the caller's code may panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Closure,
    Poll,
    /// In the drop of an attempt that has not ended.
    Drop,
    Classifier,
    RetryIf,
    Hint,
    Observer,
}

thread_local! {
    static BEGUN: Cell<u32> = const { Cell::new(0) };
    static ALIVE: Cell<u32> = const { Cell::new(0) };
    static TRAP: Cell<Option<(Place, u32)>> = const { Cell::new(None) };
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// How many attempts have begun.
pub(crate) fn begun() -> u32 {
    BEGUN.get()
}

/// How many attempts have begun, and have neither ended nor been dropped.
pub(crate) fn alive() -> u32 {
    ALIVE.get()
}

/// Has the caller's code panic there, in that attempt.
pub(crate) fn set_trap(trap: Option<(Place, u32)>) {
    TRAP.set(trap);
}

/// Panics, if that is where the trap is.
pub(crate) fn step_on(place: Place) {
    assert_ne!(TRAP.get(), Some((place, begun())), "boom");
}

pub(crate) fn log(words: impl Display) {
    LOG.with_borrow_mut(|log| log.push(words.to_string()));
}

/// What was logged since this was last asked.
pub(crate) fn take_log() -> Vec<String> {
    LOG.take()
}

/// An observer is told: no attempt is in flight any more of which it could be.
pub(crate) fn told(event: &impl Display) {
    log(format_args!("{event}, {} alive", alive()));
    step_on(Place::Observer);
}

/// All is as if nothing had happened.
pub(crate) fn reset() {
    BEGUN.set(0);
    ALIVE.set(0);
    TRAP.set(None);
    take_log();
}

/// An attempt that is pending for so many polls, and fails unless it comes after so many. It is there alone.
pub(crate) fn attempt(
    bulkhead: &Bulkhead<ManualClock>,
    pending: u32,
    fails: u32,
) -> impl Future<Output = Reply> + use<> {
    BEGUN.set(begun() + 1);
    step_on(Place::Closure);
    assert_eq!(ALIVE.replace(1), 0, "the one before is gone");
    let mut alive = Alive { bulkhead: bulkhead.clone(), ended: false };
    let (mut left, number) = (pending, begun());
    future::poll_fn(move |_| {
        step_on(Place::Poll);
        if let Some(fewer) = left.checked_sub(1) {
            left = fewer;
            return Poll::Pending;
        }
        alive.end();
        Poll::Ready(if number <= fails { Err(Error::Inner(Failed)) } else { Ok(number) })
    })
}

/// An attempt in flight; it tells what is held while it is dropped.
struct Alive {
    bulkhead: Bulkhead<ManualClock>,
    ended: bool,
}

impl Alive {
    fn end(&mut self) {
        assert!(!mem::replace(&mut self.ended, true), "it was polled after its end");
        ALIVE.set(alive() - 1);
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.end();
        log(format_args!("dropped with {} in flight", self.bulkhead.in_flight()));
        if !thread::panicking() {
            step_on(Place::Drop);
        }
    }
}
