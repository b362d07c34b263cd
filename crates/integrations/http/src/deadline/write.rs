use std::task::{Context, Poll};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use seawall_core::{
    Deadline,
    time::{Clock, DefaultClock, Timer},
};
use tower_layer::Layer;
use tower_service::Service;

use super::{
    DeadlineHeader, GrpcTimeout, TimeoutMillis,
    future::{ResponseFuture, ToldDeadline},
};

/// Tells the callee how much time the deadline leaves, in a client.
///
/// What is left is reckoned when the request is sent, rounded down. So this belongs below what waits and repeats: a queue, a
/// retry, a limit. If the request says already that it has less time, it goes on saying that; more, or what is no time, gives
/// way. Without a deadline the request is left alone.
///
/// Where no time is left it says so; to keep such a call from being sent is the work of a `Timeout` above.
///
/// A client or callee that keeps to what it is told ends the call at the same moment as a `Timeout` above, and either can be
/// first: tonic's channel fails with `CANCELLED` then. So that the outcome does not depend on that, this layer holds back what
/// says "out of time" once the told time is over: an error, a gRPC head with `CANCELLED` or `DEADLINE_EXCEEDED`, or a 504. The
/// `Timeout` then cuts the call. If no policy cuts the call, it ends with that result 2 ms after the deadline.
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
pub struct WriteDeadlineLayer<H = GrpcTimeout, K = DefaultClock> {
    header: H,
    clock: K,
}

/// A service whose requests say how much time there is; from [`WriteDeadlineLayer`].
///
/// # Readiness
///
/// It is as ready as the inner service, and holds nothing of its own.
#[derive(Debug, Clone)]
pub struct WriteDeadline<S, H = GrpcTimeout, K = DefaultClock> {
    inner: S,
    header: H,
    clock: K,
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
        Self { header, clock: DefaultClock {} }
    }
}

impl<H, K> WriteDeadlineLayer<H, K> {
    /// Goes by `clock`, which must be the clock of the policies above. Default: [`DefaultClock`].
    #[must_use]
    pub fn clock<L>(self, clock: L) -> WriteDeadlineLayer<H, L> {
        WriteDeadlineLayer { header: self.header, clock }
    }
}

impl<S, H: Clone, K: Clone> Layer<S> for WriteDeadlineLayer<H, K> {
    type Service = WriteDeadline<S, H, K>;

    fn layer(&self, inner: S) -> Self::Service {
        WriteDeadline { inner, header: self.header.clone(), clock: self.clock.clone() }
    }
}

// ===== impl WriteDeadline =====

impl<S, H, K> WriteDeadline<S, H, K> {
    /// The service that is told.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service that is told. To call it is to tell nothing.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }
}

impl<S, H: DeadlineHeader, K: Clock> WriteDeadline<S, H, K> {
    /// Writes what the deadline leaves. Returns when that is over, unless the request said by itself that it has less.
    fn tell(&self, headers: &mut HeaderMap, deadline: Deadline) -> Option<ToldDeadline> {
        let (now, name) = (self.clock.now(), self.header.name());
        let ours = deadline.instant().saturating_duration_since(now);
        let said = headers.get_all(name).iter().map(|value| self.header.read(value.as_bytes()));
        // As a callee would take it: the shortest counts, and nothing does of what is no time.
        let left = said.filter_map(Result::ok).fold(ours, Ord::min);
        let text = self.header.write(left);
        let told = self.header.read(text.as_bytes()).unwrap_or(left);
        let value = HeaderValue::from_str(&text).expect("digits and a unit are a header's value");
        headers.insert(name.clone(), value);
        (left == ours).then(|| ToldDeadline { over: now + told, deadline: deadline.instant() })
    }
}

impl<S, H, K, B, C> Service<Request<B>> for WriteDeadline<S, H, K>
where
    S: Service<Request<B>, Response = Response<C>>,
    H: DeadlineHeader,
    K: Timer + Clone,
{
    type Response = Response<C>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, Response<C>, S::Error, K>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let deadline = Deadline::current_by(&self.clock);
        let told = deadline.and_then(|deadline| self.tell(request.headers_mut(), deadline));
        ResponseFuture::new(self.inner.call(request), told, self.clock.clone())
    }
}
