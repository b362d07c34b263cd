use std::{fmt, ops::Deref, str};

/// A header's value, as [`grpc_timeout`](super::grpc_timeout) and [`timeout_millis`](super::timeout_millis) write it.
///
/// It is a `str` that lies in the value itself, so that writing a header allocates nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeoutText {
    /// Zeros after the first `len`, so that equal texts are equal.
    bytes: [u8; MOST],
    len: u8,
}

impl TimeoutText {
    /// `number` in decimal, and after it the unit if there is one.
    pub(super) fn new(number: u64, unit: Option<u8>) -> Self {
        let mut text = Self { bytes: [0; MOST], len: 0 };
        let digits = number.checked_ilog10().unwrap_or(0) + 1;
        let tens = (0..digits).rev().map(|place| 10_u64.pow(place));
        let digits = tens.map(|ten| b'0' + (number / ten % 10) as u8);
        for (slot, byte) in text.bytes.iter_mut().zip(digits.chain(unit)) {
            *slot = byte;
            text.len += 1;
        }
        text
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.len)]).expect("digits and units are ASCII")
    }
}

impl Deref for TimeoutText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for TimeoutText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for TimeoutText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

/// `u64::MAX` in decimal. Only gRPC has a unit, and not half as many digits.
const MOST: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_the_standard_library_writes_it() {
        let powers = (0..20).flat_map(|place| {
            let power = 10_u64.pow(place);
            [power - 1, power, power + 1]
        });
        for number in powers.chain([7, 1_020_304_050, u64::MAX - 1, u64::MAX]) {
            assert_eq!(TimeoutText::new(number, None).as_str(), number.to_string());
        }
        assert_eq!(TimeoutText::new(0, Some(b'n')).as_str(), "0n");
    }

    #[test]
    fn it_is_a_small_str() {
        let text = TimeoutText::new(250, Some(b'm'));
        assert_eq!((text.len(), text.is_empty(), size_of_val(&text)), (4, false, 21));
        assert_eq!(format!("{text}|{text:>6}|{text:?}"), r#"250m|  250m|"250m""#);
        assert_eq!(text, TimeoutText::new(250, Some(b'm')));
        assert_ne!(text, TimeoutText::new(250, None));
    }
}
