//! Which HTTP requests a retry may send again.

use http::{HeaderMap, HeaderName, Method, Request};

use crate::RepeatRequest;

/// Repeats a request if its method is [idempotent](is_idempotent), or if it carries an [idempotency key](has_key).
///
/// Any other request is sent once, because the server may have done the work before the answer was lost.
impl<B: Clone> RepeatRequest for Request<B> {
    fn repeat(&self) -> Option<Self> {
        (is_idempotent(self.method()) || has_key(self.method(), self.headers())).then(|| self.clone())
    }
}

/// Returns whether the method is idempotent by RFC 9110, 9.2.2: `GET`, `HEAD`, `OPTIONS`, `TRACE`, `PUT` or `DELETE`.
///
/// Method names are case-sensitive, and an unknown method is not idempotent.
pub fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PUT | Method::DELETE)
}

/// Returns whether a `POST` or `PATCH` with these fields has exactly one `Idempotency-Key`, and the key is not empty
/// (draft-ietf-httpapi-idempotency-key-header).
///
/// Two keys count as no key, because the caller cannot know which of them the server takes.
pub fn has_key(method: &Method, headers: &HeaderMap) -> bool {
    if !matches!(*method, Method::POST | Method::PATCH) {
        return false;
    }
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let is_key = keys.next().is_some_and(|key| !key.as_bytes().trim_ascii().is_empty());
    is_key && keys.next().is_none()
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
