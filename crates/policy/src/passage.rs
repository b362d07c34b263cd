use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use crate::Callee;
use pin_project_lite::pin_project;
use seawall_core::{Mark, Outcome, Rejection};

use crate::{
    Gate, Policy, Ticket,
    ticket::{Running, Slip},
};

/// A gate's handle inside a stack of policies, where a call takes no share of the gate.
pub trait Admit: Policy {
    /// The borrowed gate, which takes back a call's pass.
    type Shared: Gate<Pass = PassOf<Self>>;
    /// The wait of a call for its turn.
    type Wait: Future<Output = Result<Ticket<Self::Gate>, Rejection>>;

    /// Returns the gate, which takes back a call's pass.
    fn gate(&self) -> &Self::Shared;

    /// Returns whether a call that arrived now would be rejected, and would not wait. It changes nothing.
    fn refuses(&self) -> bool;

    /// Admits or rejects a call, or lets it wait.
    fn admit(&self) -> Admission<PassOf<Self>, Self::Wait>;
}

/// The pass of a call at the gate of `A`.
pub type PassOf<A> = <<A as Policy>::Gate as Gate>::Pass;

/// The answer of a gate to a call.
#[derive(Debug)]
pub enum Admission<P, W> {
    /// The call is admitted.
    Entered(P),
    /// The call is rejected. The rejection was counted and reported.
    Refused(Rejection),
    /// The call waits. It enters the queue with its first poll.
    Wait(W),
}

pin_project! {
    /// The state of a call at a gate, without the gate: the caller passes the gate to each poll.
    ///
    /// Dropping it does not return the pass. Call [`abandon`](Self::abandon) first.
    pub struct GateCall<C, P, W> {
        #[pin]
        state: GateCallState<C, P, W>,
    }
}

pin_project! {
    #[project = StateProj]
    enum GateCallState<C, P, W> {
        // The turn is polled, then the call begins. Boxed, because most calls never wait.
        Waiting { wait: Pin<Box<W>> },
        // The call is polled. Its result spends the pass.
        Running { #[pin] call: C, pass: Option<P> },
        // Nothing is polled. The first poll returns the rejection.
        Refused { rejection: Option<Rejection> },
        // The call was abandoned, or its beginning panicked.
        Ended,
    }
}

/// Abandons a pass when it is dropped, also if the drop of the call panics.
struct Leaving<'a, G: Gate> {
    gate: &'a G,
    pass: Option<G::Pass>,
}

impl<C, P, W> GateCall<C, P, W> {
    /// Asks the gate. An admitted call begins at once.
    #[inline(always)]
    pub fn begin<A>(policy: &A, callee: &mut impl Callee<Call = C>) -> Self
    where
        A: Admit<Shared: Gate<Pass = P>, Wait = W>,
        A::Gate: Gate<Pass = P>,
    {
        let state = match policy.admit() {
            Admission::Entered(pass) => GateCallState::enter(policy.gate(), pass, callee),
            Admission::Refused(rejection) => GateCallState::Refused { rejection: Some(rejection) },
            Admission::Wait(wait) => {
                callee.postpone();
                // Boxed, because most calls never wait, and the future would be larger by the wait and its timer.
                GateCallState::Waiting { wait: Box::pin(wait) }
            }
        };
        Self { state }
    }

    /// Polls the wait or the call. When the call is ready, `verdict` decides how the pass is returned. It gets a mark from before
    /// the poll; without a verdict the call counts as abandoned.
    ///
    /// # Panics
    ///
    /// If the call or the verdict panics, which counts as a failure; and if it is polled again after its end.
    #[inline(always)]
    pub fn poll<A, T>(
        mut self: Pin<&mut Self>,
        policy: &A,
        callee: &mut impl Callee<Call = C, Output = Result<T, Rejection>>,
        cx: &mut Context<'_>,
        verdict: impl FnOnce(&A::Shared, &Result<T, Rejection>, Mark) -> Option<Outcome>,
    ) -> Poll<Result<T, Rejection>>
    where
        A: Admit<Shared: Gate<Pass = P>, Wait = W>,
        A::Gate: Gate<Pass = P>,
        W: Future<Output = Result<Ticket<A::Gate>, Rejection>>,
    {
        if !matches!(self.state, GateCallState::Running { .. }) {
            if let Err(rejection) = ready!(self.as_mut().poll_entrance(policy, callee, cx)) {
                return Poll::Ready(Err(rejection));
            }
        }
        let StateProj::Running { call, pass } = self.project().state.project() else { panic!("{ENDED}") };
        let mark = Mark::here();
        Slip { gate: policy.gate(), pass }.poll(|| callee.poll(call, cx), |gate, result| verdict(gate, result, mark))
    }

    /// Waits for the turn, and begins the call.
    // Out of line, because its frame would burden the calls that need not wait.
    #[inline(never)]
    fn poll_entrance<A>(
        self: Pin<&mut Self>,
        policy: &A,
        callee: &mut impl Callee<Call = C>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Rejection>>
    where
        A: Admit<Shared: Gate<Pass = P>, Wait = W>,
        A::Gate: Gate<Pass = P>,
        W: Future<Output = Result<Ticket<A::Gate>, Rejection>>,
    {
        let mut state = self.project().state;
        let entered = match state.as_mut().project() {
            StateProj::Running { .. } => return Poll::Ready(Ok(())),
            StateProj::Waiting { wait } => ready!(wait.as_mut().poll(cx)),
            StateProj::Refused { rejection } => Err(rejection.take().expect(ENDED)),
            StateProj::Ended => panic!("{ENDED}"),
        };
        // The wait is dropped before the call begins. If the beginning panics, nothing is polled again.
        state.set(GateCallState::Ended);
        let pass = entered?.take_pass().expect("nothing was spent of what was just had");
        state.set(GateCallState::enter(policy.gate(), pass, callee));
        Poll::Ready(Ok(()))
    }

    /// Ends a call that is about to be dropped: runs `abandon`, drops the inner call, and then returns the pass.
    pub fn abandon<A>(self: Pin<&mut Self>, policy: &A, abandon: impl FnOnce(Pin<&mut C>))
    where
        A: Admit<Shared: Gate<Pass = P>>,
        A::Gate: Gate<Pass = P>,
    {
        let mut state = self.project().state;
        if let StateProj::Running { call, pass } = state.as_mut().project() {
            let leaving = Leaving { gate: policy.gate(), pass: pass.take() };
            abandon(call);
            state.set(GateCallState::Ended);
            drop(leaving);
        }
    }
}

impl<C, P, W> GateCallState<C, P, W> {
    #[inline(always)]
    fn enter<G: Gate<Pass = P>>(gate: &G, pass: P, callee: &mut impl Callee<Call = C>) -> Self {
        let mut pass = Some(pass);
        let running = Running::new(gate, &mut pass);
        let call = callee.begin();
        running.done();
        Self::Running { call, pass }
    }
}

impl<G: Gate> Drop for Leaving<'_, G> {
    fn drop(&mut self) {
        Slip { gate: self.gate, pass: &mut self.pass }.abandon();
    }
}

impl<C, P, W> fmt::Debug for GateCall<C, P, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            GateCallState::Waiting { .. } => "waiting",
            GateCallState::Running { .. } => "running",
            GateCallState::Refused { .. } => "refused",
            GateCallState::Ended => "ended",
        };
        f.debug_tuple("GateCall").field(&state).finish()
    }
}

const ENDED: &str = "a call was polled after it had ended";
