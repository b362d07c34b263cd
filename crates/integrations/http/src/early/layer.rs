use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::{EarlyStatusBody, future::ResponseFuture};
use crate::body::BoxError;

/// Reads one frame of each gRPC response with its head, so that policies above see a call that failed before any message.
///
/// Put it below a retry. A server may send the head first, and the status of a failed call in the trailers. The retry judges a call
/// when the head is there, and takes such a call for a success. With this layer the response waits for its first frame:
///
/// - A status in trailers other than `OK` goes into the head, with all of the trailers, and the body is empty: what the
///   specification calls "Trailers-Only".
/// - A body that breaks off before its first frame becomes `UNAVAILABLE` in the head. With the feature `tonic` a reset by the
///   callee has the code of its reason.
/// - A message goes on as it came, and so does what follows it: a call that has begun to answer is not repeated.
///
/// Only gRPC responses wait: those with the status 200, a `content-type` that begins with `application/grpc`, and no `grpc-status`
/// in the head. The head of a stream then comes with its first message. Do not use this layer if the client waits for the head
/// before it sends what the server answers to.
///
/// For a circuit breaker [`hold_body`](crate::hold_body()) judges trailers after the first message, too.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::io::Error> {
/// use bytes::Bytes;
/// use http::{HeaderMap, Request, Response};
/// use http_body::Frame;
/// use http_body_util::StreamBody;
/// use seawall_http::{EarlyStatusLayer, GrpcCode};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// let callee = service_fn(|_: Request<()>| async {
///     let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), "14".parse().unwrap())]);
///     let frames = futures::stream::iter([Ok::<_, std::io::Error>(Frame::<Bytes>::trailers(trailers))]);
///     Ok::<_, std::io::Error>(Response::builder().header("content-type", "application/grpc").body(StreamBody::new(frames)).unwrap())
/// });
/// let response = EarlyStatusLayer::new().layer(callee).oneshot(Request::new(())).await?;
/// assert_eq!(GrpcCode::of_response(&response), Some(GrpcCode::Unavailable));
/// # Ok::<(), std::io::Error>(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct EarlyStatusLayer(());

/// A service whose gRPC responses come with their first frame; from [`EarlyStatusLayer`].
///
/// # Readiness
///
/// It is as ready as the inner service.
#[derive(Debug, Clone, Copy)]
pub struct EarlyStatus<S> {
    inner: S,
}

impl EarlyStatusLayer {
    /// Waits for the first frame of each gRPC response.
    pub const fn new() -> Self {
        Self(())
    }
}

impl<S> EarlyStatus<S> {
    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }
}

impl<S> Layer<S> for EarlyStatusLayer {
    type Service = EarlyStatus<S>;

    fn layer(&self, inner: S) -> EarlyStatus<S> {
        EarlyStatus { inner }
    }
}

impl<S, Q, B> Service<Request<Q>> for EarlyStatus<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: Body<Error: Into<BoxError>> + Unpin,
{
    type Response = Response<EarlyStatusBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        ResponseFuture::new(self.inner.call(request))
    }
}
