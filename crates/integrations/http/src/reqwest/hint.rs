use http::HeaderMap;
use reqwest::{Response, StatusCode};
use seawall_core::Hint;
use seawall_retry::Attempt;

/// Heeds what the `Retry-After` of a 429 or 503 says of when to call again, as [`crate::hint`] reads it: for
/// [`Builder::hint`](seawall_retry::Builder::hint).
///
/// ```
/// use seawall::Retry;
/// use seawall_http::{Idempotent, reqwest::{Transient, hint}};
///
/// let retry = Retry::builder("inventory").classify(Transient).hint(hint::<reqwest::Error>).build();
/// let layer = retry.layer().clone_request(Idempotent::new());
/// # let _ = layer;
/// ```
pub fn hint<E>(_: &Attempt, result: &Result<Response, E>) -> Hint {
    read(result, crate::hint)
}

/// As [`hint`], where `parse` reads the headers.
pub fn hint_by<E>(
    parse: impl Fn(&HeaderMap) -> Hint + Clone,
) -> impl Fn(&Attempt, &Result<Response, E>) -> Hint + Clone {
    move |_, result| read(result, &parse)
}

fn read<E>(result: &Result<Response, E>, parse: impl Fn(&HeaderMap) -> Hint) -> Hint {
    match result {
        // Other statuses say it of something else: of a redirect (RFC 9110, 10.2.3), of a body that was too large.
        Ok(response) if says_when(response.status()) => parse(response.headers()),
        Ok(_) | Err(_) => Hint::None,
    }
}

fn says_when(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}
