use std::task::{Context, Poll};

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use seawall_core::Deadline;
use tower_layer::Layer;
use tower_service::Service;

use super::{DeadlineHeader, GrpcTimeout, TimeoutMillis};

/// Tells the callee how much time the deadline leaves, in a client.
///
/// What is left is reckoned when the request is sent, rounded down. So this belongs below what waits and repeats: a queue, a
/// retry, a limit. If the request says already that it has less time, it goes on saying that; more, or what is no time, gives
/// way. Without a deadline the request is left alone.
///
/// Where no time is left it says so; to keep such a call from being sent is the work of a `Timeout` above.
///
/// ```
/// # use std::time::Duration;
/// use http::HeaderName;
/// use seawall_http::WriteDeadlineLayer;
///
/// let grpc = WriteDeadlineLayer::grpc();
/// let http = WriteDeadlineLayer::millis(HeaderName::from_static("x-request-timeout-ms"));
/// # let _ = (grpc, http);
/// ```
#[derive(Debug, Clone)]
pub struct WriteDeadlineLayer<H = GrpcTimeout> {
    header: H,
}

/// A service whose requests say how much time there is; from [`WriteDeadlineLayer`].
///
/// # Readiness
///
/// It is as ready as the inner service, and holds nothing of its own.
#[derive(Debug, Clone)]
pub struct WriteDeadline<S, H = GrpcTimeout> {
    inner: S,
    header: H,
}

// ===== impl WriteDeadlineLayer =====

impl WriteDeadlineLayer {
    /// By the header `grpc-timeout`.
    pub const fn grpc() -> Self {
        Self::new(GrpcTimeout)
    }
}

impl WriteDeadlineLayer<TimeoutMillis> {
    /// By a header of that name, in whole milliseconds.
    pub const fn millis(name: HeaderName) -> Self {
        Self::new(TimeoutMillis::new(name))
    }
}

impl<H> WriteDeadlineLayer<H> {
    /// By `header`.
    pub const fn new(header: H) -> Self {
        Self { header }
    }
}

impl<S, H: Clone> Layer<S> for WriteDeadlineLayer<H> {
    type Service = WriteDeadline<S, H>;

    fn layer(&self, inner: S) -> Self::Service {
        WriteDeadline { inner, header: self.header.clone() }
    }
}

// ===== impl WriteDeadline =====

impl<S, H> WriteDeadline<S, H> {
    /// The service that is told.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service that is told. To call it is to tell nothing.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }
}

impl<S, H: DeadlineHeader> WriteDeadline<S, H> {
    fn tell(&self, headers: &mut HeaderMap, deadline: Deadline) {
        let (left, name) = (deadline.remaining(), self.header.name());
        let said = headers.get_all(name).iter().map(|value| self.header.read(value.as_bytes()));
        // As a callee would take it: the shortest counts, and nothing does of what is no time.
        let left = said.filter_map(Result::ok).fold(left, Ord::min);
        let value = HeaderValue::from_str(&self.header.write(left)).expect("digits and a unit are a header's value");
        headers.insert(name.clone(), value);
    }
}

impl<S, H, B> Service<Request<B>> for WriteDeadline<S, H>
where
    S: Service<Request<B>>,
    H: DeadlineHeader,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Some(deadline) = Deadline::current() {
            self.tell(request.headers_mut(), deadline);
        }
        self.inner.call(request)
    }
}
