//! What an outbox tells, whom, and for how long one call delivers.

use std::{
    cell::Cell,
    fmt,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use seawall_core::{
    observe::{Event, EventFacts, Kind, Level, ObserverHandle, Observers},
    time::{Clock, Instant, ManualClock},
};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Happened {
    Called(u32),
    Changed(u32),
}

use Happened::{Called, Changed};

impl Kind for Happened {
    fn facts(&self) -> EventFacts<'_> {
        let level = if let Called(_) = self { Level::Debug } else { Level::Info };
        EventFacts::new("pool", "happened", level)
    }

    fn describe(&self, policy: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pool `{policy}`: {self:?}")
    }
}

type Log = Arc<Mutex<Vec<Happened>>>;

/// An outbox with a clock, shared by its clones.
#[derive(Clone)]
struct Pool {
    outbox: Arc<Observers<Happened>>,
    clock: ManualClock,
}

impl Pool {
    fn new() -> Self {
        Self { outbox: Arc::default(), clock: ManualClock::new() }
    }

    fn tell(&self, what: Happened) {
        self.outbox.tell_in_turn(Event::new("pool".into(), what), &self.clock);
    }

    fn observe(&self, observer: impl Fn(&Event<Happened>) + Send + Sync + 'static) -> ObserverHandle {
        self.outbox.observe(Level::Debug, observer, || 0)
    }

    fn log_from(&self, least: Level) -> (Log, ObserverHandle) {
        let log = Log::default();
        let seen = log.clone();
        let handle = self.outbox.observe(least, move |event| seen.lock().unwrap().push(event.kind().clone()), || 0);
        (log, handle)
    }

    fn log(&self) -> Log {
        self.log_from(Level::Debug).0
    }
}

fn take(log: &Log) -> Vec<Happened> {
    std::mem::take(&mut *log.lock().unwrap())
}

// ===== levels =====

#[test]
fn an_observer_is_told_from_its_level_on() {
    let pool = Pool::new();
    let ((all, _), (changes, _), (warnings, _)) =
        (pool.log_from(Level::Debug), pool.log_from(Level::Info), pool.log_from(Level::Warn));
    pool.tell(Called(1));
    pool.tell(Changed(2));
    assert_eq!(take(&all), [Called(1), Changed(2)]);
    assert_eq!(take(&changes), [Changed(2)]);
    assert_eq!(take(&warnings), []);
}

#[test]
fn an_outbox_wants_what_its_most_curious_observer_wants() {
    let pool = Pool::new();
    let wants = || [Level::Warn, Level::Info, Level::Debug].map(|level| pool.outbox.wants(level));
    assert_eq!(wants(), [false; 3]);
    let (_, warnings) = pool.log_from(Level::Warn);
    assert_eq!(wants(), [true, false, false]);
    let (_, all) = pool.log_from(Level::Debug);
    assert_eq!(wants(), [true; 3]);
    let (_, changes) = pool.log_from(Level::Info);
    all.remove();
    assert_eq!(wants(), [true, true, false]);
    changes.remove();
    warnings.remove();
    assert_eq!(wants(), [false; 3]);
}

// ===== how long a call delivers =====

/// Far more than any call delivers, and few enough for a test that fails to come to its end.
const MANY: u32 = 10_000;

/// Has `pool` tell of another call each time it is told of one, `count` times; and lets its clock go on by `step`.
fn cause_another(pool: &Pool, step: Duration, count: u32) {
    let inside = pool.clone();
    pool.observe(move |event| {
        inside.clock.advance(step);
        if let Called(number) = *event.kind() {
            if number < count {
                inside.tell(Called(number + 1));
            }
        }
    });
}

#[test]
fn a_call_delivers_others_events_for_a_millisecond_while_more_come() {
    for (micros, others) in [(10, 100), (100, 10), (300, 4), (1_000, 1), (5_000, 1)] {
        let pool = Pool::new();
        let log = pool.log();
        cause_another(&pool, Duration::from_micros(micros), MANY);
        pool.tell(Called(0));
        // Its own, and then the others'. The one after that was lost.
        assert_eq!(take(&log).len(), 1 + others, "{micros} us each");
        assert_eq!(pool.outbox.lost(), 1);
    }
}

#[test]
fn a_call_delivers_a_thousand_of_others_events_while_more_come_and_the_clock_stands_still() {
    let pool = Pool::new();
    let log = pool.log();
    cause_another(&pool, Duration::ZERO, MANY);
    pool.tell(Called(0));
    assert_eq!((take(&log).len(), pool.outbox.lost()), (1 + 1_024, 1));
}

#[test]
fn what_waits_is_told_however_slow_the_observer_is_if_no_more_come() {
    let pool = Pool::new();
    let (inside, log) = (pool.clone(), pool.log());
    pool.observe(move |event| {
        inside.clock.advance(Duration::from_secs(1));
        if *event.kind() == Called(0) {
            (1..=500).for_each(|number| inside.tell(Called(number)));
        }
    });
    pool.tell(Called(0));
    assert!(take(&log).into_iter().eq((0..=500).map(Called)));
    assert_eq!(pool.outbox.lost(), 0);
}

