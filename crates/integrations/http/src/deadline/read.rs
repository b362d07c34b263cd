use std::{
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderMap, HeaderName, Request};
use seawall_core::{Deadline, deadline::Scope, time::Instant};
use tower_layer::Layer;
use tower_service::Service;

use super::{DeadlineHeader, GrpcTimeout, TimeoutMillis};

/// Makes the deadline that a request brings hold for its handler, in a server.
///
/// Everything that the handler calls then keeps to it: timeouts are cut to it, retries begin no attempt that it leaves no
/// time for, and [`Deadline::current`] says it. This layer itself ends nothing; an inner `Timeout` does.
///
/// An untrusted deadline is cut to `cap`. A header that cannot be read counts as `cap`, and of several headers the shortest
/// counts. A request without the header keeps the current deadline, if any. The time is taken when the request is
/// handed to the service.
///
/// The deadline applies to the future of the response. It does not apply to a body that is streamed afterwards.
///
/// ```
/// # use std::time::Duration;
/// use http::HeaderName;
/// use seawall_http::ReadDeadlineLayer;
///
/// let grpc = ReadDeadlineLayer::grpc(Duration::from_secs(30));
/// let http = ReadDeadlineLayer::millis(HeaderName::from_static("x-request-timeout-ms"), Duration::from_secs(30));
/// # let _ = (grpc, http);
/// ```
#[derive(Debug, Clone)]
pub struct ReadDeadlineLayer<H = GrpcTimeout> {
    header: H,
    cap: Duration,
}

/// A service whose calls keep to the deadline that the request brings; from [`ReadDeadlineLayer`].
///
/// # Readiness
///
/// It is as ready as the inner service, and holds nothing of its own.
#[derive(Debug, Clone)]
pub struct ReadDeadline<S, H = GrpcTimeout> {
    inner: S,
    header: H,
    cap: Duration,
}

// ===== impl ReadDeadlineLayer =====

impl ReadDeadlineLayer {
    /// By the header `grpc-timeout`.
    pub const fn grpc(cap: Duration) -> Self {
        Self::new(GrpcTimeout, cap)
    }
}

impl ReadDeadlineLayer<TimeoutMillis> {
    /// By a header of that name, in whole milliseconds.
    pub const fn millis(name: HeaderName, cap: Duration) -> Self {
        Self::new(TimeoutMillis::new(name), cap)
    }
}

impl<H> ReadDeadlineLayer<H> {
    /// By `header`; no call is given more than `cap`.
    pub const fn new(header: H, cap: Duration) -> Self {
        Self { header, cap }
    }
}

impl<S, H: Clone> Layer<S> for ReadDeadlineLayer<H> {
    type Service = ReadDeadline<S, H>;

    fn layer(&self, inner: S) -> Self::Service {
        ReadDeadline { inner, header: self.header.clone(), cap: self.cap }
    }
}

// ===== impl ReadDeadline =====

impl<S, H> ReadDeadline<S, H> {
    /// The service whose calls keep to it.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service whose calls keep to it. To call it is to go around the deadline.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }
}

impl<S, H: DeadlineHeader> ReadDeadline<S, H> {
    fn deadline(&self, headers: &HeaderMap) -> Deadline {
        let values = headers.get_all(self.header.name()).iter();
        let left = values.map(|value| self.header.read(value.as_bytes()).unwrap_or(self.cap));
        left.min().map_or(Deadline::at(Instant::MAX), |left| Deadline::after(left.min(self.cap)))
    }
}

impl<S, H, B> Service<Request<B>> for ReadDeadline<S, H>
where
    S: Service<Request<B>>,
    H: DeadlineHeader,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Scope<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let deadline = self.deadline(request.headers());
        // Policies below look at it when they are called, too.
        deadline.scope(deadline.scope_blocking(|| self.inner.call(request)))
    }
}
