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

/// How long a response asks its receiver to wait, by its `Retry-After`, where it is `now`; `None` where it asks for nothing
/// that can be read.
///
/// What a value may be is said at [`parse_retry_after`]. Nothing here makes a wait shorter than it was said to be:
///
/// - There should be one value. Of several the longest counts, and those that cannot be read do not.
/// - A date is one of the server's clock, and clocks differ. So where the response has a `Date` that is before `now`, the
///   wait is counted from there. Without one it is early by as much as the receiver's clock is fast.
///
/// The wait comes from a stranger, and has no upper limit: put one to it. A retry has one for its
/// [`hint`], `max_retry_after`, 60 s by default.
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
/// It is [`retry_after`] with the clock read, which only a date makes use of. The wait is capped by the retry.
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

/// `wait` as a value of `Retry-After`: in seconds, rounded up, and at least one.
///
/// Rounded up, as who comes back too early is refused again; at least one, as a zero asks to come back at once.
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

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    /// Of `Sun, 06 Nov 1994 08:49:37 GMT`.
    const NOVEMBER: u64 = 784_111_777;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn headers(fields: &[(http::HeaderName, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn seconds_are_read() {
        for (value, wait) in [
            ("0", Duration::ZERO),
            ("1", Duration::from_secs(1)),
            ("00000000000000000000000000120", Duration::from_secs(120)),
            ("86400", Duration::from_secs(86_400)),
            ("18446744073709551614", Duration::from_secs(u64::MAX - 1)),
            ("18446744073709551615", Duration::MAX),
            ("18446744073709551616", Duration::MAX),
            ("99999999999999999999999999999999999999999", Duration::MAX),
        ] {
            assert_eq!(parse_retry_after(value, UNIX_EPOCH), Some(wait), "{value}");
        }
    }

    #[test]
    fn what_is_neither_a_number_nor_a_date_says_nothing() {
        let values = [
            "", " ", "-3", "+3", "1.5", "1,5", "1e3", "3 ", " 3", "3\t", "1 0", "0x10", "3s", "NaN", "inf", "٣",
            "5, 10", "3;", "\"3\"", "soon",
        ];
        for value in values {
            assert_eq!(parse_retry_after(value, UNIX_EPOCH), None, "{value:?}");
        }
        assert_eq!(parse_retry_after([b'3', 0xff], UNIX_EPOCH), None);
        assert_eq!(parse_retry_after("9".repeat(10_000) + "\0", UNIX_EPOCH), None);
    }

    #[test]
    fn dates_of_all_three_forms_are_read() {
        let forms = ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"];
        for date in forms {
            assert_eq!(parse_retry_after(date, at(NOVEMBER - 90)), Some(Duration::from_secs(90)), "{date}");
        }
        let last = parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", UNIX_EPOCH);
        assert_eq!(last, Some(Duration::from_secs(253_402_300_799)));
    }

    #[test]
    fn a_date_that_has_passed_is_no_wait() {
        for now in [NOVEMBER, NOVEMBER + 1, u64::from(u32::MAX)] {
            assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", at(now)), Some(Duration::ZERO), "{now}");
        }
    }

    #[test]
    fn a_date_is_not_rounded_down() {
        let now = at(NOVEMBER) - Duration::from_nanos(1);
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_nanos(1)));
    }

    #[test]
    fn a_date_that_is_almost_one_says_nothing() {
        for date in [
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 +0000",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 Nov 1994 08:49:60 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Wed, 29 Feb 2023 08:49:37 GMT",
            "Wed, 31 Dec 1969 23:59:59 GMT",
            "Sun,  06 Nov 1994 08:49:37 GMT",
            " Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
            "Sunday, 06-Nov-94T08:49:37 GMT",
            "Sun Nov 06 08:49:37 GMT 1994",
            "1994-11-06T08:49:37Z",
        ] {
            assert_eq!(parse_retry_after(date, UNIX_EPOCH), None, "{date}");
        }
    }

    #[test]
    fn of_several_values_the_longest_counts() {
        let of = |values: &[&'static str]| {
            retry_after(
                &headers(&values.iter().map(|value| (RETRY_AFTER, *value)).collect::<Vec<_>>()),
                at(NOVEMBER - 90),
            )
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["5", "30", "1"]), Some(Duration::from_secs(30)));
        assert_eq!(of(&["5", "Sun, 06 Nov 1994 08:49:37 GMT"]), Some(Duration::from_secs(90)));
        assert_eq!(of(&["soon", "5", "-7"]), Some(Duration::from_secs(5)));
        assert_eq!(of(&["soon", "-7"]), None);
    }

    #[test]
    fn a_clock_that_is_fast_does_not_shorten_the_wait_for_a_date() {
        let asked = headers(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:49:37 GMT"), (DATE, "Sun, 06 Nov 1994 08:49:07 GMT")]);
        let wait = |now| retry_after(&asked, at(now));
        assert_eq!(wait(NOVEMBER + 3_600), Some(Duration::from_secs(30)), "by the server's clock");
        assert_eq!(wait(NOVEMBER - 30), Some(Duration::from_secs(30)));
        assert_eq!(wait(NOVEMBER - 60), Some(Duration::from_secs(60)), "by the receiver's");
        let odd = headers(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:49:37 GMT"), (DATE, "yesterday")]);
        assert_eq!(retry_after(&odd, at(NOVEMBER - 7)), Some(Duration::from_secs(7)));
    }

    #[test]
    fn seconds_do_not_hang_on_any_clock() {
        let asked = headers(&[(RETRY_AFTER, "7"), (DATE, "Sun, 06 Nov 1994 08:49:07 GMT")]);
        assert_eq!(retry_after(&asked, at(NOVEMBER + 1_000_000)), Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_retry_is_told() {
        assert_eq!(hint(&HeaderMap::new()), Hint::None);
        assert_eq!(hint(&headers(&[(RETRY_AFTER, "soon")])), Hint::None);
        assert_eq!(hint(&headers(&[(RETRY_AFTER, "7")])), Hint::After(Duration::from_secs(7)));
        assert_eq!(hint(&headers(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:49:37 GMT")])), Hint::After(Duration::ZERO));
    }

    #[test]
    fn a_wait_is_written_in_seconds_rounded_up() {
        for (wait, text) in [
            (Duration::ZERO, "1"),
            (Duration::from_nanos(1), "1"),
            (Duration::from_secs(1), "1"),
            (Duration::new(1, 1), "2"),
            (Duration::new(59, 999_999_999), "60"),
            (Duration::from_secs(u64::MAX), "18446744073709551615"),
            (Duration::MAX, "18446744073709551615"),
        ] {
            assert_eq!(retry_after_value(wait), text, "{wait:?}");
        }
    }
}
