use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str,
};

/// The address in a node (RFC 7239, 6): `192.0.2.7`, `192.0.2.7:80`, `[2001:db8::1]`, `[2001:db8::1]:80`; and
/// `2001:db8::1`, as `X-Forwarded-For` has it. `None` for all else: `unknown`, `_hidden`, what is malformed.
pub(super) fn addr(node: &[u8]) -> Option<IpAddr> {
    let node = str::from_utf8(node.trim_ascii()).ok()?;
    if let Some(bracketed) = node.strip_prefix('[') {
        let (addr, port) = bracketed.split_once(']')?;
        let has_good_end = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return if has_good_end { addr.parse::<Ipv6Addr>().ok().map(IpAddr::V6) } else { None };
    }
    if let Ok(addr) = node.parse() {
        return Some(addr);
    }
    let (addr, port) = node.split_once(':')?;
    if is_port(port) { addr.parse::<Ipv4Addr>().ok().map(IpAddr::V4) } else { None }
}

/// Up to five digits, or an obfuscated port.
fn is_port(port: &str) -> bool {
    match port.strip_prefix('_') {
        Some(hidden) => {
            !hidden.is_empty() && hidden.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        }
        None => (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_address() {
        for (node, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            (" 192.0.2.7\t", "192.0.2.7"),
            ("192.0.2.7:80", "192.0.2.7"),
            ("192.0.2.7:99999", "192.0.2.7"),
            ("192.0.2.7:_a.b-c_1", "192.0.2.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("[::ffff:192.0.2.7]", "::ffff:192.0.2.7"),
        ] {
            assert_eq!(addr(node.as_bytes()), Some(expected.parse().unwrap()), "{node}");
        }
    }

    #[test]
    fn what_is_none() {
        for node in [
            "",
            " ",
            "unknown",
            "_hidden",
            "localhost",
            "192.0.2",
            "192.0.2.256",
            "192.0.02.7",
            "192.0.2.7:",
            "192.0.2.7:x",
            "192.0.2.7:123456",
            "192.0.2.7:_",
            "192.0.2.7:_ ",
            "192.0.2.7:80:80",
            "192.0.2.7 192.0.2.8",
            "[192.0.2.7]",
            "[2001:db8::1",
            "2001:db8::1]",
            "[2001:db8::1]80",
            "[2001:db8::1]:",
            "[2001:db8::1]]",
            "[[2001:db8::1]]",
            "[]",
            "[",
            "]",
            ":",
            "fe80::1%eth0",
            "[fe80::1%1]",
            "\"192.0.2.7\"",
            "192.0.2.7\0",
            "1.2.3.4/8",
            "0x7f.1",
            "2130706433",
        ] {
            assert_eq!(addr(node.as_bytes()), None, "{node}");
        }
        assert_eq!(addr(b"192.0.2.7\xff"), None);
    }
}