#[test]
fn changes_are_told_even_if_more_come_and_the_observer_is_slow() {
    let pool = Pool::new();
    let (inside, log) = (pool.clone(), pool.log());
    pool.observe(move |event| {
        inside.clock.advance(Duration::from_secs(1));
        if let Changed(number) = *event.kind() {
            if number < 20 {
                inside.tell(Called(number));
                inside.tell(Changed(number + 1));
            }
        }
    });
    pool.tell(Changed(0));
    let told = take(&log);
    let changes = told.iter().filter(|happened| matches!(happened, Changed(_)));
    assert!(changes.cloned().eq((0..=20).map(Changed)), "{told:?}");
    assert_eq!(told.len() as u64 + pool.outbox.lost(), 21 + 20);
}

#[test]
fn a_call_that_tells_of_itself_alone_reads_no_clock() {
    /// Counts how often it is read. A clock that panics would not do: an outbox contains the panic.
    #[derive(Default)]
    struct Counting(AtomicU32);
    impl Clock for Counting {
        fn now(&self) -> Instant {
            self.0.fetch_add(1, Ordering::Relaxed);
            Instant::ORIGIN
        }
    }
    let clock = Counting::default();
    let pool = Pool::new();
    let log = pool.log();
    pool.outbox.tell_in_turn(Event::new("pool".into(), Called(1)), &clock);
    assert_eq!((take(&log), clock.0.load(Ordering::Relaxed)), (vec![Called(1)], 0));
}

// ===== bounds =====

/// Runs `meanwhile` in an observer, so that what it tells has to wait.
fn while_one_is_told(pool: &Pool, meanwhile: impl Fn(&Pool) + Send + Sync + 'static) {
    let (inside, done) = (pool.clone(), AtomicBool::new(false));
    let handle = pool.observe(move |_| {
        if !done.swap(true, Ordering::Relaxed) {
            meanwhile(&inside);
        }
    });
    pool.tell(Called(0));
    handle.remove();
}

#[test]
fn of_calls_a_thousand_wait_and_the_next_event_says_how_many_were_lost() {
    let pool = Pool::new();
    let lost: Arc<Mutex<Vec<u64>>> = Arc::default();
    let (log, seen) = (pool.log(), lost.clone());
    pool.observe(move |event| seen.lock().unwrap().push(event.lost()));
    while_one_is_told(&pool, |pool| (1..=1_500).for_each(|number| pool.tell(Called(number))));
    assert!(take(&log).into_iter().eq((0..=1_024).map(Called)), "the oldest are told, in their order");
    assert_eq!(pool.outbox.lost(), 476);
    pool.tell(Called(2_000));
    let lost = lost.lock().unwrap();
    assert_eq!((lost[0], lost[1]), (0, 476), "told once");
    assert_eq!(lost.iter().sum::<u64>(), 476);
}

#[test]
fn of_changes_the_newest_wait_and_the_oldest_says_for_how_many_it_stands() {
    let pool = Pool::new();
    let merged: Arc<Mutex<Vec<u64>>> = Arc::default();
    let (log, seen) = (pool.log(), merged.clone());
    pool.observe(move |event| seen.lock().unwrap().push(event.merged()));
    while_one_is_told(&pool, |pool| (1..=200).for_each(|number| pool.tell(Changed(number))));
    let newest = (200 - 63..=200).map(Changed);
    assert!(take(&log).into_iter().eq([Called(0)].into_iter().chain(newest)));
    let merged = merged.lock().unwrap();
    assert_eq!((merged[1], merged.iter().sum::<u64>()), (200 - 64, 200 - 64));
    assert_eq!(pool.outbox.lost(), 0);
}

#[test]
fn what_many_threads_tell_is_told_once_by_one_at_a_time_or_counted() {
    const EACH: u32 = 20_000;
    thread_local!(static TOLD_HERE: Cell<u32> = const { Cell::new(0) });
    let pool = Pool::new();
    let (told, busy) = (Arc::new(AtomicU32::new(0)), AtomicBool::new(false));
    let count = told.clone();
    pool.observe(move |_| {
        assert!(!busy.swap(true, Ordering::AcqRel), "one at a time");
        count.fetch_add(1, Ordering::Relaxed);
        TOLD_HERE.set(TOLD_HERE.get() + 1);
        busy.store(false, Ordering::Release);
    });
    let most = thread::scope(|scope| {
        let tell = || {
            let pool = &pool;
            scope.spawn(move || {
                let most = (0..EACH).map(|number| {
                    TOLD_HERE.set(0);
                    pool.tell(Called(number));
                    TOLD_HERE.get()
                });
                most.max().unwrap()
            })
        };
        let threads = [tell(), tell(), tell(), tell()];
        threads.into_iter().map(|thread| thread.join().unwrap()).max().unwrap()
    });
    // Its own, a thousand while more come, and what waits then if no more come.
    assert!(most <= 1 + 1_024 + 1_024, "one call told {most}");
    let told = told.load(Ordering::Relaxed);
    assert_eq!(u64::from(told) + pool.outbox.lost(), 4 * u64::from(EACH), "nothing waits when all have gone");
}

