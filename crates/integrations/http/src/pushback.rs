//! When a gRPC server wants to be called again.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use seawall_core::Hint;

/// The metadata in which a gRPC server says when to call again, or not to ([gRFC A6]).
///
/// [gRFC A6]: https://github.com/grpc/proposal/blob/master/A6-client-retries.md#pushback
pub const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// What a response or its trailers say of when to call again, by [`PUSHBACK`].
///
/// A number of milliseconds takes the place of the backoff. A server can ask for 24 days: the retry's `max_retry_after` says
/// how much the caller accepts, and a call that is asked for more ends with its answer. What is negative, or no number as [gRFC A6] writes it (a signed one of 32 bits, in ASCII digits and with no zeros
/// in front), asks not to be called again. So do two values, as they do for grpc-go. Without the header nothing is said.
///
/// ```
/// # use std::time::Duration;
/// # use http::{HeaderMap, HeaderValue};
/// # use seawall_core::Hint;
/// # use seawall_http::{PUSHBACK, pushback};
/// let mut trailers = HeaderMap::new();
/// assert_eq!(pushback(&trailers), Hint::None);
/// trailers.insert(PUSHBACK, HeaderValue::from_static("250"));
/// assert_eq!(pushback(&trailers), Hint::Exactly(Duration::from_millis(250)));
/// trailers.insert(PUSHBACK, HeaderValue::from_static("-1"));
/// assert_eq!(pushback(&trailers), Hint::Never);
/// ```
///
/// [gRFC A6]: https://github.com/grpc/proposal/blob/master/A6-client-retries.md#pushback
pub fn pushback(headers: &HeaderMap) -> Hint {
    let mut values = headers.get_all(PUSHBACK).iter();
    let Some(value) = values.next() else { return Hint::None };
    let is_only = values.next().is_none();
    match millis(value.as_bytes()).filter(|_| is_only) {
        Some(millis) => Hint::Exactly(Duration::from_millis(millis.into())),
        None => Hint::Never,
    }
}

/// The value of [`PUSHBACK`] that asks to be called again after `wait`; rounded up, so that nobody comes early. What is more
/// than 24 days is written as that; for `None`, the value asks not to be called again.
pub fn pushback_value(wait: Option<Duration>) -> HeaderValue {
    let millis = wait.map(|wait| i32::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX));
    HeaderValue::from(millis.unwrap_or(-1))
}

/// `None` if it is negative, above what 32 bits hold, or not a number.
fn millis(value: &[u8]) -> Option<u32> {
    if value.len() > 1 && value.starts_with(b"0") || value.is_empty() {
        return None;
    }
    let mut millis = 0_i32;
    for &byte in value {
        let digit = byte.is_ascii_digit().then(|| i32::from(byte - b'0'))?;
        millis = millis.checked_mul(10)?.checked_add(digit)?;
    }
    u32::try_from(millis).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(values: &[&[u8]]) -> Hint {
        let values = values.iter().map(|value| HeaderValue::from_bytes(value).expect("a header's value"));
        pushback(&values.map(|value| (PUSHBACK, value)).collect())
    }

    #[test]
    fn a_number_replaces_the_backoff() {
        for (value, millis) in [("0", 0), ("1", 1), ("250", 250), ("59999", 59_999), ("60000", 60_000)] {
            assert_eq!(said(&[value.as_bytes()]), Hint::Exactly(Duration::from_millis(millis)), "{value}");
        }
    }

    #[test]
    fn a_long_wait_is_read_as_it_is() {
        for (value, millis) in [("60001", 60_001), ("86400000", 86_400_000), ("2147483647", 2_147_483_647)] {
            assert_eq!(said(&[value.as_bytes()]), Hint::Exactly(Duration::from_millis(millis)), "{value}");
        }
    }

    #[test]
    fn what_is_negative_or_no_number_asks_not_to_be_called_again() {
        for value in [
            "",
            "-1",
            "-0",
            "-2147483648",
            "+1",
            "00",
            "007",
            " 1",
            "1 ",
            "1.5",
            "1e3",
            "0x10",
            "1_000",
            "soon",
            "٣",
            "2147483648",
            "18446744073709551616",
            "99999999999999999999999999999999999999",
        ] {
            assert_eq!(said(&[value.as_bytes()]), Hint::Never, "{value:?}");
        }
        assert_eq!(said(&[b"\xff"]), Hint::Never);
    }

    #[test]
    fn two_values_ask_not_to_be_called_again() {
        assert_eq!(said(&[b"1", b"1"]), Hint::Never);
        assert_eq!(said(&[b"soon", b"1"]), Hint::Never);
    }

    #[test]
    fn nothing_is_said_without_the_header() {
        assert_eq!(said(&[]), Hint::None);
    }

    #[test]
    fn known_waits_are_written_rounded_up() {
        for (wait, value) in [
            (Some(Duration::ZERO), "0"),
            (Some(Duration::from_nanos(1)), "1"),
            (Some(Duration::from_millis(250)), "250"),
            (Some(Duration::from_nanos(250_000_001)), "251"),
            (Some(Duration::from_millis(2_147_483_647)), "2147483647"),
            (Some(Duration::from_millis(2_147_483_648)), "2147483647"),
            (Some(Duration::MAX), "2147483647"),
            (None, "-1"),
        ] {
            assert_eq!(pushback_value(wait), value, "{wait:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_never_early(secs in 0..2_000_000_u64, nanos in 0..1_000_000_000_u32) {
            let wait = Duration::new(secs, nanos);
            let headers = HeaderMap::from_iter([(PUSHBACK, pushback_value(Some(wait)))]);
            let Hint::Exactly(read) = pushback(&headers) else { panic!("{wait:?} was not read") };
            prop_assert!(read >= wait && read - wait < Duration::from_millis(1));
        }

        #[test]
        fn any_value_is_read_as_the_standard_library_reads_it(value in "-?[0-9 +.x]{0,12}") {
            let number = value.parse::<i32>().ok().filter(|number| *number >= 0 && number.to_string() == value);
            let naive = number.map_or(Hint::Never, |number| {
                Hint::Exactly(Duration::from_millis(u64::from(number.unsigned_abs())))
            });
            prop_assert_eq!(said(&[value.as_bytes()]), naive);
        }
    }
}
