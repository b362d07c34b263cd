use std::time::Duration;

use super::{InvalidTimeout, TimeoutText};

/// The time left, as the header `grpc-timeout` says it: in the finest unit whose 8 digits it fits, rounded down.
///
/// What is more than 99,999,999 hours, 11,000 years, is written as that. No time left is `0n`, which a callee may
/// refuse, as the specification asks for a positive number.
///
/// ```
/// # use std::time::Duration;
/// # use seawall_core::wire::grpc_timeout;
/// assert_eq!(&*grpc_timeout(Duration::from_millis(20)), "20000000n");
/// assert_eq!(&*grpc_timeout(Duration::from_secs(20)), "20000000u");
/// ```
pub fn grpc_timeout(left: Duration) -> TimeoutText {
    let nanos = left.as_nanos();
    let finest = UNITS.iter().find_map(|&(letter, unit)| {
        let number = u64::try_from(nanos / u128::from(unit)).ok()?;
        (number <= MAX_NUMBER).then_some((number, letter))
    });
    let (number, letter) = finest.unwrap_or((MAX_NUMBER, b'H'));
    TimeoutText::new(number, Some(letter))
}

/// Takes the header `grpc-timeout`: 1 to 8 digits, and a unit (`H`, `M`, `S`, `m`, `u` or `n`).
///
/// The specification asks for a positive number. 0 is taken all the same, as implementations, grpc-go among them, send
/// it for a time that is up. Digits may begin with zeros. Up to 11,000 years fit, so cap it, as the
/// [module](super#strangers) says.
///
/// # Errors
///
/// If it is anything else: [`InvalidTimeout`] says where it first departs from that.
///
/// ```
/// # use std::time::Duration;
/// # use seawall_core::wire::{InvalidTimeout, parse_grpc_timeout};
/// assert_eq!(parse_grpc_timeout("250m"), Ok(Duration::from_millis(250)));
/// assert_eq!(parse_grpc_timeout("250"), Err(InvalidTimeout::NoUnit));
/// ```
pub fn parse_grpc_timeout(value: impl AsRef<[u8]>) -> Result<Duration, InvalidTimeout> {
    let value = value.as_ref();
    let mut number = 0_u64;
    for (at, &byte) in value.iter().enumerate() {
        let is_last = at + 1 == value.len();
        match byte {
            b'0'..=b'9' if at == MAX_DIGITS => return Err(InvalidTimeout::TooManyDigits),
            b'0'..=b'9' => number = number * 10 + u64::from(byte - b'0'),
            _ if is_last && at > 0 => return in_units(number, byte),
            _ => return Err(InvalidTimeout::NotADigit { at }),
        }
    }
    Err(if value.is_empty() { InvalidTimeout::Empty } else { InvalidTimeout::NoUnit })
}

/// `number` has at most 8 digits.
fn in_units(number: u64, letter: u8) -> Result<Duration, InvalidTimeout> {
    Ok(match letter {
        b'H' => Duration::from_secs(number * 3_600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return Err(InvalidTimeout::UnknownUnit(letter)),
    })
}

const MAX_DIGITS: usize = 8;
/// What [`MAX_DIGITS`] digits can say.
const MAX_NUMBER: u64 = 99_999_999;
/// From fine to coarse, in nanoseconds.
const UNITS: [(u8, u64); 6] = [
    (b'n', 1),
    (b'u', 1_000),
    (b'm', 1_000_000),
    (b'S', 1_000_000_000),
    (b'M', 60_000_000_000),
    (b'H', 3_600_000_000_000),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_are_read() {
        for (value, left) in [
            ("1H", Duration::from_secs(3_600)),
            ("1M", Duration::from_secs(60)),
            ("10S", Duration::from_secs(10)),
            ("100m", Duration::from_millis(100)),
            ("82u", Duration::from_micros(82)),
            ("42n", Duration::from_nanos(42)),
            ("00000007m", Duration::from_millis(7)),
            ("99999999n", Duration::from_nanos(99_999_999)),
            ("99999999H", Duration::from_secs(99_999_999 * 3_600)),
            ("0n", Duration::ZERO),
            ("0H", Duration::ZERO),
            ("00000000S", Duration::ZERO),
        ] {
            assert_eq!(parse_grpc_timeout(value), Ok(left), "{value}");
        }
    }

    #[test]
    fn what_departs_from_the_grammar_is_refused() {
        use InvalidTimeout::{Empty, NoUnit, NotADigit, TooManyDigits, UnknownUnit};
        for (value, invalid) in [
            ("", Empty),
            ("S", NotADigit { at: 0 }),
            ("-1S", NotADigit { at: 0 }),
            ("+1S", NotADigit { at: 0 }),
            (" 1S", NotADigit { at: 0 }),
            ("1 S", NotADigit { at: 1 }),
            ("1.5S", NotADigit { at: 1 }),
            ("1S ", NotADigit { at: 1 }),
            ("1SS", NotADigit { at: 1 }),
            ("12345678SS", NotADigit { at: 8 }),
            ("٣S", NotADigit { at: 0 }),
            ("7", NoUnit),
            ("12345678", NoUnit),
            ("123456789", TooManyDigits),
            ("123456789S", TooManyDigits),
            ("000000001S", TooManyDigits),
            ("1s", UnknownUnit(b's')),
            ("1h", UnknownUnit(b'h')),
            ("1U", UnknownUnit(b'U')),
            ("1N", UnknownUnit(b'N')),
            ("1 ", UnknownUnit(b' ')),
            ("12345678\n", UnknownUnit(b'\n')),
        ] {
            assert_eq!(parse_grpc_timeout(value), Err(invalid), "{value}");
        }
    }

    #[test]
    fn the_finest_unit_that_fits_is_written_rounded_down() {
        for (left, text) in [
            (Duration::ZERO, "0n"),
            (Duration::from_nanos(1), "1n"),
            (Duration::from_nanos(99_999_999), "99999999n"),
            (Duration::from_nanos(100_000_000), "100000u"),
            (Duration::from_nanos(100_000_999), "100000u"),
            (Duration::from_secs(1), "1000000u"),
            (Duration::from_nanos(99_999_999_999), "99999999u"),
            (Duration::from_secs(100), "100000m"),
            (Duration::from_secs(99_999), "99999000m"),
            (Duration::from_secs(100_000), "100000S"),
            (Duration::from_secs(99_999_999), "99999999S"),
            (Duration::from_secs(100_000_000), "1666666M"),
            (Duration::from_secs(99_999_999 * 60 + 59), "99999999M"),
            (Duration::from_secs(100_000_000 * 60), "1666666H"),
            (Duration::from_secs(99_999_999 * 3_600), "99999999H"),
            (Duration::from_secs(100_000_000 * 3_600), "99999999H"),
            (Duration::MAX, "99999999H"),
        ] {
            assert_eq!(grpc_timeout(left).as_str(), text, "{left:?}");
        }
    }
}
