use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use seawall_core::Mark;
use seawall_policy::{Admitted, Judge, LateCall, NotSent, QueuePolicy, Reject};
use tower_service::Service;

use super::{HeldBody, future::ResponseFuture};

pin_project! {
    /// A call that may have to wait for its turn at a gate, whose response goes on to hold its permit.
    ///
    /// The gate was asked when this was made. If the call need not wait, it is a [`ResponseFuture`] from its beginning.
    /// Dropped while it waits, it leaves the queue, and the inner call is not made.
    #[must_use = "futures do nothing unless polled"]
    pub struct LateBodyFuture<S: Service<Request>, Request, P: QueuePolicy, R> {
        #[pin]
        state: State<S, Request, S::Future, P, R>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, Request, F, P: QueuePolicy, R> {
        // The turn is polled, then the service.
        Late { late: LateCall<S, Request, P>, reject: Option<R> },
        // The call is polled, or its refusal.
        Running { #[pin] response: ResponseFuture<F, P::Gate, R> },
    }
}

impl<S: Service<Request>, Request, P: QueuePolicy, R> LateBodyFuture<S, Request, P, R> {
    pub(super) fn new(admitted: Admitted<S, Request, P>, reject: impl FnOnce() -> R) -> Self {
        let state = match admitted {
            Admitted::Sent(call, ticket) => State::Running { response: ResponseFuture::admitted(call, ticket) },
            Admitted::Refused(rejection) => State::Running { response: ResponseFuture::refused(rejection, reject()) },
            Admitted::Late(late) => State::Late { late, reject: Some(reject()) },
        };
        Self { state }
    }
}

impl<S, Request, P, R, B> Future for LateBodyFuture<S, Request, P, R>
where
    S: Service<Request, Response = Response<B>>,
    B: Body,
    P: QueuePolicy<Gate: Judge<Response<B>, S::Error>>,
    R: Reject<Response<B>, S::Error>,
{
    type Output = Result<Response<HeldBody<B, P::Gate>>, R::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let response = match self.as_mut().project().state.project() {
                StateProj::Running { response } => return response.poll(cx),
                StateProj::Late { late, reject } => {
                    let mark = Mark::here();
                    match ready!(late.as_mut().poll_sent(cx)) {
                        Ok((call, ticket)) => ResponseFuture::admitted(call, ticket),
                        Err(not_sent) => {
                            let result = match not_sent {
                                NotSent::Failed(error) => R::ran(Err(error), mark),
                                NotSent::Refused(rejection) => {
                                    reject.take().expect("a call is refused once").refused(rejection)
                                }
                            };
                            return Poll::Ready(result.map(|response| response.map(HeldBody::free)));
                        }
                    }
                }
            };
            self.as_mut().project().state.set(State::Running { response });
        }
    }
}

// By hand: derive would ask `Debug` of the user's future.
impl<S: Service<Request>, Request, P: QueuePolicy, R> fmt::Debug for LateBodyFuture<S, Request, P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = matches!(self.state, State::Late { .. });
        f.debug_struct("LateBodyFuture").field("waiting", &waiting).finish_non_exhaustive()
    }
}
