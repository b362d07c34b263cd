use http::{HeaderName, HeaderValue, Request};
use seawall_retry::{Attempt, CloneRequest};

use super::ReplayBody;
use crate::Idempotent;

/// Copies requests that may be made twice, and whose bodies can be sent twice; for
/// [`RetryLayer::clone_request`](seawall_retry::RetryLayer::clone_request), below a [`ReplayLayer`](crate::ReplayLayer).
///
/// A copy has the request's method, address, version, header and extensions. Of a request that is not [`Idempotent`], or
/// whose body cannot be replayed, there is none: it is sent once.
///
/// Whether a body can be replayed may show only when it is read. If it then turns out to be too large, there is no other
/// attempt, and the result of that one stands. Only where it is still read, after its attempt has failed, may the next one
/// have begun: that fails with [`NotKept`](super::NotKept).
#[derive(Debug, Clone, Default)]
pub struct CloneIdempotent {
    idempotent: Idempotent,
    mark: Option<HeaderName>,
}

impl CloneIdempotent {
    /// Copies those whose methods are idempotent, and marks none.
    pub const fn new() -> Self {
        Self { idempotent: Idempotent::new(), mark: None }
    }

    /// Copies `POST` and `PATCH` with an `Idempotency-Key` too: see [`Idempotent::by_key`].
    #[must_use]
    pub fn by_key(self) -> Self {
        Self { idempotent: self.idempotent.by_key(), ..self }
    }

    /// Copies requests of any method: see [`Idempotent::all_methods`].
    #[must_use]
    pub fn all_methods(self) -> Self {
        Self { idempotent: self.idempotent.all_methods(), ..self }
    }

    /// Sets that field to the number of the attempt, from 1, in place of what the request has there. Default: none is set.
    #[must_use]
    pub fn mark_attempts(self, field: HeaderName) -> Self {
        Self { mark: Some(field), ..self }
    }
}

impl<B> CloneRequest<Request<ReplayBody<B>>> for CloneIdempotent {
    const NEEDS_TIME: bool = false;

    fn clone_request(&self, request: &Request<ReplayBody<B>>) -> Option<Request<ReplayBody<B>>> {
        if !self.idempotent.allows(request) {
            return None;
        }
        let mut copy = Request::new(request.body().try_clone()?);
        copy.method_mut().clone_from(request.method());
        copy.uri_mut().clone_from(request.uri());
        *copy.version_mut() = request.version();
        copy.headers_mut().clone_from(request.headers());
        copy.extensions_mut().clone_from(request.extensions());
        Some(copy)
    }

    fn is_good(&self, copy: &Request<ReplayBody<B>>) -> bool {
        copy.body().is_whole()
    }

    fn mark(&self, request: &mut Request<ReplayBody<B>>, attempt: Attempt) {
        if let Some(field) = &self.mark {
            request.headers_mut().insert(field, HeaderValue::from(attempt.number()));
        }
    }
}
