use std::{str, time::Duration};

use seawall_core::wire::{self, InvalidTimeout, TimeoutText, parse_grpc_timeout, parse_timeout_millis};

use crate::input::Input;

/// The input as a header `grpc-timeout`, and as a time that is written to one.
pub fn grpc_timeout(input: &[u8]) {
    let is_valid = input.split_last().is_some_and(|(unit, digits)| {
        b"HMSmun".contains(unit) && (1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
    });
    let parsed = parse_grpc_timeout(input);
    assert_eq!(parsed.is_ok(), is_valid, "{parsed:?}");
    match parsed {
        Ok(left) => drop(there_and_back(left, wire::grpc_timeout, parse_grpc_timeout)),
        Err(invalid) => can_be_logged(invalid),
    }
    let left = Input::new(input).duration();
    let text = there_and_back(left, wire::grpc_timeout, parse_grpc_timeout);
    assert!((2..=9).contains(&text.len()), "{text:?}");
}

/// The input as a header of whole milliseconds, and as a time that is written to one.
pub fn timeout_millis(input: &[u8]) {
    let is_valid = !input.is_empty() && input.iter().all(u8::is_ascii_digit);
    let parsed = parse_timeout_millis(input);
    assert_eq!(parsed.is_ok(), is_valid, "{parsed:?}");
    match parsed {
        Ok(left) => {
            // Too large for the standard library is as large as it gets.
            let number = str::from_utf8(input).ok().and_then(|digits| digits.parse().ok()).unwrap_or(u64::MAX);
            assert_eq!(left, Duration::from_millis(number));
            there_and_back(left, wire::timeout_millis, parse_timeout_millis);
        }
        Err(invalid) => can_be_logged(invalid),
    }
    there_and_back(Input::new(input).duration(), wire::timeout_millis, parse_timeout_millis);
}

/// Writes `left` and reads it; what is read is not more, and is then written and read without loss.
fn there_and_back(
    left: Duration,
    write: fn(Duration) -> TimeoutText,
    read: fn(TimeoutBytes) -> Result<Duration, InvalidTimeout>,
) -> TimeoutText {
    let text = write(left);
    let given = read(TimeoutBytes(text)).expect("what is written can be read");
    assert!(given <= left, "{left:?} was written as {text}");
    assert_eq!(read(TimeoutBytes(write(given))), Ok(given), "{left:?} was written as {text}");
    text
}

fn can_be_logged(invalid: InvalidTimeout) {
    let text = invalid.to_string();
    assert!(text.len() < 64 && text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{text:?}");
}

/// A text as the parsers take it.
struct TimeoutBytes(TimeoutText);

impl AsRef<[u8]> for TimeoutBytes {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
