use std::{
    fmt, mem,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Delivers a policy's events to its observers, in the order in which they happened.
///
/// The machines are lock-free, so two threads that made one transition after the other may come here in any order.
/// Each event carries its number, and waits here for the ones before it. One thread at a time delivers, outside of the
/// lock; others leave their events with it and go on. So an observer may call back into its policy, and what it causes
/// there is told to it next; and a slow observer delays only whoever delivers.
///
/// An observer that panics is not told on: the panic has been reported by the panic hook, the other observers and the
/// later events are served, and the call during which it happened goes on.
pub struct Outbox<T> {
    observed: AtomicBool,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    observers: Arc<[Observer<T>]>,
    /// Events that have happened and have not been delivered.
    waiting: Vec<Numbered<T>>,
    /// The number of the next transition to deliver.
    next: u32,
    /// How many events have come.
    come: u64,
    delivering: bool,
}

struct Observer<T> {
    /// The first transition to tell it of.
    first: u32,
    /// How many events had come when it was added: of what is no transition it is told from there on.
    added_after: u64,
    tell: Tell<T>,
}

type Tell<T> = Arc<dyn Fn(&T) + Send + Sync>;

struct Numbered<T> {
    number: u32,
    /// Whether the event is the transition to `number`, or merely happened after it.
    is_transition: bool,
    /// The how many-th event it is to come here.
    place: u64,
    event: T,
}

impl<T> Outbox<T> {
    /// Without observers.
    pub fn new() -> Self {
        Self {
            observed: AtomicBool::new(false),
            inner: Mutex::new(Inner {
                observers: Arc::new([]),
                waiting: Vec::new(),
                next: 0,
                come: 0,
                delivering: false,
            }),
        }
    }

    /// Adds an observer. `last` reads the number of the latest transition, the last one that it will not be told of.
    pub fn observe(&self, observer: impl Fn(&T) + Send + Sync + 'static, last: impl FnOnce() -> u32) {
        self.add(Arc::new(observer), last);
    }

    fn add(&self, tell: Tell<T>, last: impl FnOnce() -> u32) {
        let mut inner = self.lock();
        // Under the lock: a transition that comes after this reading finds the observer when it gets the lock.
        let first = following(last());
        if inner.observers.is_empty() {
            inner.next = first;
        }
        let added = Observer { first, added_after: inner.come, tell };
        inner.observers = inner.observers.iter().cloned().chain([added]).collect();
        self.observed.store(true, Ordering::Relaxed);
    }

    /// Another outbox, for plain data that is cloned: with the observers there are, and with neither their events nor those
    /// that come here later. For policies whose events have no place among transitions.
    ///
    /// Events of one outbox come one at a time and in turn; those of the two do not wait for each other.
    #[must_use]
    pub fn fork(&self) -> Self {
        let (fork, observers) = (Self::new(), self.lock().observers.clone());
        for observer in observers.iter() {
            fork.add(observer.tell.clone(), || 0);
        }
        fork
    }

    /// Whether there is an observer: a load, for those who would tell of every call.
    #[inline]
    pub fn is_observed(&self) -> bool {
        self.observed.load(Ordering::Relaxed)
    }

    /// Tells of something that has no place among transitions, in the order of coming; for policies that have none, whose
    /// observers come with `|| 0`.
    pub fn tell_in_turn(&self, event: T) {
        self.tell_after(0, event);
    }

    /// Tells of the transition with that number; numbers count up by one, modulo 2^29.
    pub fn tell_transition(&self, number: u32, event: T) {
        self.tell(Numbered { number, is_transition: true, place: 0, event });
    }

    /// Tells of something that happened after the transition with that number, and changed no state.
    pub fn tell_after(&self, number: u32, event: T) {
        self.tell(Numbered { number, is_transition: false, place: 0, event });
    }

    fn tell(&self, mut event: Numbered<T>) {
        let mut inner = self.lock();
        // A transition from before the first observer came is nobody's business.
        if inner.observers.is_empty() || (event.is_transition && is_before(event.number, inner.next)) {
            return;
        }
        event.place = inner.come;
        inner.come += 1;
        inner.waiting.push(event);
        if inner.delivering {
            return;
        }
        inner.delivering = true;
        while let Some(event) = inner.take_next() {
            let observers = inner.observers.clone();
            drop(inner);
            for observer in observers.iter().filter(|observer| event.concerns(observer)) {
                contain(|| (observer.tell)(&event.event));
            }
            drop(event);
            inner = self.lock();
        }
        inner.delivering = false;
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        // No code that can panic runs under this lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Inner<T> {
    /// The next event that may be delivered: the transition whose turn it is, or something after one that was told.
    fn take_next(&mut self) -> Option<Numbered<T>> {
        let next = self.next;
        let of_the_past = |event: &Numbered<T>| !event.is_transition && is_before(event.number, next);
        let turn = |event: &Numbered<T>| event.is_transition && event.number == next;
        let place = self.waiting.iter().position(of_the_past).or_else(|| self.waiting.iter().position(turn))?;
        let taken = self.waiting.remove(place);
        if taken.is_transition {
            self.next = following(taken.number);
        }
        Some(taken)
    }
}

impl<T> Numbered<T> {
    fn concerns(&self, observer: &Observer<T>) -> bool {
        if self.is_transition { !is_before(self.number, observer.first) } else { self.place >= observer.added_after }
    }
}

// By hand: derive would ask for `T: Clone`.
impl<T> Clone for Observer<T> {
    fn clone(&self) -> Self {
        Self { first: self.first, added_after: self.added_after, tell: self.tell.clone() }
    }
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Outbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        f.debug_struct("Outbox")
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

fn following(number: u32) -> u32 {
    (number + 1) & NUMBERS
}

/// Whether `number` comes before `other`, on a circle of 2^29.
fn is_before(number: u32, other: u32) -> bool {
    let ahead = other.wrapping_sub(number) & NUMBERS;
    ahead != 0 && ahead <= NUMBERS / 2
}

const NUMBERS: u32 = (1 << 29) - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex as StdMutex;

    fn recording() -> (Outbox<u32>, Arc<StdMutex<Vec<u32>>>) {
        let (outbox, seen) = (Outbox::new(), Arc::new(StdMutex::new(Vec::new())));
        let log = seen.clone();
        outbox.observe(move |event| log.lock().unwrap().push(*event), || 4);
        (outbox, seen)
    }

    #[test]
    fn events_wait_for_the_ones_before_them() {
        let (outbox, seen) = recording();
        outbox.tell_transition(7, 70);
        outbox.tell_after(6, 61);
        outbox.tell_transition(6, 60);
        assert!(seen.lock().unwrap().is_empty());
        outbox.tell_transition(5, 50);
        assert_eq!(*seen.lock().unwrap(), [50, 60, 61, 70]);
    }

    #[test]
    fn what_came_before_the_first_observer_is_not_told() {
        let (outbox, seen) = recording();
        outbox.tell_transition(4, 40);
        outbox.tell_transition(5, 50);
        assert_eq!(*seen.lock().unwrap(), [50]);
    }

    #[test]
    fn a_fork_tells_the_observers_there_were_and_its_own_alone() {
        let (outbox, seen) = (Outbox::new(), Arc::new(StdMutex::new(Vec::new())));
        let keep = |name| {
            let log = seen.clone();
            move |event: &u32| log.lock().unwrap().push((name, *event))
        };
        outbox.observe(keep("before"), || 0);
        let fork = outbox.fork();
        fork.observe(keep("of the fork"), || 0);
        outbox.observe(keep("after"), || 0);
        fork.tell_in_turn(1);
        outbox.tell_in_turn(2);
        assert_eq!(*seen.lock().unwrap(), [("before", 1), ("of the fork", 1), ("before", 2), ("after", 2)]);
    }

    #[test]
    fn numbers_go_round() {
        let outbox = Outbox::new();
        let (seen, last) = (Arc::new(StdMutex::new(Vec::new())), NUMBERS - 1);
        let log = seen.clone();
        outbox.observe(move |event| log.lock().unwrap().push(*event), move || last);
        outbox.tell_transition(0, 1);
        outbox.tell_transition(NUMBERS, 0);
        assert_eq!(*seen.lock().unwrap(), [0, 1]);
    }

    #[test]
    fn a_panicking_observer_harms_nobody() {
        let (outbox, seen) = recording();
        outbox.observe(|_| panic!("observer"), || 4);
        let log = seen.clone();
        outbox.observe(move |event| log.lock().unwrap().push(event + 1), || 4);
        outbox.tell_transition(5, 50);
        outbox.tell_transition(6, 60);
        assert_eq!(*seen.lock().unwrap(), [50, 51, 60, 61]);
    }
}
