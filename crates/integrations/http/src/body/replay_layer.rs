use std::task::{Context, Poll};

use http::Request;
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::{DEFAULT_MAX_KEPT, ReplayBody};

/// Makes the bodies of requests such that they can be sent again; goes above a retry.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), seawall::Error<std::io::Error>> {
/// use std::{io, sync::atomic::{AtomicU32, Ordering}, time::Duration};
/// use http::{Request, Response};
/// use http_body_util::{BodyExt, Full};
/// use seawall::{Error, Retry};
/// use seawall_http::{CloneIdempotent, ReplayBody, ReplayLayer};
/// use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
///
/// static CALLS: AtomicU32 = AtomicU32::new(0);
/// // Reads all of the request, and fails the first time.
/// let client = service_fn(|request: Request<ReplayBody<Full<&'static [u8]>>>| async {
///     let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
///     if CALLS.fetch_add(1, Ordering::Relaxed) == 0 { Err(io::Error::other("down")) } else { Ok(Response::new(body)) }
/// });
/// let retry = Retry::builder("inventory").backoff(Duration::ZERO).build();
/// let mut service = ServiceBuilder::new()
///     .layer(ReplayLayer::new())
///     .layer(retry.layer().clone_request(CloneIdempotent::new()))
///     .map_err(Error::Inner)
///     .service(client);
///
/// let request = Request::put("/stock/7").body(Full::<&[u8]>::from(&b"12"[..])).unwrap();
/// assert_eq!(service.ready().await?.call(request).await?.into_body(), "12");
/// assert_eq!(CALLS.load(Ordering::Relaxed), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ReplayLayer {
    max_kept: usize,
}

/// A service whose requests' bodies can be sent again; from [`ReplayLayer`].
///
/// # Readiness
///
/// It is as ready as the inner service.
#[derive(Debug, Clone, Copy)]
pub struct ReplayService<S> {
    inner: S,
    max_kept: usize,
}

impl ReplayLayer {
    /// Keeps as much as [`DEFAULT_MAX_KEPT`] of a body.
    pub const fn new() -> Self {
        Self { max_kept: DEFAULT_MAX_KEPT }
    }

    /// How many bytes of a body are kept at most, for each call in flight; a larger one is sent once. 0 keeps only what is
    /// empty. Default: 64 KiB, see [`DEFAULT_MAX_KEPT`].
    #[must_use]
    pub const fn max_kept(self, bytes: usize) -> Self {
        Self { max_kept: bytes }
    }
}

impl<S> ReplayService<S> {
    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }
}

impl Default for ReplayLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ReplayLayer {
    type Service = ReplayService<S>;

    fn layer(&self, inner: S) -> ReplayService<S> {
        ReplayService { inner, max_kept: self.max_kept }
    }
}

impl<S, B> Service<Request<B>> for ReplayService<S>
where
    S: Service<Request<ReplayBody<B>>>,
    B: Body,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.inner.call(request.map(|body| ReplayBody::new(body, self.max_kept)))
    }
}
