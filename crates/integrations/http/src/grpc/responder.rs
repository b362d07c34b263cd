use http::{HeaderName, HeaderValue, header};
use seawall_core::{Rejection, rate, slots};
use seawall_policy::{MakeResponse, WithResponse};

use super::{GrpcCode, code::GRPC_STATUS, message::message};
use crate::pushback::{PUSHBACK, pushback_value};

/// Makes gRPC responses of rejections: a head with `grpc-status`, and nothing after it.
///
/// | rejection | code |
/// |---|---|
/// | rate limited | `RESOURCE_EXHAUSTED` |
/// | bulkhead full | `RESOURCE_EXHAUSTED` |
/// | circuit open | `UNAVAILABLE` |
/// | timed out | `DEADLINE_EXCEEDED` |
///
/// Codes are as the [specification] has them: what is out of resources for the moment, what takes no calls, and a deadline
/// that expires before there is a status. Where it is known when the same call would pass, [`PUSHBACK`] says so in
/// milliseconds, rounded up; where it never would, as it costs more than there can be, `-1`.
///
/// The message says in a few words what happened, and nothing of what is inside: no policy's name, and no measure. Unless
/// [`reasons`](Self::reasons) asks for that.
///
/// ```
/// # use std::time::Duration;
/// # use seawall::{Quota, RateLimiter};
/// # use seawall_http::GrpcResponder;
/// let limiter = RateLimiter::new("inventory", Quota::per_second(1));
/// assert!(limiter.try_acquire().is_ok());
/// let rejection = limiter.try_acquire().unwrap_err();
///
/// let response: http::Response<()> = GrpcResponder::new().response(&rejection);
/// assert_eq!(response.headers()["grpc-status"], "8");
/// assert_eq!(response.headers()["grpc-message"], "too many calls");
/// assert!(response.headers().contains_key("grpc-retry-pushback-ms"));
/// ```
///
/// [specification]: https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
#[derive(Debug, Clone, Copy, Default)]
pub struct GrpcResponder {
    reasons: bool,
}

/// Answers what `layer` refuses with a gRPC response, so that its error type may be any: `Infallible` too, as of a tonic
/// server.
///
/// As of a [`GrpcResponder`] that says no more than it does by itself. A client's layers above a channel can answer so too:
/// generated code then sees a `Status` of that code.
///
/// ```
/// # use seawall::{Quota, RateLimiter};
/// # use seawall_http::grpc_respond;
/// let limiter = RateLimiter::new("inventory", Quota::per_second(500));
/// let layer = grpc_respond(limiter.layer()); // and `tonic::transport::Server::builder().layer(layer)`
/// # let _ = layer;
/// ```
pub fn grpc_respond<L: WithResponse<GrpcResponder>>(layer: L) -> L::Output {
    GrpcResponder::new().respond(layer)
}

impl GrpcResponder {
    /// Says what is fit for strangers.
    pub const fn new() -> Self {
        Self { reasons: false }
    }

    /// Says in the message what the rejection says: the policy's name, and what it measured. For callers of the same house.
    #[must_use]
    pub const fn reasons(self) -> Self {
        Self { reasons: true }
    }

    /// Answers what `layer` refuses.
    pub fn respond<L: WithResponse<Self>>(self, layer: L) -> L::Output {
        layer.with_response(self)
    }

    /// The response to a call that was refused so.
    pub fn response<B: Default>(&self, rejection: &Rejection) -> http::Response<B> {
        let mut response = http::Response::new(B::default());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(GRPC_STATUS, Self::code(rejection).to_value());
        headers.insert(GRPC_MESSAGE, message(&self.message(rejection)));
        if let Some(pushback) = Self::pushback(rejection) {
            headers.insert(PUSHBACK, pushback);
        }
        response
    }

    /// The code of such a rejection.
    pub const fn code(rejection: &Rejection) -> GrpcCode {
        match rejection {
            Rejection::RateLimited(_) | Rejection::BulkheadFull(_) => GrpcCode::ResourceExhausted,
            Rejection::TimedOut(_) => GrpcCode::DeadlineExceeded,
            _ => GrpcCode::Unavailable,
        }
    }