// ===== removal =====

#[test]
fn an_observer_that_was_removed_is_told_no_more_and_is_freed() {
    let pool = Pool::new();
    let alive = Arc::new(());
    let (kept, log) = (alive.clone(), pool.log());
    let handle = pool.observe(move |_| drop(kept.clone()));
    pool.tell(Called(1));
    assert_eq!(Arc::strong_count(&alive), 2);
    handle.remove();
    assert_eq!(Arc::strong_count(&alive), 1);
    pool.tell(Called(2));
    assert_eq!(take(&log), [Called(1), Called(2)]);
}

#[test]
fn to_drop_a_handle_changes_nothing() {
    let pool = Pool::new();
    let (log, handle) = pool.log_from(Level::Debug);
    drop(handle);
    pool.tell(Called(1));
    assert_eq!(take(&log), [Called(1)]);
}

#[test]
fn a_handle_does_not_keep_the_policy_and_can_outlive_it() {
    let pool = Pool::new();
    let (log, handle) = pool.log_from(Level::Debug);
    drop(pool);
    assert_eq!(Arc::strong_count(&log), 1, "the observer is freed with its policy");
    handle.remove();
}

#[test]
fn an_observer_may_remove_itself_and_what_waits_is_not_told_to_it() {
    let pool = Pool::new();
    let (log, inside) = (pool.log(), pool.clone());
    let (own, told): (Arc<OnceLock<Mutex<Option<ObserverHandle>>>>, _) = (Arc::default(), Arc::new(AtomicU32::new(0)));
    let (handle, count) = (own.clone(), told.clone());
    let added = pool.observe(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        inside.tell(Called(2));
        handle.get().and_then(|handle| handle.lock().unwrap().take()).into_iter().for_each(ObserverHandle::remove);
    });
    own.set(Mutex::new(Some(added))).unwrap();
    pool.tell(Called(1));
    assert_eq!(take(&log), [Called(1), Called(2)]);
    assert_eq!((told.load(Ordering::Relaxed), Arc::strong_count(&told)), (1, 1));
}

#[test]
fn an_observer_is_dropped_outside_of_the_lock_and_its_panic_ends_there() {
    struct Tells(Pool);
    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.tell(Called(7));
            panic!("the end of an observer");
        }
    }
    let pool = Pool::new();
    let (log, tells) = (pool.log(), Tells(pool.clone()));
    let handle = pool.observe(move |_| assert!(tells.0.outbox.wants(Level::Debug)));
    handle.remove();
    assert_eq!(take(&log), [Called(7)]);
}

#[test]
fn an_observer_that_removes_itself_is_dropped_outside_of_the_lock() {
    struct Asks(Pool, mpsc::Sender<u64>);
    impl Drop for Asks {
        fn drop(&mut self) {
            self.1.send(self.0.outbox.lost()).unwrap();
        }
    }
    let (pool, (asked, answer)) = (Pool::new(), mpsc::channel());
    let handle: Arc<Mutex<Option<ObserverHandle>>> = Arc::default();
    let (own, asks) = (handle.clone(), Asks(pool.clone(), asked));
    *handle.lock().unwrap() = Some(pool.observe(move |_| {
        let _ = &asks;
        own.lock().unwrap().take().into_iter().for_each(ObserverHandle::remove);
    }));
    thread::spawn(move || pool.tell(Called(1)));
    assert_eq!(answer.recv_timeout(PATIENCE), Ok(0));
}

/// Far longer than anything here takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn with_the_last_observer_all_that_waits_is_forgotten() {
    let pool = Pool::new();
    let (log, handle) = pool.log_from(Level::Debug);
    let handle = Mutex::new(Some(handle));
    let seen: Arc<OnceLock<Log>> = Arc::default();
    let (inside, late) = (pool.clone(), seen.clone());
    let other = Arc::new(Mutex::new(None));
    let itself = other.clone();
    *other.lock().unwrap() = Some(pool.observe(move |_| {
        inside.tell(Called(2));
        for handle in [handle.lock().unwrap().take(), itself.lock().unwrap().take()].into_iter().flatten() {
            handle.remove();
        }
        late.get_or_init(|| inside.log());
    }));
    pool.tell(Called(1));
    assert_eq!(take(&log), [Called(1)]);
    assert_eq!(take(seen.get().unwrap()), [], "what came before it");
    pool.tell(Called(3));
    assert_eq!(take(seen.get().unwrap()), [Called(3)]);
}
