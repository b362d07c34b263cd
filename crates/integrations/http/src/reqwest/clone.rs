use reqwest::Request;
use seawall_retry::CloneRequest;

use crate::Idempotent;

/// Keeps requests that may be sent twice, and can: their bodies are no streams. Others are sent once.
///
/// A copy shares the body's bytes, and allocates for the URL and the headers.
impl CloneRequest<Request> for Idempotent {
    const NEEDS_TIME: bool = false;

    fn clone_request(&self, request: &Request) -> Option<Request> {
        if self.allows_parts(request.method(), request.headers()) { request.try_clone() } else { None }
    }
}
