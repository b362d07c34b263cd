//! The client's address in `X-Forwarded-For` and in `Forwarded`.
//!
//! Both are read from the right, as far as trusted proxies have written them. What stands to the left of that is the
//! client's: it may be anything, and is not looked at, so that an open quote there hides nothing.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, header};

use super::node;

/// The element that is the `proxies`th from the right in `X-Forwarded-For`, if that is an address.
pub(super) fn x_forwarded_for(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    // An empty element counts: if it were skipped, an element from the client would count instead.
    let element = lines(headers, X_FORWARDED_FOR).flat_map(|line| line.rsplit(|byte| *byte == b','));
    node::addr(from_the_right(element, proxies)?)
}

/// The `for` of the element that is the `proxies`th from the right in `Forwarded`, if that is an address.
pub(super) fn forwarded(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    let elements = lines(headers, header::FORWARDED).flat_map(|line| RSplit { rest: Some(line), at: b',' });
    let element = from_the_right(elements, proxies)?;
    let mut nodes = RSplit { rest: Some(element), at: b';' }.filter_map(for_value);
    let node = nodes.next()?;
    // A parameter must not occur twice (RFC 7239, 4), so the meaning of a second is unknown.
    if nodes.next().is_some() { None } else { node::addr(node) }
}

fn lines(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    // Several lines are one list, in their order (RFC 9110, 5.3).
    headers.get_all(name).into_iter().rev().map(|value| value.as_bytes())
}

fn from_the_right<T>(mut elements: impl Iterator<Item = T>, count: usize) -> Option<T> {
    elements.nth(count.checked_sub(1)?)
}

/// The value of a `for=value`, without the quotes around it.
fn for_value(pair: &[u8]) -> Option<&[u8]> {
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii());
    if !name.eq_ignore_ascii_case(b"for") {
        return None;
    }
    // An address holds nothing that would have to be escaped.
    Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
}

/// The parts of a text between separators outside of quotes, from its right end.
///
/// A well-formed part is found unchanged, whatever text is to its left.
struct RSplit<'a> {
    rest: Option<&'a [u8]>,
    at: u8,
}

impl<'a> Iterator for RSplit<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest.take()?;
        let mut quoted = false;
        for (index, byte) in text.iter().enumerate().rev() {
            if *byte == b'"' && !is_escaped(&text[..index]) {
                quoted = !quoted;
            } else if *byte == self.at && !quoted {
                self.rest = Some(&text[..index]);
                return Some(&text[index + 1..]);
            }
        }
        Some(text)
    }
}

/// Whether what follows `text` is escaped by it: an escaped backslash escapes nothing.
fn is_escaped(text: &[u8]) -> bool {
    text.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
