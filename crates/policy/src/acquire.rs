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

/// A caller's place at a gate where one may have to wait. Dropped, it gives the place up.
pub trait Queue {
    /// What waits for instants.
    type Timer: Timer;
    /// What there is to be had.
    type Leave;
    /// Why there is nothing to be had, before anyone was told.
    type Refusal;

    /// What waits for instants.
    fn timer(&self) -> &Self::Timer;

    /// Asks whether the turn has come, and if not, has `waker` woken when it does. Not asked again after it has.
    fn poll_turn(&mut self, waker: &Waker) -> Turn<Self::Leave, Self::Refusal>;

    /// Counts a refused call, and tells of it.
    fn refuse(&self, refusal: Self::Refusal) -> Rejection;
}

/// What a look at the queue says.
#[derive(Debug)]
pub enum Turn<L, R> {
    /// The turn has come.
    Entered(L),
    /// It will not come.
    Refused(R),
    /// It may come at any time, by someone's waking, and at `until` the queue is to be asked anew in any case, which is
    /// [`Instant::MAX`] where time alone changes nothing.
    Wait {
        /// When to ask anew.
        until: Instant,
    },
}

pin_project! {
    /// Waits for a turn.
    #[must_use = "futures do nothing unless polled"]
    pub struct Acquire<Q: Queue> {
        queue: Q,
        until: Instant,
        // Made when there is first something to wait for.
        #[pin]
        sleep: Option<<Q::Timer as Timer>::Sleep>,
    }
}

impl<Q: Queue> Acquire<Q> {
    /// Takes its place in the queue with its first poll.
    pub const fn new(queue: Q) -> Self {
        Self { queue, until: Instant::MAX, sleep: None }
    }

    /// The place in the queue.
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
                // For ever needs no timer: whoever ends it wakes us.
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
    /// Waits for leave to make one call, or for its refusal, which is then counted and told.
    #[must_use = "futures do nothing unless polled"]
    pub struct Waiting<Q: Queue, G> {
        #[pin]
        turn: Acquire<Q>,
        gate: PhantomData<fn() -> G>,
    }
}

impl<Q: Queue, G> Waiting<Q, G> {
    /// Takes its place in the queue with its first poll.
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

/// Wakes them all. A waker that panics keeps neither the others nor whoever wakes them from going on.
pub fn wake(woken: impl IntoIterator<Item = Waker>) {
    woken.into_iter().for_each(|waker| contain(|| waker.wake()));
}
