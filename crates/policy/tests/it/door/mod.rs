//! A gate as an author outside of seawall writes it: a door with a few places, and a line of calls in front of it.

mod line;

pub(crate) use line::InLine;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    task::Waker,
    time::Duration,
};

use seawall_core::{Error, FromRejection, Mark, Name, Outcome, Rejection, TimedOut, time::ManualClock};
use seawall_policy::{
    Acquire, Admission, Admit, Answer, BoxedWait, Gate, GateLayer, Judge, KeepError, Patient, Policy, QueueLayer,
    QueuePolicy, Ticket, WaitLimit, Waiting, WrapError, future::QueuedFuture, queue, wake,
};

/// The door's handle. Clones are the same door.
#[derive(Clone)]
pub(crate) struct Door(Arc<Shared>);

struct Shared {
    clock: ManualClock,
    /// How long a call waits for a place; `None` if a call does not wait.
    max_wait: Option<Duration>,
    hooks: Hooks,
    state: Mutex<State>,
}

/// A user's code, which may panic.
#[derive(Clone, Copy)]
pub(crate) struct Hooks {
    pub(crate) judge: fn(is_ok: bool) -> Outcome,
    pub(crate) exit: fn(),
    pub(crate) abandon: fn(),
}

#[derive(Default)]
struct State {
    places: usize,
    taken: usize,
    /// The places in the line, in the order of coming.
    line: VecDeque<(u64, Waker)>,
    arrivals: u64,
    counts: Counts,
}

/// What has become of the calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) succeeded: u32,
    pub(crate) failed: u32,
    pub(crate) ignored: u32,
    pub(crate) abandoned: u32,
    pub(crate) rejected: u32,
}

/// A place inside. It is no `Copy` type, so that the door sees each place again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place;

/// Why a call does not enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// The future of `execute` and `call`.
pub(crate) type Call<F, O, R> = QueuedFuture<F, O, InLine, Door, R>;

impl Default for Hooks {
    fn default() -> Self {
        let judge = |is_ok| if is_ok { Outcome::Success } else { Outcome::Failure };
        Self { judge, exit: || (), abandon: || () }
    }
}

// ===== impl Door =====

impl Door {
    /// A door with so many places. A call that finds none is rejected.
    pub(crate) fn new(places: usize) -> Self {
        Self::with(places, None, &ManualClock::new(), Hooks::default())
    }

    /// A door in front of which a call waits for at most `max_wait`.
    pub(crate) fn with_line(places: usize, max_wait: Duration, clock: &ManualClock) -> Self {
        Self::with(places, Some(max_wait), clock, Hooks::default())
    }

    pub(crate) fn with(places: usize, max_wait: Option<Duration>, clock: &ManualClock, hooks: Hooks) -> Self {
        let state = Mutex::new(State { places, ..State::default() });
        Self(Arc::new(Shared { clock: clock.clone(), max_wait, hooks, state }))
    }

    pub(crate) fn execute<F, O: FnOnce() -> F>(&self, operation: O) -> Call<F, O, WrapError> {
        queue(self.answer(), operation, || WrapError)
    }

    pub(crate) fn call<F, O, T, E>(&self, operation: O) -> Call<F, O, KeepError>
    where
        F: Future<Output = Result<T, E>>,
        O: FnOnce() -> F,
        E: FromRejection,
    {
        queue(self.answer(), operation, || KeepError)
    }

    pub(crate) fn execute_blocking<T, E>(&self, call: impl FnOnce() -> Result<T, E>) -> Result<T, Error<E>> {
        self.enter().map_err(Error::Rejected)?.execute(call)
    }

    pub(crate) fn layer(&self) -> GateLayer<Self> {
        GateLayer::new(self.clone())
    }

    /// A layer whose calls wait in line in their own futures.
    pub(crate) fn queue_layer(&self) -> QueueLayer<Self> {
        QueueLayer::new(self.clone())
    }

