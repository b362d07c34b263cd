//! `X-Forwarded-For` and `Forwarded`, as proxies write them after whatever a client wrote.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::{collection::vec, prelude::*};
use seawall_http::keys::ClientAddr;

use crate::keys::{PEER, naive, request};

const XFF: &str = "x-forwarded-for";
const FORWARDED: &str = "forwarded";

/// The key, whole, so that equal ones are the same address.
const WHOLE: ClientAddr = ClientAddr::new().ipv6_prefix(128);

fn of(key: ClientAddr, name: &'static str, lines: &[&str]) -> IpAddr {
    key.of(&request(name, lines.iter().map(|line| line.as_bytes())))
}

#[test]
fn nobody_is_believed_by_default() {
    for key in [WHOLE, WHOLE.x_forwarded_for(0), WHOLE.forwarded(0), WHOLE.x_forwarded_for(1).forwarded(0)] {
        assert_eq!(of(key, XFF, &["192.0.2.1"]), PEER);
        assert_eq!(of(key, FORWARDED, &["for=192.0.2.1"]), PEER);
    }
    // Who said one of the headers did not say the other.
    assert_eq!(of(WHOLE.x_forwarded_for(1), FORWARDED, &["for=192.0.2.1"]), PEER);
    assert_eq!(of(WHOLE.forwarded(1), XFF, &["192.0.2.1"]), PEER);
}

#[test]
fn as_many_elements_as_there_are_proxies_are_counted_from_the_right() {
    let rows: [(&[&str], usize, &str); 15] = [
        (&["192.0.2.1"], 1, "192.0.2.1"),
        (&["192.0.2.66, 192.0.2.1"], 1, "192.0.2.1"),
        (&["192.0.2.66, 192.0.2.1, 192.0.2.2"], 2, "192.0.2.1"),
        (&["192.0.2.66", "192.0.2.1, 192.0.2.2"], 2, "192.0.2.1"),
        (&["192.0.2.66,192.0.2.1", "192.0.2.2"], 2, "192.0.2.1"),
        (&["192.0.2.66", "192.0.2.1", "192.0.2.2"], 3, "192.0.2.66"),
        (&["192.0.2.1:1234"], 1, "192.0.2.1"),
        (&["2001:db8::1"], 1, "2001:db8::1"),
        (&["[2001:db8::1]:80"], 1, "2001:db8::1"),
        // One of ours hides its caller, which makes no difference to the one before.
        (&["192.0.2.1, unknown"], 2, "192.0.2.1"),
        // Fewer than there are proxies: the call has gone around them.
        (&["192.0.2.1"], 2, "10.0.0.1"),
        (&[], 1, "10.0.0.1"),
        // An element that is none is not passed over to a client's.
        (&["192.0.2.66, "], 1, "10.0.0.1"),
        (&["192.0.2.66", ""], 1, "10.0.0.1"),
        (&["192.0.2.66, unknown"], 1, "10.0.0.1"),
    ];
    for (lines, proxies, expected) in rows {
        let key = of(WHOLE.x_forwarded_for(proxies), XFF, lines);
        assert_eq!(key, expected.parse::<IpAddr>().unwrap(), "{lines:?} {proxies}");
    }
}

