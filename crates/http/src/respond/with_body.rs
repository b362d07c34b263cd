use std::fmt;

use bytes::Bytes;
use http::Response;
use seawall_core::{Answer, OnReject, Rejection};

use super::Responder;

/// A [`Responder`] that makes bodies with a function; from [`Responder::with_body`].
#[derive(Clone)]
pub struct WithBody<F> {
    responder: Responder,
    make: F,
}

impl<F> WithBody<F> {
    pub(super) const fn new(responder: Responder, make: F) -> Self {
        Self { responder, make }
    }

    /// Answers the rejections of `layer`.
    pub fn respond<L: OnReject<Self>>(self, layer: L) -> L::Answering {
        layer.answer_by(self)
    }

    /// The response to a call that ended with `rejection`.
    pub fn response<B>(&self, rejection: &Rejection) -> Response<B>
    where
        F: Fn(Bytes) -> B,
    {
        self.responder.response::<Bytes>(rejection).map(&self.make)
    }
}

impl<F, B> Answer<Response<B>> for WithBody<F>
where
    F: Fn(Bytes) -> B,
{
    fn answer(&self, rejection: Rejection) -> Response<B> {
        self.response(&rejection)
    }
}

// By hand: what makes the bodies may be a closure.
impl<F> fmt::Debug for WithBody<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithBody").field("responder", &self.responder).finish_non_exhaustive()
    }
}
