use std::fmt::{self, Write};

use bytes::Bytes;
use http::StatusCode;
use seawall_core::Rejection;

/// What a stranger may be told of `rejection`: neither names nor numbers.
pub(super) const fn public_words(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::RateLimited(_) => "too many requests",
        Rejection::BulkheadFull(_) => "too busy",
        Rejection::TimedOut(_) => "timed out",
        _ => "temporarily unavailable",
    }
}

/// A problem of RFC 9457. Its type is `about:blank`, so its title is the status in words (section 4.2.1).
pub(super) fn problem(status: StatusCode, detail: &dyn fmt::Display) -> Bytes {
    let mut json = String::from(r#"{"type":"about:blank""#);
    let written = status
        .canonical_reason()
        .map_or(Ok(()), |title| write!(json, r#","title":"{title}""#))
        .and_then(|()| write!(json, r#","status":{},"detail":""#, status.as_u16()))
        .and_then(|()| write!(Escape(&mut json), "{detail}"));
    written.expect("a string takes what is written to it");
    json.push_str("\"}");
    json.into()
}

/// Writes into a string of JSON (RFC 8259, section 7).
struct Escape<'a>(&'a mut String);

impl Write for Escape<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '"' | '\\' => self.0.extend(['\\', character]),
                '\0'..='\x1f' => write!(self.0, "\\u{:04x}", u32::from(character))?,
                _ => self.0.push(character),
            }
        }
        Ok(())
    }
}