#[test]
fn forwarded_is_read_as_rfc_7239_writes_it() {
    let rows: [(&[&str], usize, &str); 19] = [
        // The RFC's own examples.
        (&["for=\"_gazonk\""], 1, "10.0.0.1"),
        (&["For=\"[2001:db8:cafe::17]:4711\""], 1, "2001:db8:cafe::17"),
        (&["for=192.0.2.60;proto=http;by=203.0.113.43"], 1, "192.0.2.60"),
        (&["for=192.0.2.43, for=198.51.100.17"], 1, "198.51.100.17"),
        (&["for=192.0.2.43, for=\"[2001:db8:cafe::17]\", for=unknown"], 2, "2001:db8:cafe::17"),
        (&["for=192.0.2.43,for=\"[2001:db8:cafe::17]\"", "for=unknown"], 3, "192.0.2.43"),
        (&["for=_hidden, for=_SEVKISEK"], 1, "10.0.0.1"),
        (&["proto=http;FOR = \"192.0.2.1:80\" ; by=_x"], 1, "192.0.2.1"),
        (&["by=192.0.2.1"], 1, "10.0.0.1"),
        (&["for=192.0.2.1;for=192.0.2.2"], 1, "10.0.0.1"),
        (&["for=192.0.2.66,"], 1, "10.0.0.1"),
        (&["for"], 1, "10.0.0.1"),
        (&["for="], 1, "10.0.0.1"),
        (&["for=\""], 1, "10.0.0.1"),
        (&["xfor=192.0.2.66"], 1, "10.0.0.1"),
        // A comma, a semicolon, a quote within quotes part nothing.
        (&["for=192.0.2.1;ext=\"a,b;for=192.0.2.66\""], 1, "192.0.2.1"),
        (&["for=192.0.2.1;ext=\"a\\\", for=192.0.2.66\""], 1, "192.0.2.1"),
        (&["for=192.0.2.1;ext=\"a\\\\\", for=192.0.2.2"], 1, "192.0.2.2"),
        // A client's open quote hides nothing of what proxies add.
        (&["for=\"192.0.2.66, for=\"[2001:db8::1]\";by=_a, for=192.0.2.2"], 2, "2001:db8::1"),
    ];
    for (lines, proxies, expected) in rows {
        let key = of(WHOLE.forwarded(proxies), FORWARDED, lines);
        assert_eq!(key, expected.parse::<IpAddr>().unwrap(), "{lines:?} {proxies}");
    }
}

#[test]
fn a_header_of_ten_kilobytes_is_the_peers() {
    let parts = ["\"", "\\", "\\\"", ",", ";", "for=", "for=\"", "[", ":", "1", "1.", "[2001:", "_", " ", "\t"];
    for part in parts {
        let line = part.repeat(10_000 / part.len());
        for proxies in [1, 2, 3, 10_000, usize::MAX] {
            assert_eq!(of(WHOLE.x_forwarded_for(proxies), XFF, &[&line]), PEER, "{part:?} {proxies}");
            assert_eq!(of(WHOLE.forwarded(proxies), FORWARDED, &[&line]), PEER, "{part:?} {proxies}");
        }
    }
}

#[test]
fn without_any_address_all_are_one() {
    let nobody = http::Request::new(());
    assert_eq!(ClientAddr::new().of(&nobody), Ipv6Addr::UNSPECIFIED);
    // Behind a socket that has no addresses the header is all there is.
    let mut request = http::Request::new(());
    request.headers_mut().insert(XFF, "192.0.2.1".parse().unwrap());
    assert_eq!(ClientAddr::new().x_forwarded_for(1).of(&request), Ipv4Addr::new(192, 0, 2, 1));
}

// ===== laws =====

/// What a header's value may be made of at all, with much of what means something here.
fn junk() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => prop::sample::select(b"\",;=\\[]: .1f".to_vec()),
        1 => (0x20_u8..=0xff).prop_filter("a control character", |byte| *byte != 0x7f),
    ];
    vec(byte, 0..60)
}

fn addr() -> impl Strategy<Value = IpAddr> {
    let v4 = any::<[u8; 4]>().prop_map(IpAddr::from);
    let v6 = any::<[u16; 8]>().prop_map(|parts| IpAddr::from(parts).to_canonical());
    prop_oneof![v4, v6]
}

/// A well-formed element that says `addr`, in one of the ways in which that is said.
fn element(addr: IpAddr, way: u8) -> String {
    let node = match addr {
        IpAddr::V4(addr) if way % 2 == 0 => addr.to_string(),
        IpAddr::V4(addr) => format!("\"{addr}:80\""),
        IpAddr::V6(addr) if way % 2 == 0 => format!("\"[{addr}]\""),
        IpAddr::V6(addr) => format!("\"[{addr}]:4711\""),
    };
    match way % 5 {
        0 | 1 => format!("for={node}"),
        2 => format!("By=\"_a,b;c\";FOR={node};proto=https"),
        3 => format!("for={node};ext=\"a\\\\\";by=\"\\\", for=192.0.2.66\""),
        _ => format!("host=\"\" ; for={node}"),
    }
}

