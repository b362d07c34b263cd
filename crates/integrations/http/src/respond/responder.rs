use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use seawall_core::{Name, RateLimited, Rejection};
use seawall_policy::{MakeResponse, WithResponse};

use super::{WithBody, content};
use crate::{
    rate_limit_fields::{self, QuotaWindow},
    retry_after_value,
};

/// A maker of HTTP responses from rejections.
///
/// | Rejection    | Status | `Retry-After`                   | `RateLimit`, `RateLimit-Policy` |
/// |--------------|--------|---------------------------------|---------------------------------|
/// | rate limited | 429    | unless it never passes          | yes                             |
/// | circuit open | 503    | if the next probe's is known    | no                              |
/// | bulkhead full| 503    | no, it is not known             | no                              |
/// | timed out    | 504    | no, it is not known             | no                              |
///
/// `Retry-After` is [never less](retry_after_value) than the rejection's own, and is not capped: to say less is to have
/// callers come back too early. The body is a few words of plain text. What is the server's own business is in neither head
/// nor body: the policy's name, what was measured, and what it was measured against; but for the quota, which the fields
/// of a rate limit (draft-ietf-httpapi-ratelimit-headers-11) are about.
///
/// Any status may be configured. Callers take those from 400 on for refusals.
///
/// ```
/// use axum::{Router, body::Body, routing::get};
/// use http::StatusCode;
/// use seawall::{Bulkhead, CircuitBreaker, Error};
/// use seawall_http::Responder;
///
/// let responder = Responder::new().problem_json().bulkhead_full(StatusCode::TOO_MANY_REQUESTS);
/// // For a layer: a refused call ends with a response, and the error type is what it was.
/// let app: Router =
///     Router::new().route("/", get(async || "home")).layer(responder.clone().respond(Bulkhead::new("home", 64).layer()));
/// // By hand: for a rejection that a plain call has ended with.
/// let breaker = CircuitBreaker::new("inventory");
/// breaker.force_open();
/// let refused = breaker.try_acquire().expect_err("it was forced open");
/// let response = responder.response::<Body>(&refused);
/// assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// ```
#[derive(Debug, Clone)]
pub struct Responder {
    /// Of the fields of a rate limit.
    name: Name,
    rate_limited: StatusCode,
    circuit_open: StatusCode,
    bulkhead_full: StatusCode,
    timed_out: StatusCode,
    problem_json: bool,
    own_words: bool,
    fields: bool,
    legacy_fields: bool,
}

impl Responder {
    /// With the statuses of the table, in plain text.
    pub fn new() -> Self {
        Self {
            name: Name::from("default"),
            rate_limited: StatusCode::TOO_MANY_REQUESTS,
            circuit_open: StatusCode::SERVICE_UNAVAILABLE,
            bulkhead_full: StatusCode::SERVICE_UNAVAILABLE,
            timed_out: StatusCode::GATEWAY_TIMEOUT,
            problem_json: false,
            own_words: false,
            fields: true,
            legacy_fields: false,
        }
    }

    /// Sets the status for a call that a rate limit rejected. Default: 429 (RFC 6585).
    #[must_use]
    pub fn rate_limited(self, status: StatusCode) -> Self {
        Self { rate_limited: status, ..self }
    }

    /// Sets the status for a call that a circuit breaker rejected. Default: 503 (RFC 9110).
    #[must_use]
    pub fn circuit_open(self, status: StatusCode) -> Self {
        Self { circuit_open: status, ..self }
    }

    /// Sets the status for a call that a bulkhead rejected. Default: 503 (RFC 9110).
    #[must_use]
    pub fn bulkhead_full(self, status: StatusCode) -> Self {
        Self { bulkhead_full: status, ..self }
    }

    /// Sets the status for a call that a timeout cut off. Default: 504 (RFC 9110), which is about an upstream server. If
    /// no upstream server exists, 503 fits better.
    #[must_use]
    pub fn timed_out(self, status: StatusCode) -> Self {
        Self { timed_out: status, ..self }
    }

    /// Bodies are `application/problem+json` (RFC 9457), with `type`, `title`, `status` and `detail`. Default: plain text.
    #[must_use]
    pub fn problem_json(self) -> Self {
        Self { problem_json: true, ..self }
    }

    /// Bodies say what the rejection says of itself: the policy's name, the rule, what was measured. For callers of the
    /// same house; default: a few words that give nothing away.
    #[must_use]
    pub fn own_words(self) -> Self {
        Self { own_words: true, ..self }
    }

    /// The name of the quota in `RateLimit` and `RateLimit-Policy`. Default: `default`. The limiter's own name is not
    /// shown.
    ///
    /// # Panics
    ///
    /// If `name` has other characters than visible ASCII and blanks: the fields cannot carry them.
    #[must_use]
    #[track_caller]
    pub fn policy_name(self, name: impl Into<Name>) -> Self {
        let name = name.into();
        assert!(rate_limit_fields::is_string(&name), "`policy_name` must be visible ASCII and blanks, got {name:?}");
        Self { name, ..self }
    }

