//! The field `Retry-After`, as it is read and written (RFC 9110, section 10.2.3).

use std::{
    str,
    time::{Duration, SystemTime},
};

use http::{
    HeaderMap, HeaderValue,
    header::{DATE, RETRY_AFTER},
};
use seawall_core::Hint;

/// Returns how long a response's `Retry-After` asks its receiver to wait from `now`.
///
/// Returns `None` if the field is absent or no value can be read.
///
/// [`parse_retry_after`] describes the values. This function never makes a wait shorter than the server asked for:
///
/// - There should be one value. Of several values the longest counts. Unreadable values are ignored.
/// - A date is by the server's clock, and clocks differ. If the response has a `Date` before `now`, the wait is counted
///   from that `Date`. Without a `Date`, the wait ends early by as much as the receiver's clock is fast.
///
/// The wait comes from a server that may not be trusted, and has no upper limit. A retry limits its [`hint`] by
/// `max_retry_after`, 60 s by default. If the server asks for more, the call ends with this response.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use http::{HeaderMap, HeaderValue, header::RETRY_AFTER};
/// use seawall_http::retry_after;
///
/// let mut headers = HeaderMap::new();
/// assert_eq!(retry_after(&headers, SystemTime::now()), None);
/// headers.insert(RETRY_AFTER, HeaderValue::from_static("120"));
/// assert_eq!(retry_after(&headers, SystemTime::now()), Some(Duration::from_secs(120)));
/// headers.append(RETRY_AFTER, HeaderValue::from_static("60"));
/// assert_eq!(retry_after(&headers, SystemTime::now()), Some(Duration::from_secs(120)));
/// ```
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let sent = headers.get_all(DATE).iter().filter_map(|value| http_date(value.as_bytes()));
    let now = sent.fold(now, SystemTime::min);
    headers.get_all(RETRY_AFTER).iter().filter_map(|value| parse_retry_after(value, now)).max()
}

/// What a response's `Retry-After` says to a retry, by the system's clock: to wait for at least so long, or nothing.
///
/// It is [`retry_after`] with the clock read, which only a date makes use of. The retry has a limit for the wait, and a wait shorter than its backoff changes nothing.
///
/// ```
/// use std::{convert::Infallible, time::Duration};
/// use http::{Response, StatusCode, header::RETRY_AFTER};
/// use seawall::{Attempt, Hint, Retry};
/// use tokio::time::Instant;
///
/// type Answered = Result<Response<()>, Infallible>;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Infallible> {
/// let retry = Retry::builder("inventory")
///     .retry_if(|_: &Attempt, result: &Answered| result.as_ref().is_ok_and(|r| r.status().is_server_error()))
///     .hint(|_: &Attempt, result: &Answered| {
///         result.as_ref().map_or(Hint::None, |response| seawall_http::hint(response.headers()))
///     })
///     .build();
///
/// let (began, mut answers) = (Instant::now(), [503, 200].into_iter());
/// let ask = || {
///     let status = answers.next().expect("the second is a success");
///     let response = Response::builder().status(status).header(RETRY_AFTER, "7").body(());
///     async { Ok::<_, Infallible>(response.expect("all of it is valid")) }
/// };
/// assert_eq!(retry.execute(ask).await?.status(), StatusCode::OK);
/// assert!(began.elapsed() >= Duration::from_secs(7));
/// # Ok(())
/// # }
/// ```
pub fn hint(headers: &HeaderMap) -> Hint {
    if !headers.contains_key(RETRY_AFTER) {
        return Hint::None;
    }
    retry_after(headers, SystemTime::now()).map_or(Hint::None, Hint::After)
}

/// Takes the value of one `Retry-After`: a number of seconds, or a date, which is so far off as it is after `now`.
///
/// - A number is one ASCII digit or more and nothing else: no sign, no fraction, no space. From `u64::MAX` on, all are
///   taken for [`Duration::MAX`].
/// - A date is in one of the three forms of RFC 9110, section 5.6.7, to the letter and with the right day of the week. Two
///   of the three are obsolete and are not sent any more, but a recipient must accept them all. A year of two digits is
///   from 1970 to 2069. A date that has passed is zero; the 60th second of a minute is not read.
///
/// Anything else is `None`: it is then as if nothing had been said.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use seawall_http::parse_retry_after;
///
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
/// assert_eq!(parse_retry_after("7", now), Some(Duration::from_secs(7)));
/// assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(7)));
/// assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:00 GMT", now), Some(Duration::ZERO));
/// assert_eq!(parse_retry_after("7.5", now), None);
/// ```
pub fn parse_retry_after(value: impl AsRef<[u8]>, now: SystemTime) -> Option<Duration> {
    let value = value.as_ref();
    seconds(value).or_else(|| Some(http_date(value)?.duration_since(now).unwrap_or_default()))
}

/// Returns `wait` as a value of `Retry-After`: in seconds, rounded up, and at least 1.
///
/// It is rounded up because a caller that returns too early is rejected again. It is at least 1 because 0 asks for an
/// immediate retry.
///
/// ```
/// use std::time::Duration;
/// use seawall_http::retry_after_value;
///
/// assert_eq!(retry_after_value(Duration::from_millis(1_001)), "2");
/// assert_eq!(retry_after_value(Duration::ZERO), "1");
/// ```
pub fn retry_after_value(wait: Duration) -> HeaderValue {
    seconds_up(wait).into()
}

/// In whole seconds, never less than `wait`, and never none.
pub(crate) fn seconds_up(wait: Duration) -> u64 {
    let fraction = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(fraction).max(1)
}

fn seconds(value: &[u8]) -> Option<Duration> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = value.iter().map(|byte| u64::from(byte - b'0'));
    Some(match digits.fold(0_u64, |number, digit| number.saturating_mul(10).saturating_add(digit)) {
        // Also what was more: to cut it to so many seconds would be to come early.
        u64::MAX => Duration::MAX,
        number => Duration::from_secs(number),
    })
}

fn http_date(value: &[u8]) -> Option<SystemTime> {
    let text = str::from_utf8(value).ok()?;
    // The parser would take blanks at both ends, and any byte for the one between day and time of the form with hyphens,
    // which then has three words.
    if text.trim() != text || text.split(' ').count() < 4 {
        return None;
    }
    httpdate::parse_http_date(text).ok()
}
