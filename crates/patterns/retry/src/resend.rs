use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use seawall_core::attempts::{Attempt, GaveUp};
use tower_service::Service;

use crate::Operation;

/// How a retry copies a request, so that it can send the request again.
///
/// Each `Fn(&Request) -> Option<Request>` implements it.
#[diagnostic::on_unimplemented(
    message = "a retry does not know whether it may send `{Request}` again",
    label = "this layer goes by the rule of the request's type, and the type has no rule",
    note = "choose on the layer: `.clone_all()` repeats every request, `.clone_request(|request| ..)` repeats a request if the function returns a copy",
    note = "or implement `seawall::retry::RepeatRequest` for your own type",
    note = "for an `http::Request` whose body is `Clone`: add `seawall-http`, and its rule repeats idempotent methods and requests with an `Idempotency-Key`; for other bodies see `seawall_http::ReplayLayer`"
)]
pub trait CloneRequest<Request> {
    /// Whether [`mark`](Self::mark) uses [`Attempt::elapsed`]. Each call then begins with a clock read.
    const NEEDS_TIME: bool = true;

    /// Returns a copy for the next attempt; `None` if the request cannot be sent a second time.
    fn clone_request(&self, request: &Request) -> Option<Request>;

    /// Returns whether a copy can still be sent after another attempt has failed. A copy may share a body with the request that was
    /// sent, and this body may have outgrown its buffer. If not, the result of the attempt is final. The default returns `true`.
    fn is_good(&self, _copy: &Request) -> bool {
        true
    }

    /// Marks a request with its attempt before it is sent. The default does nothing.
    fn mark(&self, _request: &mut Request, _attempt: Attempt) {}
}

/// Copies every request, for types that are `Clone`. Each request may then be sent again, a `POST` too.
#[derive(Debug, Clone, Copy, Default)]
pub struct CloneAll;

impl<Request: Clone> CloneRequest<Request> for CloneAll {
    const NEEDS_TIME: bool = false;

    fn clone_request(&self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}

impl<Request, F: Fn(&Request) -> Option<Request>> CloneRequest<Request> for F {
    const NEEDS_TIME: bool = false;

    fn clone_request(&self, request: &Request) -> Option<Request> {
        self(request)
    }
}

/// The sending of a request to a service, for each attempt by a clone of the service that was made ready.
pub struct Resend<S, Request, Q> {
    kept: NextAttempt<S, Request>,
    clone: Q,
}

/// The service and the request of the next attempt, or why no attempt is possible.
type NextAttempt<S, Request> = Result<(S, Request), GaveUp>;

impl<S, Request, Q> Resend<S, Request, Q>
where
    S: Service<Request> + Clone,
    Q: CloneRequest<Request> + Clone,
{
    /// Sends `request` by `service`, which was polled ready. Keeps a copy if another attempt may follow.
    #[inline(always)]
    pub fn first(
        &mut self,
        service: &mut S,
        mut request: Request,
        attempt: Attempt,
        may_follow: bool,
    ) -> Sent<S, Request> {
        self.kept = keep(service, &request, &self.clone, may_follow);
        self.clone.mark(&mut request, attempt);
        Sent { state: ResendState::Called { call: service.call(request) } }
    }
}

impl<S, Request, Q> Resend<S, Request, Q> {
    /// Creates a sending without a request. [`send`](Self::send) gives it one.
    pub fn never(clone: Q) -> Self {
        Self { kept: Err(GaveUp::NotRepeatable), clone }
    }

    /// Keeps `request` and `service` for the first attempt, which a later poll begins.
    pub fn send(&mut self, service: S, request: Request) {
        self.kept = Ok((service, request));
    }

    /// Returns the request of the next attempt.
    pub fn request(&self) -> Option<&Request> {
        self.kept.as_ref().ok().map(|(_, request)| request)
    }
}

impl<S, Request, Q> Operation for Resend<S, Request, Q>
where
    S: Service<Request> + Clone,
    Q: CloneRequest<Request>,
{
    type Output = S::Response;
    type Error = S::Error;
    type Future = Sent<S, Request>;

    const NEEDS_TIME: bool = Q::NEEDS_TIME;

    fn attempt(&mut self, attempt: Attempt, may_follow: impl FnOnce() -> bool) -> Sent<S, Request> {
        let kept = mem::replace(&mut self.kept, Err(GaveUp::NotRepeatable));
        let (service, mut request) = kept.expect("it is asked before whether it can be sent again");
        self.kept = keep(&service, &request, &self.clone, may_follow());
        self.clone.mark(&mut request, attempt);
        Sent { state: ResendState::Unready { service, request: Some(request) } }
    }

    fn obstacle(&self) -> Option<GaveUp> {
        match &self.kept {
            Ok((_, request)) if self.clone.is_good(request) => None,
            Ok(_) => Some(GaveUp::NotRepeatable),
            Err(gave_up) => Some(*gave_up),
        }
    }
}

fn keep<S: Clone, Request>(
    service: &S,
    request: &Request,
    clone: &impl CloneRequest<Request>,
    may_follow: bool,
) -> NextAttempt<S, Request> {
    if !may_follow {
        // After the last attempt the retry does not ask.
        return Err(GaveUp::Budget);
    }
    let copy = clone.clone_request(request).ok_or(GaveUp::NotRepeatable)?;
    Ok((service.clone(), copy))
}

pin_project! {
    /// The future of a sent request: the service is made ready, and then called.
    #[must_use = "futures do nothing unless polled"]
    pub struct Sent<S: Service<Request>, Request> {
        #[pin]
        state: ResendState<S, S::Future, Request>,
    }
}

pin_project! {
    #[project = StateProj]
    enum ResendState<S, F, Request> {
        // The service is polled ready.
        Unready { service: S, request: Option<Request> },
        // The call is polled.
        Called { #[pin] call: F },
    }
}

impl<S: Service<Request>, Request> Future for Sent<S, Request> {
    type Output = Result<S::Response, S::Error>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        if let StateProj::Unready { service, request } = state.as_mut().project() {
            ready!(service.poll_ready(cx))?;
            let call = service.call(request.take().expect("it is taken once, by the poll that leaves this state"));
            state.set(ResendState::Called { call });
        }
        match state.project() {
            StateProj::Called { call } => call.poll(cx),
            StateProj::Unready { .. } => unreachable!("it was just called"),
        }
    }
}

// By hand: derive would ask `Debug` of the user's service and request.
impl<S, Request, Q> fmt::Debug for Resend<S, Request, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resend").field("can_repeat", &self.kept.is_ok()).finish_non_exhaustive()
    }
}

impl<S: Service<Request>, Request> fmt::Debug for Sent<S, Request> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let called = matches!(self.state, ResendState::Called { .. });
        f.debug_struct("Sent").field("called", &called).finish_non_exhaustive()
    }
}