    /// Omits `RateLimit` and `RateLimit-Policy`, so that clients do not learn the quota. `Retry-After` stays.
    #[must_use]
    pub fn without_rate_limit_fields(self) -> Self {
        Self { fields: false, ..self }
    }

    /// Adds `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`, for clients that know no other fields.
    /// `X-RateLimit-Reset` is in seconds from now: no standard says so, and some services send the time of day there.
    #[must_use]
    pub fn legacy_fields(self) -> Self {
        Self { legacy_fields: true, ..self }
    }

    /// Makes bodies with `make`, for body types that are not [`From<Bytes>`](Bytes).
    ///
    /// ```
    /// use std::{convert::Infallible, time::Duration};
    /// use http_body_util::{BodyExt, Full, combinators::BoxBody};
    /// use seawall::Timeout;
    /// use seawall_http::Responder;
    ///
    /// type Body = BoxBody<bytes::Bytes, Infallible>;
    /// let responder = Responder::new().with_body(|text| -> Body { Full::new(text).boxed() });
    /// let layer = responder.respond(Timeout::new("handlers", Duration::from_secs(2)).layer());
    /// # drop(layer);
    /// ```
    pub fn with_body<F, B>(self, make: F) -> WithBody<F>
    where
        F: Fn(Bytes) -> B,
    {
        WithBody::new(self, make)
    }

    /// Answers the rejections of `layer`.
    pub fn respond<L: WithResponse<Self>>(self, layer: L) -> L::Output {
        layer.with_response(self)
    }

    /// The response to a call that ended with `rejection`.
    pub fn response<B: From<Bytes>>(&self, rejection: &Rejection) -> Response<B> {
        let status = self.status(rejection);
        let (kind, body) = self.content(status, rejection);
        let mut response = Response::new(B::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        self.set_fields(rejection, response.headers_mut());
        response
    }

    /// The status for `rejection`.
    pub fn status(&self, rejection: &Rejection) -> StatusCode {
        match rejection {
            Rejection::RateLimited(_) => self.rate_limited,
            Rejection::CircuitOpen(_) => self.circuit_open,
            Rejection::BulkheadFull(_) => self.bulkhead_full,
            Rejection::TimedOut(_) => self.timed_out,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Sets the fields for `rejection` in the head of the caller's own response. Fields of the same names are replaced.
    /// Fields for which `rejection` has no value stay.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use seawall::{Quota, RateLimiter};
    /// use seawall_http::Responder;
    ///
    /// let limiter = RateLimiter::new("inventory", Quota::per_minute(30).burst(1));
    /// limiter.try_acquire().expect("the first call passes");
    /// let refused = limiter.try_acquire().expect_err("the second does not");
    ///
    /// let mut headers = HeaderMap::new();
    /// Responder::new().policy_name("api").set_fields(&refused, &mut headers);
    /// assert_eq!(headers["retry-after"], "2");
    /// assert_eq!(headers["ratelimit-policy"], r#""api";q=30;w=60"#);
    /// assert_eq!(headers["ratelimit"], r#""api";r=0;t=2"#);
    /// ```
    pub fn set_fields(&self, rejection: &Rejection, headers: &mut HeaderMap) {
        if let Some(wait) = rejection.retry_after() {
            headers.insert(RETRY_AFTER, retry_after_value(wait));
        }
        if let Rejection::RateLimited(limited) = rejection {
            self.set_rate_limit_fields(limited, headers);
        }
    }

    fn set_rate_limit_fields(&self, limited: &RateLimited, headers: &mut HeaderMap) {
        let (quota, wait) = (limited.quota(), limited.retry_after());
        if self.fields {
            headers.insert(RATE_LIMIT_POLICY, rate_limit_fields::policy(&self.name, quota));
        }
        if self.legacy_fields {
            headers.insert(LEGACY_LIMIT, QuotaWindow::of(quota).calls.into());
        }
        // What never passes as it costs too much says nothing of how much is left.
        let Some(wait) = wait else { return };
        if self.fields {
            headers.insert(RATE_LIMIT, rate_limit_fields::limit(&self.name, wait));
        }
        if self.legacy_fields {
            headers.insert(LEGACY_REMAINING, HeaderValue::from_static("0"));
            headers.insert(LEGACY_RESET, retry_after_value(wait));
        }
    }

    fn content(&self, status: StatusCode, rejection: &Rejection) -> (&'static str, Bytes) {
        let words = content::public_words(rejection);
        match (self.problem_json, self.own_words) {
            (false, false) => (PLAIN, Bytes::from_static(words.as_bytes())),
            (false, true) => (PLAIN, rejection.to_string().into()),
            (true, false) => (PROBLEM, content::problem(status, &words)),
            (true, true) => (PROBLEM, content::problem(status, rejection)),
        }
    }
}

impl Default for Responder {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: From<Bytes>> MakeResponse<Response<B>> for Responder {
    fn make_response(&self, rejection: Rejection) -> Response<B> {
        self.response(&rejection)
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";
const PROBLEM: &str = "application/problem+json";

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEGACY_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const LEGACY_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const LEGACY_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
