use std::{ascii, error, fmt};

/// A header that does not say how much time is left.
///
/// It holds of the header no more than one byte, which its text escapes: it can be logged, whoever sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidTimeout {
    /// There is nothing in it.
    Empty,
    /// The byte at the index `at` stands where only a digit may.
    NotADigit {
        /// Counted from 0.
        at: usize,
    },
    /// More digits than the 8 that gRPC allows.
    TooManyDigits,
    /// The number ends the header, and gRPC wants a unit after it.
    NoUnit,
    /// The last byte is none of gRPC's units: `H`, `M`, `S`, `m`, `u`, `n`.
    UnknownUnit(u8),
}

impl fmt::Display for InvalidTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty => f.write_str("timeout is empty"),
            Self::NotADigit { at } => write!(f, "timeout has no digit at index {at}, where one must be"),
            Self::TooManyDigits => f.write_str("timeout has more than 8 digits"),
            Self::NoUnit => f.write_str("timeout has no unit"),
            Self::UnknownUnit(byte) => write!(f, "timeout has the unknown unit `{}`", ascii::escape_default(byte)),
        }
    }
}

impl error::Error for InvalidTimeout {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_wrong_and_escapes_what_was_sent() {
        for (invalid, text) in [
            (InvalidTimeout::Empty, "timeout is empty"),
            (InvalidTimeout::NotADigit { at: 3 }, "timeout has no digit at index 3, where one must be"),
            (InvalidTimeout::TooManyDigits, "timeout has more than 8 digits"),
            (InvalidTimeout::NoUnit, "timeout has no unit"),
            (InvalidTimeout::UnknownUnit(b's'), "timeout has the unknown unit `s`"),
            (InvalidTimeout::UnknownUnit(b'\n'), r"timeout has the unknown unit `\n`"),
            (InvalidTimeout::UnknownUnit(0xff), r"timeout has the unknown unit `\xff`"),
        ] {
            assert_eq!(invalid.to_string(), text);
        }
    }
}
