//! Plain second parsers, from the left: they collect all elements, and then count.

use std::net::{IpAddr, SocketAddrV4, SocketAddrV6};

/// The element of `X-Forwarded-For` that is the `proxies`th from the right.
pub(crate) fn x_forwarded_for(lines: &[&str], proxies: usize) -> Option<IpAddr> {
    let joined = lines.join(", ");
    let elements: Vec<&str> = joined.split(',').collect();
    node(elements.get(elements.len().checked_sub(proxies)?)?.trim())
}

/// The element of a `Forwarded` that is well-formed.
pub(crate) fn forwarded(lines: &[&str], proxies: usize) -> Option<IpAddr> {
    let joined = lines.join(", ");
    let elements = split(&joined, ',');
    let element = elements.get(elements.len().checked_sub(proxies)?)?;
    let pairs = split(element, ';');
    let pairs = pairs.iter().filter_map(|pair| pair.split_once('='));
    let values: Vec<&str> =
        pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for")).map(|pair| pair.1).collect();
    let [value] = values[..] else { return None };
    node(value.trim().trim_matches('"'))
}

/// By a walk from the left with an escape's state.
fn split(text: &str, at: char) -> Vec<String> {
    let (mut parts, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for char in text.chars() {
        if char == at && !quoted {
            parts.push(String::new());
            continue;
        }
        if char == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && char == '\\' && !escaped;
        parts.last_mut().expect("there is always one").push(char);
    }
    parts
}

fn node(node: &str) -> Option<IpAddr> {
    let bare = node.strip_prefix('[').and_then(|node| node.strip_suffix(']'));
    let v6 = bare.and_then(|bare| bare.parse().ok()).map(IpAddr::V6);
    let with_port = || Some(IpAddr::V4(*node.parse::<SocketAddrV4>().ok()?.ip()));
    let with_v6_port = || Some(IpAddr::V6(*node.parse::<SocketAddrV6>().ok()?.ip()));
    node.parse().ok().or(v6).or_else(with_port).or_else(with_v6_port)
}
