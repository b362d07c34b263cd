use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use pin_project_lite::pin_project;
use seawall_core::{
    Rejection,
    observe::contain,
    time::{Instant, Timer},
};

use crate::{Gate, Ticket};

/// A caller's place in a gate's queue. Dropping it leaves the queue.
pub trait Queue {
    /// The clock whose timers end the wait.
    type Timer: Timer;
    /// What an admitted caller gets, such as a ticket.
    type Leave;
    /// Why the gate rejects the caller, before the rejection is counted and reported.
    type Refusal;

    /// Returns the clock whose timers end the wait.
    fn timer(&self) -> &Self::Timer;

    /// Returns whether the caller's turn has come. If not, the gate wakes `waker` when the turn may have come. The caller does not
    /// ask again after its turn has come, or after a rejection.
    fn poll_turn(&mut self, waker: &Waker) -> Turn<Self::Leave, Self::Refusal>;

    /// Counts and reports a rejected call, and returns its rejection.
    fn refuse(&self, refusal: Self::Refusal) -> Rejection;
}

/// The answer of a queue to a caller that asks for its turn.
#[derive(Debug)]
pub enum Turn<L, R> {
    /// The caller is admitted.
    Entered(L),
    /// The caller is rejected.
    Refused(R),
    /// The caller waits. It asks again when it is woken, and at `until` at the latest. [`Instant::MAX`] means that only a wake-up
    /// can change the answer.
    Wait {
        /// When to ask again at the latest.
        until: Instant,
    },
}

pin_project! {
    /// Waits for a caller's turn at a gate.
    ///
    /// It enters the queue with its first poll. Dropping it leaves the queue.
    #[must_use = "futures do nothing unless polled"]
    pub struct Acquire<Q: Queue> {
        queue: Q,
        until: Instant,
        // The first wait makes it.
        #[pin]
        sleep: Option<<Q::Timer as Timer>::Sleep>,
    }
}

impl<Q: Queue> Acquire<Q> {
    /// Creates a wait. It enters the queue with its first poll.
    pub const fn new(queue: Q) -> Self {
        Self { queue, until: Instant::MAX, sleep: None }
    }

    /// Returns the place in the queue.
    pub const fn queue(&self) -> &Q {
        &self.queue
    }
}

impl<Q: Queue> Future for Acquire<Q> {
    type Output = Result<Q::Leave, Q::Refusal>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mut timers = 0;
        loop {
            let until = match this.queue.poll_turn(cx.waker()) {
                Turn::Entered(leave) => return Poll::Ready(Ok(leave)),
                Turn::Refused(refusal) => return Poll::Ready(Err(refusal)),
                Turn::Wait { until } => until,
            };
            if *this.until != until || this.sleep.is_none() {
                if timers == MAX_AT_ONCE {
                    // Timers that end too early must not keep the thread.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                timers += 1;
                *this.until = until;
                // A wait without an end needs no timer: the thread that ends it wakes this task.
                this.sleep.set((until != Instant::MAX).then(|| this.queue.timer().sleep_until(until)));
            }
            let Some(sleep) = this.sleep.as_mut().as_pin_mut() else { return Poll::Pending };
            ready!(sleep.poll(cx));
            this.sleep.set(None);
        }
    }
}

/// How many timers one poll makes at most.
const MAX_AT_ONCE: u32 = 16;

pin_project! {
    /// Waits for a caller's turn, and gives the call's ticket. A rejection is counted and reported.
    #[must_use = "futures do nothing unless polled"]
    pub struct Waiting<Q: Queue, G> {
        #[pin]
        turn: Acquire<Q>,
        gate: PhantomData<fn() -> G>,
    }
}

impl<Q: Queue, G> Waiting<Q, G> {
    /// Creates a wait. It enters the queue with its first poll.
    pub const fn new(queue: Q) -> Self {
        Self { turn: Acquire::new(queue), gate: PhantomData }
    }
}

impl<G: Gate, Q: Queue<Leave: Into<Ticket<G>>>> Future for Waiting<Q, G> {
    type Output = Result<Ticket<G>, Rejection>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut turn = self.project().turn;
        let leave = ready!(turn.as_mut().poll(cx));
        Poll::Ready(leave.map(Into::into).map_err(|refusal| turn.queue().refuse(refusal)))
    }
}

impl<Q: Queue, G> fmt::Debug for Waiting<Q, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Waiting").field(&self.turn).finish()
    }
}

impl<Q: Queue> fmt::Debug for Acquire<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire").field("until", &self.until).finish_non_exhaustive()
    }
}

/// Wakes all tasks of `woken`. If a waker panics, the others are woken all the same, and the calling thread goes on.
pub fn wake(woken: impl IntoIterator<Item = Waker>) {
    woken.into_iter().for_each(|waker| contain(|| waker.wake()));
}
