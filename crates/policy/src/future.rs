//! Future types, and the driver of a call.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use crate::Reject;
use pin_project_lite::pin_project;
use seawall_core::{Mark, Rejection};
use tower_service::Service;

use crate::{Gate, Judge, Late, NotSent, Queue, Ticket, Waiting};

/// Makes an admitted call, or a rejected one: the driver of `execute`, `call` and the tower service.
///
/// With a ticket, `call` runs at once, and the returned future polls what `call` made. A panic of `call` counts as a failure.
/// With a rejection, `call` does not run.
#[inline]
pub fn drive<F, G: Gate, R>(
    leave: Result<Ticket<G>, Rejection>,
    call: impl FnOnce() -> F,
    reject: impl FnOnce() -> R,
) -> ResponseFuture<F, G, R> {
    match leave {
        Ok(mut ticket) => ResponseFuture { state: State::Admitted { call: ticket.run(call), ticket } },
        Err(rejection) => ResponseFuture::refused(rejection, reject()),
    }
}

/// The answer of a gate to a call that may wait.
#[derive(Debug)]
pub enum Answer<G: Gate, Q> {
    /// The gate admitted or rejected the call at once.
    Now(Result<Ticket<G>, Rejection>),
    /// The call waits. It enters the queue with its first poll.
    Later(Q),
}

/// Makes a call that may have to wait for its turn.
///
/// `call` runs at once if the call need not wait, and otherwise in the poll in which its turn comes.
#[inline]
pub fn queue<F, O, Q, G: Gate, R>(
    answer: Answer<G, Q>,
    call: O,
    reject: impl FnOnce() -> R,
) -> QueuedFuture<F, O, Q, G, R>
where
    O: FnOnce() -> F,
    Q: Queue,
{
    let state = match answer {
        Answer::Now(leave) => Queued::Running { response: drive(leave, call, reject) },
        // Boxed, because most calls never wait, and the future would be larger by the wait and its timer.
        Answer::Later(turn) => Queued::Waiting { turn: Box::pin(Waiting::new(turn)), call: Some((call, reject())) },
    };
    QueuedFuture { state }
}

