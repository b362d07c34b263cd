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

/// A gate's handle, as a stack of policies sees it: a call takes no share of the gate.
pub trait Admit: Policy {
    /// What takes a call's leave back, borrowed.
    type Shared: Gate<Pass = PassOf<Self>>;
    /// A call's wait for its turn.
    type Wait: Future<Output = Result<Ticket<Self::Gate>, Rejection>>;

    /// What takes a call's leave back.
    fn gate(&self) -> &Self::Shared;

    /// Whether a call that arrived now would be refused, and not wait. Changes nothing.
    fn refuses(&self) -> bool;

    /// Asks for a call.
    fn admit(&self) -> Admission<PassOf<Self>, Self::Wait>;
}

/// Leave to make one call.
pub type PassOf<A> = <<A as Policy>::Gate as Gate>::Pass;

/// What a call meets at a gate.
#[derive(Debug)]
pub enum Admission<P, W> {
    /// Leave.
    Entered(P),
    /// None; the rejection has been counted and told.
    Refused(Rejection),
    /// A place in the queue, to be taken by a poll.
    Wait(W),
}

pin_project! {
    /// A call on its way through a gate, which whoever polls it hands over.
    ///
    /// Dropped by itself it gives nothing back: [`abandon`](Self::abandon) does.
    pub struct GateCall<C, P, W> {
        #[pin]
        state: GateCallState<C, P, W>,
    }
}

pin_project! {
    #[project = StateProj]
    enum GateCallState<C, P, W> {
        // The turn is polled; then the call begins. Boxed, as most calls never wait.
        Waiting { wait: Pin<Box<W>> },
        // The call is polled; the pass is spent with its result.
        Running { #[pin] call: C, pass: Option<P> },
        // Nothing is polled; the rejection is given out once.
        Refused { rejection: Option<Rejection> },
        // It was abandoned, or beginning it panicked.
        Ended,
    }
}

/// A pass on its way back, also if the call's own end panics.
struct Leaving<'a, G: Gate> {
    gate: &'a G,
    pass: Option<G::Pass>,
}

impl<C, P, W> GateCall<C, P, W> {
    /// Asks the gate; with leave, the call begins at once.
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
                // A box, as most calls never wait, and their futures would be larger by it and a timer.
                GateCallState::Waiting { wait: Box::pin(wait) }
            }
        };
        Self { state }
    }

    /// Polls what there is to be polled. The pass is spent by `verdict`, which gets a mark from before the call's poll; where
    /// that is none, the call counts as abandoned.
    ///
    /// # Panics
    ///
    /// As the call or the verdict does, which then counts as a failure; and if it was polled to its end before.
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

    /// Waits for its turn, and begins the call.
    // Out of line, as its frame would burden those calls that need not wait.
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
        // First the wait goes, then the call comes; and nothing is polled again where to begin it panics.
        state.set(GateCallState::Ended);
        let pass = entered?.take_pass().expect("nothing was spent of what was just had");
        state.set(GateCallState::enter(policy.gate(), pass, callee));
        Poll::Ready(Ok(()))
    }

    /// It is about to be dropped: drops the call, after `abandon` was run, and then gives its leave back.
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
