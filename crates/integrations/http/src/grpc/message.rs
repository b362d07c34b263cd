use http::HeaderValue;

/// `text` as the header `grpc-message` says it: visible ASCII and blanks as they are, all else, and `%`, as bytes of UTF-8
/// in hexadecimal ([PROTOCOL-HTTP2]).
///
/// [PROTOCOL-HTTP2]: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses
pub(crate) fn message(text: &str) -> HeaderValue {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value)]);
            encoded.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    HeaderValue::try_from(encoded).expect("only visible ASCII and blanks are left")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_texts_are_written() {
        for (text, value) in [
            ("", ""),
            ("too many calls", "too many calls"),
            ("100 %", "100 %25"),
            ("a\r\nb: c", "a%0D%0Ab: c"),
            ("\0\x1f\x7f~", "%00%1F%7F~"),
            ("Grüße", "Gr%C3%BC%C3%9Fe"),
        ] {
            assert_eq!(message(text), value, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let value = message(&text);
            let mut rest = value.as_bytes();
            let mut decoded = Vec::new();
            while let Some((&byte, after)) = rest.split_first() {
                rest = after;
                if byte == b'%' {
                    let digits = std::str::from_utf8(&rest[..2]).expect("ASCII");
                    decoded.push(u8::from_str_radix(digits, 16).expect("hexadecimal"));
                    rest = &rest[2..];
                } else {
                    decoded.push(byte);
                }
            }
            prop_assert_eq!(String::from_utf8(decoded).expect("UTF-8"), text);
        }
    }
}