    /// Opens or takes away places. Wakes the calls whose turn has come.
    pub(crate) fn set_places(&self, places: usize) {
        let mut state = self.lock();
        state.places = places;
        let woken = state.next();
        drop(state);
        wake(woken);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// Returns how many calls are inside, and how many wait.
    pub(crate) fn taken_and_waiting(&self) -> (usize, usize) {
        let state = self.lock();
        (state.taken, state.line.len())
    }

    /// What a call meets.
    fn answer(&self) -> Answer<Self, InLine> {
        match self.try_enter() {
            Ok(ticket) => Answer::Now(Ok(ticket)),
            Err(Full) if self.0.max_wait.is_some() => Answer::Later(self.in_line(WaitLimit::Configured)),
            Err(Full) => Answer::Now(Err(self.refuse(Full))),
        }
    }

    pub(crate) fn try_enter(&self) -> Result<Ticket<Self>, Full> {
        let mut state = self.lock();
        if state.is_full() {
            return Err(Full);
        }
        state.taken += 1;
        Ok(Ticket::new(self.clone(), Place))
    }

    pub(crate) fn in_line(&self, patience: WaitLimit) -> InLine {
        InLine::new(self, patience)
    }

    fn leave(&self, count: impl FnOnce(&mut Counts) -> &mut u32) {
        let mut state = self.lock();
        state.taken -= 1;
        *count(&mut state.counts) += 1;
        let woken = state.next();
        drop(state);
        wake(woken);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("no code that panics runs under the lock")
    }
}

impl State {
    /// Says whether a call that comes now finds no place, because each free place is the turn of a call in the line.
    fn is_full(&self) -> bool {
        self.taken + self.line.len() >= self.places
    }

    /// Returns the wakers of the calls whose turn has come.
    fn next(&self) -> Vec<Waker> {
        let free = self.places.saturating_sub(self.taken);
        self.line.iter().take(free).map(|(_, waker)| waker.clone()).collect()
    }
}

impl Gate for Door {
    type Pass = Place;

    fn exit(&self, Place: Place, outcome: Outcome) {
        self.leave(|counts| match outcome {
            Outcome::Success => &mut counts.succeeded,
            Outcome::Failure => &mut counts.failed,
            Outcome::Ignored => &mut counts.ignored,
        });
        (self.0.hooks.exit)();
    }

    fn abandon(&self, Place: Place) {
        self.leave(|counts| &mut counts.abandoned);
        (self.0.hooks.abandon)();
    }
}

impl<T, E> Judge<T, E> for Door {
    fn judge(&self, result: &Result<T, E>, _: Mark) -> Option<Outcome> {
        Some((self.0.hooks.judge)(result.is_ok()))
    }
}

impl Policy for Door {
    type Gate = Self;
    type Reserved = Ticket<Self>;
    type Refusal = Full;

    fn enter(&self) -> Result<Ticket<Self>, Rejection> {
        self.try_enter().map_err(|full| self.refuse(full))
    }

    fn refusal(&self) -> Option<Full> {
        self.lock().is_full().then_some(Full)
    }

    fn refuse(&self, Full: Full) -> Rejection {
        self.lock().counts.rejected += 1;
        // The one rejection that any crate can make: a limit of no time.
        TimedOut::new(Name::from("door"), Duration::ZERO, Duration::ZERO).into()
    }

    fn reserve(&self) -> Option<Ticket<Self>> {
        self.try_enter().ok()
    }

    fn spend(&self, reserved: Ticket<Self>) -> Result<Ticket<Self>, Rejection> {
        Ok(reserved)
    }
}

impl Admit for Door {
    type Shared = Self;
    type Wait = Waiting<InLine, Self>;

    fn gate(&self) -> &Self {
        self
    }

    fn refuses(&self) -> bool {
        self.0.max_wait.is_none() && self.refusal().is_some()
    }

    fn admit(&self) -> Admission<Place, Waiting<InLine, Self>> {
        match self.answer() {
            Answer::Now(Ok(mut ticket)) => Admission::Entered(ticket.take_pass().expect("the ticket is new")),
            Answer::Now(Err(rejection)) => Admission::Refused(rejection),
            Answer::Later(place) => Admission::Wait(Waiting::new(place)),
        }
    }
}

impl QueuePolicy for Door {
    type Queue = InLine;

    fn enter_or_wait(&self) -> Answer<Self, InLine> {
        self.answer()
    }
}

impl Patient for Door {
    fn wait(&self, patience: WaitLimit) -> BoxedWait<Self> {
        Box::pin(Acquire::new(self.in_line(patience)))
    }
}
