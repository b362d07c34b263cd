use std::fmt;

use bytes::Bytes;
use http::Response;
use seawall_core::Rejection;
use seawall_policy::{MakeResponse, WithResponse};

use super::Responder;

/// A [`Responder`] that makes bodies with a function; from [`Responder::with_body`].
///
/// ```
/// use http::Response;
/// use seawall::Bulkhead;
/// use seawall_http::Responder;
///
/// let responder = Responder::new().with_body(|text| text.to_vec());
/// let bulkhead = Bulkhead::new("inventory", 1);
/// let _permit = bulkhead.try_acquire().expect("there is one slot");
/// let refused = bulkhead.try_acquire().expect_err("and it is taken");
/// let response: Response<Vec<u8>> = responder.response(&refused);
/// assert_eq!(response.body(), b"too busy");
/// ```
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
    pub fn respond<L: WithResponse<Self>>(self, layer: L) -> L::Output {
        layer.with_response(self)
    }

    /// The response to a call that ended with `rejection`.
    pub fn response<B>(&self, rejection: &Rejection) -> Response<B>
    where
        F: Fn(Bytes) -> B,
    {
        self.responder.response::<Bytes>(rejection).map(&self.make)
    }
}

impl<F, B> MakeResponse<Response<B>> for WithBody<F>
where
    F: Fn(Bytes) -> B,
{
    fn make_response(&self, rejection: Rejection) -> Response<B> {
        self.response(&rejection)
    }
}

// By hand: what makes the bodies may be a closure.
impl<F> fmt::Debug for WithBody<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithBody").field("responder", &self.responder).finish_non_exhaustive()
    }
}
