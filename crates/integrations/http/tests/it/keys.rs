//! Keys: whatever a client sends, its key is the one that it has.

mod hostile;
mod naive;
mod server;
mod values;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::{HeaderName, HeaderValue, Request};
use seawall_http::keys::PeerAddr;

/// The address of the connection, which is the nearest proxy's.
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

/// A request from there with those lines of a header.
fn request<'a>(name: &'static str, lines: impl IntoIterator<Item = &'a [u8]>) -> Request<()> {
    let mut request = Request::new(());
    request.extensions_mut().insert(PeerAddr(SocketAddr::new(PEER, 40_000)));
    for line in lines {
        let value = HeaderValue::from_bytes(line).expect("it has no control characters");
        request.headers_mut().append(HeaderName::from_static(name), value);
    }
    request
}