    pub(crate) fn message(self, rejection: &Rejection) -> String {
        if self.reasons {
            return rejection.to_string();
        }
        let words = match rejection {
            Rejection::RateLimited(_) => "too many calls",
            Rejection::BulkheadFull(_) => "overloaded",
            Rejection::TimedOut(_) => "not done in time",
            _ => "not available now",
        };
        words.to_owned()
    }

    /// What the rejection says of when to call again, if it says anything.
    pub(crate) fn pushback(rejection: &Rejection) -> Option<HeaderValue> {
        let is_too_large = match rejection {
            Rejection::RateLimited(limited) => limited.reason() == rate::Reason::TooLarge,
            Rejection::BulkheadFull(full) => full.reason() == slots::Reason::TooLarge,
            _ => false,
        };
        let wait = rejection.retry_after();
        (is_too_large || wait.is_some()).then(|| pushback_value(wait))
    }
}

impl<B: Default> MakeResponse<http::Response<B>> for GrpcResponder {
    fn make_response(&self, rejection: Rejection) -> http::Response<B> {
        self.response(&rejection)
    }
}

pub(crate) const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use seawall_core::Hint;

    use super::*;
    use crate::{pushback::pushback, testing::rejections};

    fn answered(responder: GrpcResponder, rejection: &Rejection) -> http::Response<()> {
        responder.make_response(rejection.clone())
    }

    #[test]
    fn each_rejection_has_its_code() {
        for rejection in rejections() {
            let expected = match rejection.kind() {
                "rate limited" | "bulkhead full" => GrpcCode::ResourceExhausted,
                "circuit open" => GrpcCode::Unavailable,
                _ => GrpcCode::DeadlineExceeded,
            };
            let response = answered(GrpcResponder::new(), &rejection);
            assert_eq!(GrpcCode::of_response(&response), Some(expected), "{rejection}");
            assert_eq!(response.status(), 200, "{rejection}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/grpc", "{rejection}");
        }
    }

    #[test]
    fn nothing_internal_is_said_unless_asked() {
        for rejection in rejections() {
            let response = answered(GrpcResponder::new(), &rejection);
            let text = format!("{:?}", response.headers());
            assert!(!text.contains("secret"), "{text}");
            let said = response.headers()[GRPC_MESSAGE].to_str().expect("ASCII");
            assert!(said.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b' '), "{said}");
            let response = answered(GrpcResponder::new().reasons(), &rejection);
            assert_eq!(response.headers()[GRPC_MESSAGE], message(&rejection.to_string()));
        }
    }

    #[test]
    fn pushback_says_when_it_passes_where_that_is_known() {
        for rejection in rejections() {
            let response = answered(GrpcResponder::new(), &rejection);
            let hint = pushback(response.headers());
            let text = rejection.to_string();
            match rejection.retry_after() {
                Some(wait) => {
                    let Hint::Exactly(said) = hint else { panic!("{text}: {hint:?}") };
                    assert!(said >= wait && said - wait < Duration::from_millis(1), "{text}: {said:?}");
                }
                None if text.contains("at once") || text.contains("asked for") => {
                    assert_eq!(hint, Hint::Never, "{text}")
                }
                None => assert_eq!(hint, Hint::None, "{text}"),
            }
        }
    }

    #[cfg(feature = "tonic")]
    #[test]
    fn a_status_says_the_same_as_a_response() {
        for rejection in rejections() {
            for responder in [GrpcResponder::new(), GrpcResponder::new().reasons()] {
                let status = responder.status(&rejection);
                let theirs = status.clone().into_http::<()>();
                let ours = answered(responder, &rejection);
                let read = tonic::Status::from_header_map(ours.headers()).expect("a status");
                assert_eq!((read.code(), read.message()), (status.code(), status.message()));
                assert_eq!(ours.headers().get(PUSHBACK), theirs.headers().get(PUSHBACK));
                assert_eq!(ours.headers()[header::CONTENT_TYPE], theirs.headers()[header::CONTENT_TYPE]);
                assert_eq!(ours.headers().len(), theirs.headers().len());
            }
        }
    }
}
