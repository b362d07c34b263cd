use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// How a gRPC call ended ([status codes]).
///
/// [status codes]: https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum GrpcCode {
    /// It succeeded.
    Ok = 0,
    /// The caller gave it up.
    Cancelled = 1,
    /// The handler failed in no way that has a code, or what it answered has none.
    Unknown = 2,
    /// The request makes no sense.
    InvalidArgument = 3,
    /// The deadline passed before it was done.
    DeadlineExceeded = 4,
    /// There is no such thing.
    NotFound = 5,
    /// There is such a thing already.
    AlreadyExists = 6,
    /// The caller may not do this.
    PermissionDenied = 7,
    /// A quota is used up, or something is full.
    ResourceExhausted = 8,
    /// The system is not in the state that this needs.
    FailedPrecondition = 9,
    /// Another call came in between.
    Aborted = 10,
    /// It went past the end.
    OutOfRange = 11,
    /// There is no such method.
    Unimplemented = 12,
    /// The callee is broken.
    Internal = 13,
    /// The callee cannot be reached, or takes no calls now.
    Unavailable = 14,
    /// Data is lost, or corrupt.
    DataLoss = 15,
    /// The caller did not say who it is.
    Unauthenticated = 16,
}

impl GrpcCode {
    /// All codes, each at the index that is its number.
    pub const ALL: [Self; 17] = [
        Self::Ok,
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// Its number on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its name, as a service config writes it: `UNAVAILABLE`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }

    /// The code that `grpc-status` says, in trailers or in the head of a response that has nothing else. `None` if it says
    /// nothing; what is not one of the numbers from 0 to 16 is [`Unknown`](Self::Unknown), as the specification asks.
    pub fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let number = match headers.get(GRPC_STATUS)?.as_bytes() {
            [ones @ b'0'..=b'9'] => ones - b'0',
            [b'1', ones @ b'0'..=b'6'] => 10 + ones - b'0',
            _ => return Some(Self::Unknown),
        };
        Some(Self::ALL[usize::from(number)])
    }

    /// The code of a response, where its head says it; `None` if it is in the trailers, which are not there yet.
    ///
    /// An answer that is no gRPC, as a proxy gives it, has the code of [its status].
    ///
    /// ```
    /// # use seawall_http::GrpcCode;
    /// let response = http::Response::builder().header("grpc-status", "14").body(()).unwrap();
    /// assert_eq!(GrpcCode::of_response(&response), Some(GrpcCode::Unavailable));
    /// let response = http::Response::builder().status(502).body(()).unwrap();
    /// assert_eq!(GrpcCode::of_response(&response), Some(GrpcCode::Unavailable));
    /// assert_eq!(GrpcCode::of_response(&http::Response::new(())), None);
    /// ```
    ///
    /// [its status]: https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
    pub fn of_response<B>(response: &http::Response<B>) -> Option<Self> {
        Self::of_headers(response.headers()).or_else(|| match response.status() {
            StatusCode::OK => None,
            StatusCode::BAD_REQUEST => Some(Self::Internal),
            StatusCode::UNAUTHORIZED => Some(Self::Unauthenticated),
            StatusCode::FORBIDDEN => Some(Self::PermissionDenied),
            StatusCode::NOT_FOUND => Some(Self::Unimplemented),
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Some(Self::Unavailable),
            _ => Some(Self::Unknown),
        })
    }

    pub(crate) fn to_value(self) -> HeaderValue {
        HeaderValue::from(u16::from(self.number()))
    }
}

impl fmt::Display for GrpcCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

pub(crate) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &[u8]) -> Option<GrpcCode> {
        let value = HeaderValue::from_bytes(value).expect("a header's value");
        GrpcCode::of_headers(&HeaderMap::from_iter([(GRPC_STATUS, value)]))
    }

    #[test]
    fn each_code_is_written_and_read() {
        for (number, code) in (0..).zip(GrpcCode::ALL) {
            assert_eq!(code.number(), number);
            assert_eq!(of(code.to_value().as_bytes()), Some(code), "{code}");
        }
    }

    #[test]
    fn what_is_no_code_is_unknown() {
        for value in ["", "17", "99", "-1", "+1", " 1", "1 ", "00", "01", "0x1", "OK", "256", "18446744073709551616"] {
            assert_eq!(of(value.as_bytes()), Some(GrpcCode::Unknown), "{value:?}");
        }
        assert_eq!(of(b"\xff"), Some(GrpcCode::Unknown));
        assert_eq!(GrpcCode::of_headers(&HeaderMap::new()), None);
    }

    #[test]
    fn the_head_of_a_response_may_say_it() {
        for (status, code) in [
            (200, None),
            (400, Some(GrpcCode::Internal)),
            (401, Some(GrpcCode::Unauthenticated)),
            (403, Some(GrpcCode::PermissionDenied)),
            (404, Some(GrpcCode::Unimplemented)),
            (429, Some(GrpcCode::Unavailable)),
            (502, Some(GrpcCode::Unavailable)),
            (503, Some(GrpcCode::Unavailable)),
            (504, Some(GrpcCode::Unavailable)),
            (204, Some(GrpcCode::Unknown)),
            (302, Some(GrpcCode::Unknown)),
            (500, Some(GrpcCode::Unknown)),
            (999, Some(GrpcCode::Unknown)),
        ] {
            let mut response = http::Response::builder().status(status).body(()).expect("a response");
            assert_eq!(GrpcCode::of_response(&response), code, "{status}");
            response.headers_mut().insert(GRPC_STATUS, GrpcCode::NotFound.to_value());
            assert_eq!(GrpcCode::of_response(&response), Some(GrpcCode::NotFound), "{status}");
        }
    }

    #[test]
    fn a_code_is_displayed_by_its_name() {
        assert_eq!(format!("{}|{:>7}", GrpcCode::Unavailable, GrpcCode::Ok), "UNAVAILABLE|     OK");
    }
}
