use std::{
    fmt, mem,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, PoisonError, Weak},
    time::Duration,
};

use super::{
    Event, Kind, Level, ObserverHandle,
    observer::{Interest, Observer, Remove, Tell, Wanted},
    waiting::{At, EventQueue, following},
};
use crate::{
    sync::{AtomicU64, Mutex, MutexGuard, Ordering},
    time::{Clock, Instant},
};

/// Delivers a policy's events to its observers, in the order in which they happened.
///
/// The machines are lock-free, so two threads that made one transition after the other may come here in any order.
/// Each event carries its number, and waits here for the ones before it. One thread at a time delivers, outside of the
/// lock; others leave their events with it and go on. So an observer may call back into its policy, and what it causes
/// there is told to it next.
///
/// # What is told, and who tells it
///
/// - At most 1,024 events of single calls ([`Level::Debug`]) wait. More are lost, and counted.
/// - Changes (all other levels) are never lost. At most 64 wait: beyond, the oldest two become one, with a count.
/// - A call delivers its own event, and then the events of others for 1 ms, or 1,024 of them. Then the next call that has
///   something to tell goes on.
/// - When that time is over and no other call is there, there are two cases. If no event came while the last one was told,
///   the call delivers all that waits. If events keep coming, it loses the events of single calls that wait, and delivers
///   the changes.
///
/// So nothing waits while no call is delivering: each event was told, or is counted as lost. And only changes can make a
/// call deliver for longer than 1 ms while more come.
///
/// An observer that panics is not told on: the panic has been reported by the panic hook, the other observers and the
/// later events are served, and the call during which it happened goes on.
pub struct Observers<K> {
    shared: Arc<OutboxShared<K>>,
}

struct OutboxShared<K> {
    wanted: Wanted,
    /// How many threads are on their way to the lock with an event. Each of them will deliver if no thread does.
    arriving: AtomicU64,
    inner: Mutex<OutboxState<K>>,
}

struct OutboxState<K> {
    observers: Arc<[Observer<K>]>,
    waiting: EventQueue<K>,
    delivering: bool,
    next_id: u64,
}

impl<K: Kind + 'static> Observers<K> {
    /// Without observers.
    pub fn new() -> Self {
        let inner = OutboxState { observers: Arc::new([]), waiting: EventQueue::new(), delivering: false, next_id: 0 };
        let (wanted, arriving) = (Wanted::nothing(), AtomicU64::new(0));
        Self { shared: Arc::new(OutboxShared { wanted, arriving, inner: Mutex::new(inner) }) }
    }

    /// Adds an observer that is told of events from `least` on. `last` reads the number of the latest transition, the last
    /// one that the observer will not be told of.
    pub fn observe<F>(&self, least: Level, observer: F, last: impl FnOnce() -> u32) -> ObserverHandle
    where
        F: Fn(&Event<K>) + Send + Sync + 'static,
        K: Send,
    {
        let id = self.shared.add(Interest::of::<K, F>(least), Arc::new(observer), last);
        // Named, as the compiler needs the type before it can forget it.
        let weak: Weak<OutboxShared<K>> = Arc::downgrade(&self.shared);
        ObserverHandle { observers: weak, id }
    }

    /// Another outbox, for plain data that is cloned: with the observers there are, and with neither their events nor those
    /// that come here later. For policies whose events have no place among transitions.
    ///
    /// Events of one outbox come one at a time and in turn; those of the two do not wait for each other.
    #[must_use]
    pub fn fork(&self) -> Self {
        let (fork, observers) = (Self::new(), self.shared.lock().observers.clone());
        for observer in observers.iter() {
            fork.shared.add(observer.interest, observer.tell.clone(), || 0);
        }
        fork
    }

    /// Whether an observer is told of events of `level`: a load. What happened to a single call is made into an event only if
    /// this is true for [`Level::Debug`].
    #[inline]
    pub fn wants(&self, level: Level) -> bool {
        self.shared.wanted.includes(level)
    }

    /// How many events were lost, in all.
    pub fn lost(&self) -> u64 {
        self.shared.lock().waiting.lost()
    }

    /// Tells of something that has no place among transitions, in the order of coming; for policies that have none, whose
    /// observers come with `|| 0`.
    pub fn tell_in_turn(&self, event: Event<K>, clock: &impl Clock) {
        self.tell_after(0, event, clock);
    }

    /// Tells of the transition with that number; numbers count up by one, modulo 2^29.
    pub fn tell_transition(&self, number: u32, event: Event<K>, clock: &impl Clock) {
        self.shared.tell(At::Transitions { first: number, last: number }, event, clock);
    }

    /// Tells of something that happened after the transition with that number, and changed no state.
    pub fn tell_after(&self, number: u32, event: Event<K>, clock: &impl Clock) {
        self.shared.tell(At::After(number), event, clock);
    }
}

