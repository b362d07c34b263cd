use std::{future::Future, pin::Pin, time::Duration};

use seawall_core::{Rejection, time::Instant};

use crate::{Answer, Gate, Queue, Ticket};

/// A gate's handle, as [`GateService`](crate::GateService) sees it.
pub trait Policy: Clone {
    /// What takes a call's leave back.
    type Gate: Gate;
    /// What `poll_ready` holds for the call that follows, where it waits.
    type Reserved;
    /// Why a call would not be let in, before anyone was told.
    type Refusal;

    /// Whether `poll_ready` asks the policy before the inner service. Then a full policy is ready to refuse, and takes no
    /// capacity of the inner service. If not, the call alone asks the policy, once.
    const ASKED_IN_READY: bool = true;

    /// Asks for a call, at once.
    ///
    /// # Errors
    ///
    /// The rejection of a call that is refused; it has been counted and told.
    fn enter(&self) -> Result<Ticket<Self::Gate>, Rejection>;

    /// What a call that arrived now would be refused with. Changes nothing.
    fn refusal(&self) -> Option<Self::Refusal>;

    /// Refuses a call with that, counts it and tells of it.
    fn refuse(&self, refusal: Self::Refusal) -> Rejection;

    /// Reserves leave for a call, where it can be had at once.
    fn reserve(&self) -> Option<Self::Reserved>;

    /// Whether what was reserved is still good.
    fn is_good(&self, _reserved: &Self::Reserved) -> bool {
        true
    }

    /// Makes use of what was reserved.
    ///
    /// # Errors
    ///
    /// As of [`enter`](Self::enter), where what was reserved is no more than a hope.
    fn spend(&self, reserved: Self::Reserved) -> Result<Ticket<Self::Gate>, Rejection>;
}

/// A policy whose calls can wait for their turn in their own future.
pub trait QueuePolicy: Policy {
    /// A call's place in the queue.
    type Queue: Queue<Leave: Into<Ticket<Self::Gate>>>;

    /// Asks for a call: its permit, its rejection, or a place in the queue that the call takes with its first poll.
    fn enter_or_wait(&self) -> Answer<Self::Gate, Self::Queue>;
}

/// A policy whose services can wait in `poll_ready`.
pub trait Patient: Policy {
    /// Waits for what [`reserve`](Policy::reserve) could not give.
    fn wait(&self, patience: WaitLimit) -> BoxedWait<Self>;
}

/// How long a service waits in `poll_ready`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitLimit {
    /// As the policy says, and then the call is refused.
    Configured,
    /// Until there is room, however long that takes and however many wait.
    Unlimited,
}

impl WaitLimit {
    /// What a wait that begins `now` goes by, under a policy whose longest wait is `max_wait`: whether it counts against the
    /// queue's limit, and when it ends at the latest.
    pub fn terms(self, max_wait: Option<Duration>, now: Instant) -> (bool, Instant) {
        match self {
            Self::Configured => (true, max_wait.map_or(Instant::MAX, |max_wait| now + max_wait)),
            Self::Unlimited => (false, Instant::MAX),
        }
    }
}

/// A wait in `poll_ready`. Boxed, as `poll_ready` has no pinned self; made only where there is something to wait for.
pub type BoxedWait<P> =
    Pin<Box<dyn Future<Output = Result<<P as Policy>::Reserved, <P as Policy>::Refusal>> + Send + Sync>>;
