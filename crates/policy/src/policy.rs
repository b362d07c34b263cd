use std::{future::Future, pin::Pin, time::Duration};

use seawall_core::{Rejection, time::Instant};

use crate::{Answer, Gate, Queue, Ticket};

/// A gate's handle for [`GateService`](crate::GateService). Clones share the gate.
pub trait Policy: Clone {
    /// The gate that takes back a call's pass, as a call owns it.
    type Gate: Gate;
    /// What `poll_ready` holds for the next call, if the service waits in `poll_ready`.
    type Reserved;
    /// Why the gate rejects a call, before the rejection is counted and reported.
    type Refusal;

    /// Whether `poll_ready` asks the policy before the inner service. Then a full policy is ready to refuse, and takes no
    /// capacity of the inner service. If not, the call alone asks the policy, once.
    const ASKED_IN_READY: bool = true;

    /// Admits or rejects a call at once.
    ///
    /// # Errors
    ///
    /// The rejection of a call that is not admitted. It was counted and reported.
    fn enter(&self) -> Result<Ticket<Self::Gate>, Rejection>;

    /// Returns why a call that arrived now would be rejected, or `None` if it would be admitted. It changes nothing.
    fn refusal(&self) -> Option<Self::Refusal>;

    /// Counts and reports a call that is rejected for this reason, and returns its rejection.
    fn refuse(&self, refusal: Self::Refusal) -> Rejection;

    /// Reserves a pass for the next call, or returns `None` if no pass is free now.
    fn reserve(&self) -> Option<Self::Reserved>;

    /// Returns whether the reservation is still valid.
    fn is_good(&self, _reserved: &Self::Reserved) -> bool {
        true
    }

    /// Admits a call with its reservation.
    ///
    /// # Errors
    ///
    /// Same as [`enter`](Self::enter), if the reservation is not binding, as a circuit breaker's.
    fn spend(&self, reserved: Self::Reserved) -> Result<Ticket<Self::Gate>, Rejection>;
}

/// A policy whose calls can wait for their turn in their own future.
pub trait QueuePolicy: Policy {
    /// The place of a call in the queue.
    type Queue: Queue<Leave: Into<Ticket<Self::Gate>>>;

    /// Admits or rejects a call, or returns a place in the queue. The call enters the queue with its first poll.
    fn enter_or_wait(&self) -> Answer<Self::Gate, Self::Queue>;
}

/// A policy whose services can wait in `poll_ready`.
pub trait Patient: Policy {
    /// Waits for the pass that [`reserve`](Policy::reserve) could not give.
    fn wait(&self, patience: WaitLimit) -> BoxedWait<Self>;
}

/// How long a service waits in `poll_ready`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitLimit {
    /// As long as the policy's own setting allows. Then the call is rejected.
    Configured,
    /// Until there is room, for any length of time and with any number of waiting calls.
    Unlimited,
}

impl WaitLimit {
    /// Returns the terms of a wait that begins at `now`, under a policy whose longest wait is `max_wait`: whether the wait counts
    /// against the queue's limit, and when it ends at the latest.
    pub fn terms(self, max_wait: Option<Duration>, now: Instant) -> (bool, Instant) {
        match self {
            Self::Configured => (true, max_wait.map_or(Instant::MAX, |max_wait| now + max_wait)),
            Self::Unlimited => (false, Instant::MAX),
        }
    }
}

/// A wait in `poll_ready`. It is boxed, because `poll_ready` has no pinned `self`. A service makes it only if it must wait.
pub type BoxedWait<P> =
    Pin<Box<dyn Future<Output = Result<<P as Policy>::Reserved, <P as Policy>::Refusal>> + Send + Sync>>;
