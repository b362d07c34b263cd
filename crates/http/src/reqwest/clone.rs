use reqwest::Request;
use seawall_retry::CloneRequest;

use crate::idempotent::is_idempotent;

/// Keeps requests that may be sent twice, and can: for [`RetryLayer::clone_request`](seawall_retry::RetryLayer::clone_request).
///
/// They may if the method is idempotent (RFC 9110, 9.2.2: GET, HEAD, OPTIONS, TRACE, PUT, DELETE), or if it is POST or PATCH
/// and the request has an `Idempotency-Key`. They can unless the body is a stream. Others are sent once.
///
/// A copy shares the body's bytes, and allocates for the URL and the headers.
#[derive(Debug, Clone, Copy, Default)]
#[must_use = "it does nothing until it is given to a retry's layer"]
pub struct Idempotent {
    all_methods: bool,
}

impl Idempotent {
    /// Keeps requests that are idempotent.
    pub const fn new() -> Self {
        Self { all_methods: false }
    }

    /// Keeps requests of any method. For a callee of which it is known that it does no harm to do a thing twice.
    pub const fn all_methods() -> Self {
        Self { all_methods: true }
    }
}

impl CloneRequest<Request> for Idempotent {
    const NEEDS_TIME: bool = false;

    fn clone_request(&self, request: &Request) -> Option<Request> {
        if self.all_methods || is_idempotent(request.method(), request.headers()) { request.try_clone() } else { None }
    }
}
