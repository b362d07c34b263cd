use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::{HeaderName, HeaderValue, Request};
use seawall_http::keys::{ClientAddr, PeerAddr};

use crate::input::Input;

/// The input as what a client writes into `X-Forwarded-For` and `Forwarded`, a line of the header for each of its lines.
/// Its key has to be the address by which the first proxy knew it, and without proxies that of the connection.
pub fn forwarded(input: &[u8]) {
    let mut numbers = Input::new(input);
    let proxies = 1 + usize::from(numbers.byte() % 3);
    let (has_own_line, client) = (numbers.byte() % 2 == 0, addr(&mut numbers));
    let key = ClientAddr::new().ipv6_prefix(128);
    for name in [X_FORWARDED_FOR, FORWARDED] {
        let behind = |proxies| if name == FORWARDED { key.forwarded(proxies) } else { key.x_forwarded_for(proxies) };
        let mut lines: Vec<Vec<u8>> = input.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        for hop in 0..proxies {
            let addr = if hop == 0 { client } else { PEER };
            add(&mut lines, &element(name, addr), has_own_line);
        }
        let request = request(name, &lines);
        assert_eq!(behind(proxies).of(&request), client.to_canonical(), "{name}");
        assert_eq!(behind(0).of(&request), PEER, "{name}");
        // Who counts one too many believes the client, but nothing breaks.
        let _ = behind(proxies + 1).of(&request);
    }
}

/// As a proxy does.
fn add(lines: &mut Vec<Vec<u8>>, element: &str, has_own_line: bool) {
    match lines.last_mut() {
        // What is no header's value does not come through a proxy.
        Some(line) if !has_own_line && HeaderValue::from_bytes(line).is_ok() => {
            line.extend_from_slice(b", ");
            line.extend_from_slice(element.as_bytes());
        }
        _ => lines.push(element.into()),
    }
}

fn element(name: &'static str, addr: IpAddr) -> String {
    match addr {
        _ if name == X_FORWARDED_FOR => addr.to_string(),
        IpAddr::V4(addr) => format!("by=\"_a,\\\"b\";for={addr}"),
        IpAddr::V6(addr) => format!("for=\"[{addr}]:443\";proto=https"),
    }
}

fn request(name: &'static str, lines: &[Vec<u8>]) -> Request<()> {
    let mut request = Request::new(());
    request.extensions_mut().insert(PeerAddr(SocketAddr::new(PEER, 40_000)));
    for value in lines.iter().filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        request.headers_mut().append(HeaderName::from_static(name), value);
    }
    request
}

fn addr(numbers: &mut Input<'_>) -> IpAddr {
    match numbers.byte() % 2 {
        0 => IpAddr::from(numbers.u32().to_be_bytes()),
        _ => IpAddr::from((u128::from(numbers.u64()) << 64 | u128::from(numbers.u64())).to_be_bytes()),
    }
}

const X_FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED: &str = "forwarded";
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
