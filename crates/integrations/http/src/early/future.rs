//! Future types.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use http::{HeaderMap, Response, StatusCode, header::CONTENT_TYPE};
use http_body::{Body, Frame};
use pin_project_lite::pin_project;

use super::EarlyStatusBody;
use crate::{
    GrpcCode,
    body::BoxError,
    grpc::{GRPC_MESSAGE, GRPC_STATUS, message},
};

pin_project! {
    /// A call whose gRPC response comes with its first frame.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, B> {
        #[pin]
        state: EarlyState<F, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum EarlyState<F, B> {
        // The call is polled.
        Calling { #[pin] call: F },
        // The body is polled for its first frame.
        Reading { response: Option<Response<B>> },
    }
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) const fn new(call: F) -> Self {
        Self { state: EarlyState::Calling { call } }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Error: Into<BoxError>> + Unpin,
{
    type Output = Result<Response<EarlyStatusBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProj::Calling { call } => {
                    let response = ready!(call.poll(cx))?;
                    if !is_status_to_come(&response) {
                        return Poll::Ready(Ok(response.map(|body| EarlyStatusBody::new(None, Some(body)))));
                    }
                    state.set(EarlyState::Reading { response: Some(response) });
                }
                StateProj::Reading { response: slot } => {
                    let response = slot.as_mut().expect("a call was polled after it had ended");
                    let first = ready!(poll_first(response.body_mut(), cx));
                    let response = slot.take().expect("it was just there");
                    return Poll::Ready(Ok(with_first(response, first)));
                }
            }
        }
    }
}

/// Whether it is a gRPC response whose status comes after the head.
fn is_status_to_come<B: Body>(response: &Response<B>) -> bool {
    let is_grpc = |value: &http::HeaderValue| value.as_bytes().starts_with(b"application/grpc");
    response.status() == StatusCode::OK
        && response.headers().get(CONTENT_TYPE).is_some_and(is_grpc)
        && !response.headers().contains_key(GRPC_STATUS)
        && !response.body().is_end_stream()
}

/// The first frame that says anything: an empty piece of data does not.
#[expect(clippy::type_complexity, reason = "it is what a body's poll returns")]
fn poll_first<B: Body + Unpin>(body: &mut B, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
    loop {
        let first = ready!(Pin::new(&mut *body).poll_frame(cx));
        let is_empty = |frame: &Frame<B::Data>| frame.data_ref().is_some_and(|data| !data.has_remaining());
        if !matches!(&first, Some(Ok(frame)) if is_empty(frame)) {
            return Poll::Ready(first);
        }
    }
}

/// The response with its status in the head, if `first` ends the call as a failure; otherwise with `first` in its body.
fn with_first<B>(response: Response<B>, first: Option<Result<Frame<B::Data>, B::Error>>) -> Response<EarlyStatusBody<B>>
where
    B: Body<Error: Into<BoxError>>,
{
    let (mut head, body) = response.into_parts();
    let body = match first {
        Some(Ok(frame)) => match frame.into_trailers() {
            Ok(trailers) if is_failure(&trailers) => {
                head.headers.extend(trailers);
                EarlyStatusBody::default()
            }
            Ok(trailers) => EarlyStatusBody::new(Some(Frame::trailers(trailers)), Some(body)),
            Err(frame) => EarlyStatusBody::new(Some(frame), Some(body)),
        },
        Some(Err(error)) => {
            let (code, text) = broken_off(error.into());
            head.headers.insert(GRPC_STATUS, code.to_value());
            head.headers.insert(GRPC_MESSAGE, message(&text));
            EarlyStatusBody::default()
        }
        None => EarlyStatusBody::default(),
    };
    Response::from_parts(head, body)
}

fn is_failure(trailers: &HeaderMap) -> bool {
    GrpcCode::of_headers(trailers).is_some_and(|code| code != GrpcCode::Ok)
}

/// The status of a call whose body broke off so.
#[cfg(feature = "tonic")]
fn broken_off(error: BoxError) -> (GrpcCode, String) {
    let status = ::tonic::Status::from_error(error);
    (crate::tonic::code(&status), status.message().to_owned())
}

/// The status of a call whose body broke off so.
#[cfg(not(feature = "tonic"))]
fn broken_off(error: BoxError) -> (GrpcCode, String) {
    (GrpcCode::Unavailable, error.to_string())
}

// By hand: derive would ask `Debug` of the user's future and body.
impl<F, B> fmt::Debug for ResponseFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reading = matches!(self.state, EarlyState::Reading { .. });
        f.debug_struct("ResponseFuture").field("reading", &reading).finish_non_exhaustive()
    }
}
