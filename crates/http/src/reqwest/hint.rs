use http::HeaderMap;
use reqwest::{Response, StatusCode};
use seawall_core::Hint;
use seawall_retry::Attempt;

/// Heeds what the headers of a 429 or 503 say of when to call again, as `parse` reads them: for
/// [`Builder::hint`](seawall_retry::Builder::hint).
///
/// ```
/// use std::time::Duration;
/// use http::{HeaderMap, header::RETRY_AFTER};
/// use seawall::{Hint, Retry};
/// use seawall_http::reqwest::{Idempotent, Transient, hint};
///
/// let seconds = |headers: &HeaderMap| {
///     let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
///     Some(Hint::After(Duration::from_secs(seconds)))
/// };
/// let retry = Retry::builder("inventory")
///     .classify(Transient)
///     .hint(hint::<seawall::Error<reqwest::Error>>(move |headers| seconds(headers).unwrap_or_default()))
///     .build();
/// let layer = retry.layer().clone_request(Idempotent::new());
/// # let _ = layer;
/// ```
pub fn hint<E>(parse: impl Fn(&HeaderMap) -> Hint + Clone) -> impl Fn(&Attempt, &Result<Response, E>) -> Hint + Clone {
    move |_, result| match result {
        // Other statuses say it of something else: of a redirect (RFC 9110, 10.2.3), of a body that was too large.
        Ok(response) if says_when(response.status()) => parse(response.headers()),
        Ok(_) | Err(_) => Hint::None,
    }
}

fn says_when(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}
