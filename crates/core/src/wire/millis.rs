use std::time::Duration;

use super::{InvalidTimeout, TimeoutText};

/// The time left, in whole milliseconds, rounded down: less than one is `0`.
///
/// What is more than `u64::MAX` milliseconds is written as that.
///
/// ```
/// # use std::time::Duration;
/// # use seawall_core::wire::timeout_millis;
/// assert_eq!(&*timeout_millis(Duration::from_micros(1_999)), "1");
/// ```
pub fn timeout_millis(left: Duration) -> TimeoutText {
    TimeoutText::new(u64::try_from(left.as_millis()).unwrap_or(u64::MAX), None)
}

/// Takes a header of whole milliseconds: one digit or more, and nothing else.
///
/// Any number of digits is a number, and a large one is no mistake: from `u64::MAX` milliseconds on, all are taken for
/// that. Cap it, as the [module](super#strangers) says.
///
/// # Errors
///
/// If it is empty, or has a byte that is not a digit.
///
/// ```
/// # use std::time::Duration;
/// # use seawall_core::wire::{InvalidTimeout, parse_timeout_millis};
/// assert_eq!(parse_timeout_millis("250"), Ok(Duration::from_millis(250)));
/// assert_eq!(parse_timeout_millis("2.5"), Err(InvalidTimeout::NotADigit { at: 1 }));
/// ```
pub fn parse_timeout_millis(value: impl AsRef<[u8]>) -> Result<Duration, InvalidTimeout> {
    let value = value.as_ref();
    if value.is_empty() {
        return Err(InvalidTimeout::Empty);
    }
    let mut millis = 0_u64;
    for (at, byte) in value.iter().enumerate() {
        if !byte.is_ascii_digit() {
            return Err(InvalidTimeout::NotADigit { at });
        }
        millis = millis.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
    }
    Ok(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_are_read() {
        for (value, millis) in [
            ("0", 0),
            ("000", 0),
            ("1", 1),
            ("15000", 15_000),
            ("00000000000000000000000000000000000000042", 42),
            ("18446744073709551614", u64::MAX - 1),
            ("18446744073709551615", u64::MAX),
            ("18446744073709551616", u64::MAX),
            ("184467440737095516150", u64::MAX),
            ("99999999999999999999999999999999999999999", u64::MAX),
        ] {
            assert_eq!(parse_timeout_millis(value), Ok(Duration::from_millis(millis)), "{value}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        assert_eq!(parse_timeout_millis(""), Err(InvalidTimeout::Empty));
        for (value, at) in
            [("-1", 0), ("+1", 0), (" 1", 0), ("1 ", 1), ("1.5", 1), ("10ms", 2), ("1_000", 1), ("1e3", 1), ("٣", 0)]
        {
            assert_eq!(parse_timeout_millis(value), Err(InvalidTimeout::NotADigit { at }), "{value}");
        }
        let (long, at) = ("9".repeat(1_000) + "\0", 1_000);
        assert_eq!(parse_timeout_millis(long), Err(InvalidTimeout::NotADigit { at }));
    }

    #[test]
    fn milliseconds_are_written_rounded_down() {
        for (left, text) in [
            (Duration::ZERO, "0"),
            (Duration::from_nanos(999_999), "0"),
            (Duration::from_nanos(1_000_000), "1"),
            (Duration::from_nanos(1_999_999), "1"),
            (Duration::from_secs(15), "15000"),
            (Duration::from_millis(u64::MAX), "18446744073709551615"),
            (Duration::MAX, "18446744073709551615"),
        ] {
            assert_eq!(timeout_millis(left).as_str(), text, "{left:?}");
        }
    }
}