/// Adds an element, as a proxy does: to the last line, or in a line of its own.
fn add(lines: &mut Vec<Vec<u8>>, element: &str, own_line: bool) {
    match lines.last_mut() {
        Some(line) if !own_line => {
            line.extend_from_slice(b", ");
            line.extend_from_slice(element.as_bytes());
        }
        _ => lines.push(element.into()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The law of both headers: whatever a client writes into them, its key is the address by which the first proxy knew it.
    #[test]
    fn what_a_client_writes_changes_nothing(
        written in vec(junk(), 0..3),
        proxies in vec((addr(), any::<u8>(), any::<bool>()), 1..4),
    ) {
        let (mut xff, mut forwarded) = (written.clone(), written);
        for (addr, way, own_line) in &proxies {
            add(&mut xff, &addr.to_string(), *own_line);
            add(&mut forwarded, &element(*addr, *way), *own_line);
        }
        let (client, count) = (proxies[0].0, proxies.len());
        let xff = request(XFF, xff.iter().map(Vec::as_slice));
        let forwarded = request(FORWARDED, forwarded.iter().map(Vec::as_slice));
        prop_assert_eq!(WHOLE.x_forwarded_for(count).of(&xff), client);
        prop_assert_eq!(WHOLE.forwarded(count).of(&forwarded), client);
    }

    #[test]
    fn nothing_that_a_client_writes_panics(lines in vec(junk(), 0..4), proxies in 0..9_usize) {
        let xff = WHOLE.x_forwarded_for(proxies).of(&request(XFF, lines.iter().map(Vec::as_slice)));
        let forwarded = WHOLE.forwarded(proxies).of(&request(FORWARDED, lines.iter().map(Vec::as_slice)));
        prop_assert!(proxies > 0 || (xff, forwarded) == (PEER, PEER));
    }

    #[test]
    fn it_agrees_with_a_plain_parser_from_the_left(
        elements in vec((addr(), any::<u8>(), any::<bool>(), 0..6_u8), 0..5),
        proxies in 1..7_usize,
    ) {
        let (mut xff, mut forwarded) = (Vec::new(), Vec::new());
        for (addr, way, own_line, what) in elements {
            let (plain, pairs) = match what {
                0 => ("unknown".to_owned(), "for=unknown".to_owned()),
                1 => (String::new(), "by=_x;for=\"_a\\\"b,c\"".to_owned()),
                _ => (addr.to_string(), element(addr, way)),
            };
            add(&mut xff, &plain, own_line);
            add(&mut forwarded, &pairs, own_line);
        }
        let text = |lines: &[Vec<u8>]| lines.iter().map(|line| String::from_utf8(line.clone()).unwrap()).collect::<Vec<_>>();
        let (xff, forwarded) = (text(&xff), text(&forwarded));
        let xff: Vec<&str> = xff.iter().map(String::as_str).collect();
        let forwarded: Vec<&str> = forwarded.iter().map(String::as_str).collect();
        let expected = naive::x_forwarded_for(&xff, proxies).map_or(PEER, |addr| addr.to_canonical());
        prop_assert_eq!(of(WHOLE.x_forwarded_for(proxies), XFF, &xff), expected);
        let expected = naive::forwarded(&forwarded, proxies).map_or(PEER, |addr| addr.to_canonical());
        prop_assert_eq!(of(WHOLE.forwarded(proxies), FORWARDED, &forwarded), expected);
    }

    #[test]
    fn a_host_has_one_key_whatever_address_it_takes(network in any::<u64>(), hosts in any::<[u64; 2]>()) {
        let key = |host: u64| {
            let addr = Ipv6Addr::from_bits(u128::from(network) << 64 | u128::from(host));
            of(ClientAddr::new().x_forwarded_for(1), XFF, &[&addr.to_string()])
        };
        // The IPv4 addresses that lie in one network of IPv6 are many hosts.
        prop_assume!(network != 0);
        prop_assert_eq!(key(hosts[0]), key(hosts[1]));
    }
}