impl<K: Kind> OutboxShared<K> {
    fn add(&self, interest: Interest, tell: Tell<K>, last: impl FnOnce() -> u32) -> u64 {
        let mut inner = self.lock();
        // Under the lock: a transition that comes after this reading finds the observer when it gets the lock.
        let first = following(last());
        if inner.observers.is_empty() {
            inner.waiting.begin_at(first);
        }
        let id = inner.next_id;
        inner.next_id += 1;
        let added = Observer { id, interest, first, added_after: inner.waiting.come(), tell };
        inner.observers = inner.observers.iter().cloned().chain([added]).collect();
        self.wanted.set(&inner.observers);
        id
    }

    fn tell(&self, at: At, event: Event<K>, clock: &impl Clock) {
        let level = event.kind().level();
        self.arriving.fetch_add(1, Ordering::Relaxed);
        let mut inner = self.lock();
        // Under the lock: a thread that delivers sees this thread in the count until the event waits.
        self.arriving.fetch_sub(1, Ordering::Relaxed);
        let is_wanted = inner.observers.iter().any(|observer| level <= observer.interest.least);
        // A change counts for the order of the others, even if no observer wants it.
        let put = if is_wanted || (level != Level::Debug && !inner.observers.is_empty()) {
            inner.waiting.put(at, level, event)
        } else {
            Err(event)
        };
        if !inner.delivering {
            inner.delivering = true;
            self.deliver(inner, put.as_ref().ok().copied(), clock);
        } else {
            drop(inner);
        }
        drop(put);
    }

    /// Delivers until nothing waits, or another thread goes on.
    fn deliver<'a>(&'a self, mut inner: MutexGuard<'a, OutboxState<K>>, own: Option<u64>, clock: &impl Clock) {
        let mut stint = Stint { began: None, told: 0, is_over: false };
        let mut come = inner.waiting.come();
        let mut lost = None;
        loop {
            if stint.is_over && self.arriving.load(Ordering::Relaxed) > 0 {
                break;
            }
            if stint.is_over && inner.waiting.come() != come {
                lost = Some(inner.waiting.lose_of_calls());
            }
            come = inner.waiting.come();
            let Some(entry) = inner.waiting.take() else { break };
            let observers = inner.observers.clone();
            drop(inner);
            contain(|| drop(lost.take()));
            let is_own = own == Some(entry.place);
            if !is_own {
                stint.begin(clock);
            }
            let is_told = |observer: &&Observer<K>| {
                entry.level <= observer.interest.least && entry.is_since(observer.first, observer.added_after)
            };
            for observer in observers.iter().filter(is_told) {
                contain(|| (observer.tell)(&entry.event));
            }
            // Before the lock: the observer may have been removed meanwhile, and its `Drop` is user code.
            contain(|| drop((observers, entry)));
            if !is_own {
                stint.count(clock);
            }
            inner = self.lock();
        }
        inner.waiting.tidy();
        inner.delivering = false;
        drop(inner);
        contain(|| drop(lost));
    }

    fn lock(&self) -> MutexGuard<'_, OutboxState<K>> {
        // No code that can panic runs under this lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Kind> Remove for OutboxShared<K> {
    fn remove(&self, id: u64) {
        let mut inner = self.lock();
        let left = inner.observers.iter().filter(|observer| observer.id != id).cloned().collect();
        let former = mem::replace(&mut inner.observers, left);
        self.wanted.set(&inner.observers);
        let forgotten = inner.observers.is_empty().then(|| inner.waiting.clear());
        drop(inner);
        contain(|| drop((former, forgotten)));
    }
}

/// What one call has delivered of others' events.
struct Stint {
    began: Option<Instant>,
    told: u32,
    is_over: bool,
}

impl Stint {
    fn begin(&mut self, clock: &impl Clock) {
        if self.began.is_none() {
            contain(|| self.began = Some(clock.now()));
        }
    }

