//! What can happen where two threads tell the same observers: every interleaving of them is tried.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64 as StdAtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use loom::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
use seawall_core::{
    observe::{Event, EventFacts, Kind, Level, Observers},
    time::{Clock, Instant},
};

/// A number, and whether it is of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Happened(u32, bool);

impl Kind for Happened {
    fn facts(&self) -> EventFacts<'_> {
        EventFacts::new("pool", "happened", if self.1 { Level::Debug } else { Level::Info })
    }

    fn describe(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Goes on by a millisecond each time it is read: what is told of others is over after the first event.
#[derive(Default)]
struct Hasty(StdAtomicU64);

impl Clock for Hasty {
    fn now(&self) -> Instant {
        Instant::from_nanos(self.0.fetch_add(1, Relaxed) * Duration::from_millis(1).as_nanos() as u64)
    }
}

struct Pool {
    outbox: Observers<Happened>,
    clock: Hasty,
}

impl Pool {
    fn tell(&self, number: u32, is_of_call: bool) {
        self.outbox.tell_in_turn(Event::new("pool".into(), Happened(number, is_of_call)), &self.clock);
    }
}

/// A pool, and what its observer was told: by one thread at a time.
fn pool() -> (Arc<Pool>, Arc<Mutex<Vec<u32>>>) {
    let (told, busy) = (Arc::new(Mutex::new(Vec::new())), AtomicBool::new(false));
    let (pool, log) = (Pool { outbox: Observers::new(), clock: Hasty::default() }, told.clone());
    let observer = move |event: &Event<Happened>| {
        assert!(!busy.swap(true, Ordering::AcqRel), "one at a time");
        log.lock().expect("it is free").push(event.kind().0);
        busy.store(false, Ordering::Release);
    };
    pool.outbox.observe(Level::Debug, observer, || 0);
    (Arc::new(pool), told)
}

#[test]
fn what_two_threads_tell_is_told_in_order_and_none_is_left() {
    loom::model(|| {
        let (pool, told) = pool();
        let other = pool.clone();
        let thread = thread::spawn(move || {
            let event = |number| Event::new("pool".into(), Happened(number, false));
            other.outbox.tell_transition(2, event(2), &other.clock);
        });
        pool.outbox.tell_transition(1, Event::new("pool".into(), Happened(1, false)), &pool.clock);
        thread.join().expect("it does not panic");
        assert_eq!(*told.lock().expect("it is free"), [1, 2]);
    });
}

#[test]
fn when_all_have_gone_each_event_was_told_or_counted_and_each_change_was_told() {
    loom::model(|| {
        let (pool, told) = pool();
        let other = pool.clone();
        let thread = thread::spawn(move || {
            other.tell(10, true);
            other.tell(11, false);
        });
        pool.tell(20, true);
        pool.tell(21, true);
        thread.join().expect("it does not panic");
        let told = told.lock().expect("it is free");
        assert_eq!(told.len() as u64 + pool.outbox.lost(), 4, "{told:?}");
        assert!(told.contains(&11), "{told:?}");
    });
}

#[test]
fn a_removed_observer_is_told_nothing_that_happens_then() {
    loom::model(|| {
        let (told, pool) =
            (Arc::new(Mutex::new(Vec::new())), Pool { outbox: Observers::new(), clock: Hasty::default() });
        let log = told.clone();
        let observer = move |event: &Event<Happened>| log.lock().expect("it is free").push(event.kind().0);
        let handle = pool.outbox.observe(Level::Debug, observer, || 0);
        let pool = Arc::new(pool);
        let other = pool.clone();
        let thread = thread::spawn(move || other.tell(1, true));
        handle.remove();
        pool.tell(2, true);
        thread.join().expect("it does not panic");
        let told = told.lock().expect("it is free");
        assert!(!told.contains(&2), "{told:?}");
    });
}
