use std::{
    fmt, mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
};

use seawall_policy::wake;

use super::tape::Tape;

/// What all copies of a body share. One of them reads at a time: the one that was the last to begin.
pub(super) struct SharedBody<B> {
    slot: Mutex<Slot<B>>,
}

struct Slot<B> {
    /// Taken while it is read from, so that no lock is held meanwhile.
    tape: Option<Pin<Box<Tape<B>>>>,
    /// How many have begun to read.
    begun: u64,
    /// Who reads, by the order in which they began, from 1.
    reader: u64,
    /// The reader, where it waits: for the inner body, or for one that it cut off to be out of its poll.
    parked: Option<Waker>,
}

/// The tape in a reader's hands. Dropped, it is given back.
pub(super) struct Lease<'a, B> {
    shared: &'a SharedBody<B>,
    reader: u64,
    tape: Option<Pin<Box<Tape<B>>>>,
    /// It is not finished if the inner body panics.
    finished: bool,
}

/// What a reader meets.
pub(super) enum Asked<'a, B> {
    Lease(Lease<'a, B>),
    /// Another one is just reading, and is cut off by this; the waker is woken when it is done.
    Busy,
    /// Another one has begun.
    CutOff,
    /// It has come too late to see the whole, and leaves the reader alone.
    NotKept,
}

impl<B> SharedBody<B> {
    pub(super) fn new(body: B, cap: usize) -> Self {
        let tape = Some(Box::pin(Tape::new(body, cap)));
        Self { slot: Mutex::new(Slot { tape, begun: 0, reader: 0, parked: None }) }
    }

    /// Takes the tape for the reader of that number, who gets one if it has none yet.
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
        // What drove the older one is to see that it is over: it may hold a connection.
        wake(cut_off);
        match tape {
            Some(tape) => Asked::Lease(Lease { shared: self, reader: *number, tape: Some(tape), finished: false }),
            None => self.wait(*number, cx),
        }
    }

    /// Waits for one that is reading in another thread.
    fn wait(&self, number: u64, cx: &Context<'_>) -> Asked<'_, B> {
        // Cloned before the lock is taken, and the old one dropped after it: a waker is a user's code.
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

    /// Whether a reader could still begin, as far as can be told: while one is reading, it is not known what that comes to.
    pub(super) fn is_whole(&self) -> bool {
        self.lock().tape.as_ref().is_none_or(|tape| tape.is_whole())
    }

    fn lock(&self) -> MutexGuard<'_, Slot<B>> {
        // Nothing under it panics.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the tape back; whether its reader has been cut off meanwhile.
    fn give_back(&self, reader: u64, tape: Option<Pin<Box<Tape<B>>>>, parked: Option<Waker>) -> bool {
        let mut slot = self.lock();
        let has_other = slot.reader != reader;
        // What this one has outgrown nobody else can read: whoever has begun meanwhile is refused, in its place.
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
    /// The tape.
    pub(super) fn tape(&mut self) -> Pin<&mut Tape<B>> {
        self.tape.as_mut().expect("it is there until it is given back").as_mut()
    }

    /// Gives the tape back, and says whether another reader has begun. With a waker, this one waits for more.
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
        // Nobody knows what the inner body has done when it panicked.
        let mut tape = self.tape.take();
        if let Some(tape) = &mut tape {
            tape.as_mut().lose();
        }
        self.shared.give_back(self.reader, tape, None);
    }
}

/// Whether there is a copy beside this one.
pub(super) fn has_copies<B>(shared: &Arc<SharedBody<B>>) -> bool {
    Arc::strong_count(shared) > 1
}

impl<B> fmt::Debug for SharedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBody").finish_non_exhaustive()
    }
}