    fn count(&mut self, clock: &impl Clock) {
        self.told += 1;
        let mut elapsed = None;
        contain(|| elapsed = self.began.map(|began| clock.now().saturating_duration_since(began)));
        // A clock that panics tells nothing more.
        self.is_over = self.told >= MAX_TOLD || elapsed.is_none_or(|elapsed| elapsed >= MAX_TIME);
    }
}

impl<K: Kind + 'static> Default for Observers<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Kind> fmt::Debug for Observers<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.shared.lock();
        f.debug_struct("Observers")
            .field("observers", &inner.observers.len())
            .field("waiting", &inner.waiting.len())
            .finish_non_exhaustive()
    }
}

/// Runs code of someone else's whose panic is not to spread: the panic hook has reported it.
pub fn contain(run: impl FnOnce()) {
    // What is half done belongs to that code; ours is whole, as no lock is held.
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(run)) {
        // Not dropped: to drop it is to run that code once more.
        mem::forget(payload);
    }
}

/// For how long a call delivers others' events while more come. A thousandth of a second is not noticed in most calls.
const MAX_TIME: Duration = Duration::from_millis(1);
/// The same as a count, for clocks that stand still.
const MAX_TOLD: u32 = 1_024;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{observe::EventFacts, time::ManualClock};
    use std::sync::Mutex as StdMutex;

    #[derive(Debug)]
    struct Changed(u32);

    impl Kind for Changed {
        fn facts(&self) -> EventFacts<'_> {
            EventFacts::new("pool", "changed", Level::Info)
        }

        fn describe(&self, policy: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "pool `{policy}`: {}", self.0)
        }
    }

    type Seen = Arc<StdMutex<Vec<u32>>>;

    fn keep(seen: &Seen, plus: u32) -> impl Fn(&Event<Changed>) + use<> {
        let log = seen.clone();
        move |event| log.lock().expect("no observer panics here").push(event.kind().0 + plus)
    }

    fn recording(last: u32) -> (Observers<Changed>, Seen) {
        let (outbox, seen) = (Observers::new(), Seen::default());
        outbox.observe(Level::Info, keep(&seen, 0), || last);
        (outbox, seen)
    }

    fn event(what: u32) -> Event<Changed> {
        Event::new("db".into(), Changed(what))
    }

    #[test]
    fn events_wait_for_the_ones_before_them() {
        let ((outbox, seen), clock) = (recording(4), ManualClock::new());
        outbox.tell_transition(7, event(70), &clock);
        outbox.tell_after(6, event(61), &clock);
        outbox.tell_transition(6, event(60), &clock);
        assert!(seen.lock().unwrap().is_empty());
        outbox.tell_transition(5, event(50), &clock);
        assert_eq!(*seen.lock().unwrap(), [50, 60, 61, 70]);
    }

    #[test]
    fn what_came_before_the_first_observer_is_not_told() {
        let ((outbox, seen), clock) = (recording(4), ManualClock::new());
        outbox.tell_transition(4, event(40), &clock);
        outbox.tell_transition(5, event(50), &clock);
        assert_eq!(*seen.lock().unwrap(), [50]);
    }

    #[test]
    fn a_fork_tells_the_observers_there_were_and_its_own_alone() {
        let ((outbox, seen), clock) = (recording(0), ManualClock::new());
        let fork = outbox.fork();
        fork.observe(Level::Info, keep(&seen, 100), || 0);
        outbox.observe(Level::Info, keep(&seen, 200), || 0);
        fork.tell_in_turn(event(1), &clock);
        outbox.tell_in_turn(event(2), &clock);
        assert_eq!(*seen.lock().unwrap(), [1, 101, 2, 202]);
    }

    #[test]
    fn numbers_go_round() {
        let last = (1 << 29) - 1;
        let ((outbox, seen), clock) = (recording(last - 1), ManualClock::new());
        outbox.tell_transition(0, event(1), &clock);
        outbox.tell_transition(last, event(0), &clock);
        assert_eq!(*seen.lock().unwrap(), [0, 1]);
    }

    #[test]
    fn a_panicking_observer_harms_nobody() {
        let ((outbox, seen), clock) = (recording(4), ManualClock::new());
        outbox.observe(Level::Info, |_| panic!("observer"), || 4);
        outbox.observe(Level::Info, keep(&seen, 1), || 4);
        outbox.tell_transition(5, event(50), &clock);
        outbox.tell_transition(6, event(60), &clock);
        assert_eq!(*seen.lock().unwrap(), [50, 51, 60, 61]);
    }
}