pin_project! {
    /// A call that a gate admitted, or its rejection.
    ///
    /// The gate was asked when this future was made. The poll that returns the result also records it. A future that is dropped
    /// before its end abandons the call. A panic in the call counts as a failure and goes on.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, G: Gate, R> {
        #[pin]
        state: State<F, G, R>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, G: Gate, R> {
        // The call is polled. Its result spends the ticket.
        Admitted { #[pin] call: F, ticket: Ticket<G> },
        // Nothing is polled. The first poll returns the rejection.
        Refused { refusal: Option<(Rejection, R)> },
    }
}

pin_project! {
    /// A call that may have to wait for its turn at a gate.
    ///
    /// The gate was asked when this future was made. If there was room, the future is a [`ResponseFuture`] from its beginning.
    /// Otherwise it enters the queue with its first poll. If it is dropped while it waits, it leaves the queue, and the inner
    /// call is not made.
    #[must_use = "futures do nothing unless polled"]
    pub struct QueuedFuture<F, O, Q: Queue, G: Gate, R> {
        #[pin]
        state: Queued<F, O, Q, G, R>,
    }
}

pin_project! {
    #[project = QueuedProj]
    enum Queued<F, O, Q: Queue, G: Gate, R> {
        // The turn is polled. Boxed, because most calls never wait, and the future would be larger by the wait and its timer.
        Waiting { turn: Pin<Box<Waiting<Q, G>>>, call: Option<(O, R)> },
        // The call is polled, or its refusal.
        Running { #[pin] response: ResponseFuture<F, G, R> },
    }
}

pin_project! {
    /// The call of a service whose policy can make the call wait.
    ///
    /// The policy was asked when this was made. If the call need not wait, it is a [`ResponseFuture`] from its beginning.
    /// Otherwise it enters the queue with its first poll, and a clone of the service sends it. If it is dropped while it waits,
    /// it leaves the queue, and the inner call is not made.
    #[must_use = "futures do nothing unless polled"]
    pub struct LateFuture<S: Service<Request>, Request, Q: Queue, G: Gate, R> {
        #[pin]
        state: Sending<S, Request, S::Future, Q, G, R>,
    }
}

pin_project! {
    #[project = SendingProj]
    enum Sending<S, Request, F, Q: Queue, G: Gate, R> {
        // The turn is polled, then the service. Boxed, because most calls never wait.
        Late { late: Pin<Box<Late<S, Request, Q, G>>>, reject: Option<R> },
        // The call is polled, or its refusal.
        Running { #[pin] response: ResponseFuture<F, G, R> },
    }
}

impl<S: Service<Request>, Request, Q: Queue, G: Gate, R> LateFuture<S, Request, Q, G, R> {
    #[inline]
    pub(crate) fn running(response: ResponseFuture<S::Future, G, R>) -> Self {
        Self { state: Sending::Running { response } }
    }

    pub(crate) fn late(late: Pin<Box<Late<S, Request, Q, G>>>, reject: R) -> Self {
        Self { state: Sending::Late { late, reject: Some(reject) } }
    }
}

impl<F, G: Gate, R> ResponseFuture<F, G, R> {
    #[inline]
    pub(crate) fn refused(rejection: Rejection, reject: R) -> Self {
        Self { state: State::Refused { refusal: Some((rejection, reject)) } }
    }
}

impl<F, G, R, T, E> Future for ResponseFuture<F, G, R>
where
    F: Future<Output = Result<T, E>>,
    G: Judge<T, E>,
    R: Reject<T, E>,
{
    type Output = Result<T, R::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Admitted { call, ticket } => {
                let mark = Mark::here();
                let polled = ticket.slip().poll(|| call.poll(cx), |gate, result| gate.judge(result, mark));
                polled.map(|result| R::ran(result, mark))
            }
            StateProj::Refused { refusal } => {
                let (rejection, reject) = refusal.take().expect("a refused call was polled after it had ended");
                Poll::Ready(reject.refused(rejection))
            }
        }
    }
}

impl<F, O, Q, G, R, T, E> Future for QueuedFuture<F, O, Q, G, R>
where
    F: Future<Output = Result<T, E>>,
    O: FnOnce() -> F,
    Q: Queue<Leave: Into<Ticket<G>>>,
    G: Judge<T, E>,
    R: Reject<T, E>,
{
    type Output = Result<T, R::Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let response = match self.as_mut().project().state.project() {
                QueuedProj::Running { response } => return response.poll(cx),
                QueuedProj::Waiting { turn, call } => {
                    let leave = ready!(turn.as_mut().poll(cx));
                    let (call, reject) = call.take().expect("it is taken once, by the poll in which its turn comes");
                    drive(leave, call, || reject)
                }
            };
            self.as_mut().project().state.set(Queued::Running { response });
        }
    }
}

impl<S, Request, Q, G, R> Future for LateFuture<S, Request, Q, G, R>
where
    S: Service<Request>,
    Q: Queue<Leave: Into<Ticket<G>>>,
    G: Judge<S::Response, S::Error>,
    R: Reject<S::Response, S::Error>,
{
    type Output = Result<S::Response, R::Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let response = match self.as_mut().project().state.project() {
                SendingProj::Running { response } => return response.poll(cx),
                SendingProj::Late { late, reject } => {
                    let mark = Mark::here();
                    match ready!(late.as_mut().poll_sent(cx)) {
                        Ok((call, ticket)) => ResponseFuture { state: State::Admitted { call, ticket } },
                        Err(NotSent::Failed(error)) => return Poll::Ready(R::ran(Err(error), mark)),
                        Err(NotSent::Refused(rejection)) => {
                            let reject = reject.take().expect("a call is refused once");
                            return Poll::Ready(reject.refused(rejection));
                        }
                    }
                }
            };
            self.as_mut().project().state.set(Sending::Running { response });
        }
    }
}

// By hand: derive would ask `Debug` of the user's future, and of what the gate shares.
impl<F, G: Gate, R> fmt::Debug for ResponseFuture<F, G, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let admitted = matches!(self.state, State::Admitted { .. });
        f.debug_struct("ResponseFuture").field("admitted", &admitted).finish_non_exhaustive()
    }
}

impl<F, O, Q: Queue, G: Gate, R> fmt::Debug for QueuedFuture<F, O, Q, G, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = matches!(self.state, Queued::Waiting { .. });
        f.debug_struct("QueuedFuture").field("waiting", &waiting).finish_non_exhaustive()
    }
}

impl<S: Service<Request>, Request, Q: Queue, G: Gate, R> fmt::Debug for LateFuture<S, Request, Q, G, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = matches!(self.state, Sending::Late { .. });
        f.debug_struct("LateFuture").field("waiting", &waiting).finish_non_exhaustive()
    }
}
