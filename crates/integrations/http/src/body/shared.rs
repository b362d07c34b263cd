use std::{
    fmt, mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
};

use seawall_policy::wake;

use super::tape::Tape;

/// The state that all copies of a body share. Only the reader that began last may read.
pub(super) struct SharedBody<B> {
    slot: Mutex<Slot<B>>,
}

struct Slot<B> {
    /// The tape, or `None` during a read: a reader takes the tape out and holds no lock.
    tape: Option<Pin<Box<Tape<B>>>>,
    /// The number of readers that have begun.
    begun: u64,
    /// The number of the current reader. Readers are numbered from 1, in the order in which they began.
    reader: u64,
    /// The current reader's waker, if that reader waits for the inner body or for the end of an older reader's poll.
    parked: Option<Waker>,
}

/// The tape while a reader uses it. Dropping the lease gives the tape back.
pub(super) struct Lease<'a, B> {
    shared: &'a SharedBody<B>,
    reader: u64,
    tape: Option<Pin<Box<Tape<B>>>>,
    /// Stays `false` if the inner body panics.
    finished: bool,
}

/// The answer to a reader that asks for the tape.
pub(super) enum Asked<'a, B> {
    Lease(Lease<'a, B>),
    /// An older reader is inside its poll and is cut off. Its end wakes the waker.
    Busy,
    /// A newer reader has begun.
    CutOff,
    /// The tape no longer has the whole body. The current reader continues.
    NotKept,
}

impl<B> SharedBody<B> {
    pub(super) fn new(body: B, cap: usize) -> Self {
        let tape = Some(Box::pin(Tape::new(body, cap)));
        Self { slot: Mutex::new(Slot { tape, begun: 0, reader: 0, parked: None }) }
    }

    /// Takes the tape for the reader `number`. A new reader passes 0 and gets its number here.
    pub(super) fn take(&self, number: &mut u64, cx: &Context<'_>) -> Asked<'_, B> {
        let mut slot = self.lock();
        let mut cut_off = None;
        if *number == 0 {
            if slot.tape.as_ref().is_some_and(|tape| !tape.is_whole()) {
                return Asked::NotKept;
            }
            slot.begun += 1;
            slot.reader = slot.begun;
            *number = slot.reader;
            cut_off = slot.parked.take();
        }
        if slot.reader != *number {
            return Asked::CutOff;
        }
        let tape = slot.tape.take();
        drop(slot);
        // The task of the older reader must learn that its body has ended: it may hold a connection.
        wake(cut_off);
        match tape {
            Some(tape) => Asked::Lease(Lease { shared: self, reader: *number, tape: Some(tape), finished: false }),
            None => self.wait(*number, cx),
        }
    }

    /// Waits for a reader in another thread.
    fn wait(&self, number: u64, cx: &Context<'_>) -> Asked<'_, B> {
        // A waker is user code: it is cloned before the lock is taken, and the old waker is dropped after.
        let waker = cx.waker().clone();
        let mut slot = self.lock();
        if slot.reader != number {
            return Asked::CutOff;
        }
        if let Some(tape) = slot.tape.take() {
            drop(slot);
            return Asked::Lease(Lease { shared: self, reader: number, tape: Some(tape), finished: false });
        }
        let old = slot.parked.replace(waker);
        drop(slot);
        drop(old);
        Asked::Busy
    }

    /// Returns whether a new reader could begin. Returns `true` during a read, because its result is not known yet.
    pub(super) fn is_whole(&self) -> bool {
        self.lock().tape.as_ref().is_none_or(|tape| tape.is_whole())
    }

    fn lock(&self) -> MutexGuard<'_, Slot<B>> {
        // No code that holds the lock panics.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the tape back, and returns whether its reader was cut off meanwhile.
    fn give_back(&self, reader: u64, tape: Option<Pin<Box<Tape<B>>>>, parked: Option<Waker>) -> bool {
        let mut slot = self.lock();
        let has_other = slot.reader != reader;
        // If only this reader can read on from the tape, it stays the current reader, and a newer reader is rejected.
        let is_heir = tape.as_ref().is_some_and(|tape| tape.is_lost_to(reader));
        if is_heir {
            slot.reader = reader;
        }
        slot.tape = tape;
        let parked = mem::replace(&mut slot.parked, if has_other { None } else { parked });
        drop(slot);
        if has_other {
            wake(parked);
        }
        has_other && !is_heir
    }
}

impl<B> Lease<'_, B> {
    /// Returns the tape.
    pub(super) fn tape(&mut self) -> Pin<&mut Tape<B>> {
        self.tape.as_mut().expect("it is there until it is given back").as_mut()
    }

    /// Gives the tape back, and returns whether a newer reader cut this reader off. With a waker, this reader waits.
    pub(super) fn finish(mut self, parked: Option<Waker>) -> bool {
        self.finished = true;
        self.shared.give_back(self.reader, self.tape.take(), parked)
    }
}

impl<B> Drop for Lease<'_, B> {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        // After a panic, the state of the inner body is unknown.
        let mut tape = self.tape.take();
        if let Some(tape) = &mut tape {
            tape.as_mut().lose();
        }
        self.shared.give_back(self.reader, tape, None);
    }
}

/// Returns whether another copy of the body exists.
pub(super) fn has_copies<B>(shared: &Arc<SharedBody<B>>) -> bool {
    Arc::strong_count(shared) > 1
}

impl<B> fmt::Debug for SharedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBody").finish_non_exhaustive()
    }
}
