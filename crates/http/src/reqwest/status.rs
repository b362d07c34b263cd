//! What a status means.

use http::StatusCode;
use seawall_core::Outcome;

/// What it says of the callee's health.
pub(super) fn health(status: StatusCode) -> Outcome {
    if status.is_server_error() {
        Outcome::Failure
    } else if status.is_client_error() {
        Outcome::Ignored
    } else {
        Outcome::Success
    }
}

/// Whether the same request may well succeed a moment later: as the clients of Google Cloud Storage have it ("Retry
/// strategy": 408, 429, 500, 502, 503, 504), and 425, which asks for just that (RFC 8470, 5.2).
pub(super) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_meaning() {
        let again = [408, 425, 429, 500, 502, 503, 504];
        for code in 100..=999 {
            let status = StatusCode::from_u16(code).unwrap();
            let expected = match code {
                500..=599 => Outcome::Failure,
                400..=499 => Outcome::Ignored,
                _ => Outcome::Success,
            };
            assert_eq!((health(status), is_transient(status)), (expected, again.contains(&code)), "{code}");
        }
    }
}
