//! A record of the calls of a thread, and of their reports.

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

/// The places in which the caller's code may panic.
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

/// Makes the caller's code panic at that place, in that attempt.
pub(crate) fn set_trap(trap: Option<(Place, u32)>) {
    TRAP.set(trap);
}

/// Panics if the trap is at that place.
pub(crate) fn step_on(place: Place) {
    assert_ne!(TRAP.get(), Some((place, begun())), "boom");
}

pub(crate) fn log(words: impl Display) {
    LOG.with_borrow_mut(|log| log.push(words.to_string()));
}

/// Returns the log since the last call.
pub(crate) fn take_log() -> Vec<String> {
    LOG.take()
}

/// Records an event, with the number of attempts in flight. The event's own attempt must be over.
pub(crate) fn told(event: &impl Display) {
    log(format_args!("{event}, {} alive", alive()));
    step_on(Place::Observer);
}

/// Clears the record.
pub(crate) fn reset() {
    BEGUN.set(0);
    ALIVE.set(0);
    TRAP.set(None);
    take_log();
}

/// An attempt that is pending for `pending` polls, and fails if its number is at most `fails`. No other attempt is
/// in flight.
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

/// An attempt in flight. Its drop records what the policies hold.
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
