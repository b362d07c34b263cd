use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    ops::Deref,
};

use http::{Extensions, HeaderMap, Request};

use super::forwarded;

/// A client's address as a key.
///
/// The key is the address of the connection's peer. The server puts it into the request's extensions, as [`PeerAddr`] or as
/// a type of its own. In axum that is
/// `ClientAddr::in_extension::<ConnectInfo<SocketAddr>>()`. Requests without an address share the key `::`. So a server that
/// does not set the address is limited like a single client, and not unlimited.
///
/// An IPv4 address counts unchanged, even if a dual-stack socket shows it as `::ffff:192.0.2.7`. Of an IPv6 address the
/// first 64 bits count: the other 64 are chosen by the host (RFC 4291, 2.5.1; RFC 8981 changes them daily). If
/// the whole address counted, any client could evade the limit.
///
/// # Behind proxies
///
/// Behind a proxy all connections are the proxy's, and the client's address is in a header, to which each proxy adds at the
/// right whom it was called by. What stands left of that came with the request, and anyone can write it. So tell exactly
/// how many proxies there are between the client and this server: as many elements are counted from the right, over all
/// lines of the header, and none is believed beyond. Without that the headers are not looked at.
///
/// If that element is missing or is not an address (`unknown`, `_hidden`, malformed text), the key is the address of the
/// connection. With too small a number all clients share a key; with too large a number clients choose their key.
///
/// ```
/// use std::net::{IpAddr, SocketAddr};
/// use http::Request;
/// use seawall_http::keys::{ClientAddr, PeerAddr};
///
/// let mut request = Request::new(());
/// request.extensions_mut().insert(PeerAddr("10.0.0.2:40000".parse::<SocketAddr>().unwrap()));
/// // The client made the first up; our only proxy has added the second.
/// request.headers_mut().insert("x-forwarded-for", "192.0.2.66, 203.0.113.9".parse().unwrap());
///
/// let key = ClientAddr::new();
/// assert_eq!(key.of(&request), IpAddr::from([10, 0, 0, 2]));
/// assert_eq!(key.x_forwarded_for(1).of(&request), IpAddr::from([203, 0, 113, 9]));
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use = "it is a key's description; `key` makes the function that a layer takes"]
pub struct ClientAddr {
    peer: fn(&Extensions) -> Option<IpAddr>,
    proxies: Proxies,
    ipv6_prefix: u8,
}

/// The other end of a request's connection: an extension for servers that have no type of their own for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(
    /// The address, and the port, which makes no difference to a key.
    pub SocketAddr,
);

/// How many elements of which header to believe.
#[derive(Debug, Clone, Copy)]
enum Proxies {
    None,
    XForwardedFor(usize),
    Forwarded(usize),
}

impl ClientAddr {
    /// The address that [`PeerAddr`] holds.
    pub const fn new() -> Self {
        Self::in_extension::<PeerAddr>()
    }

    /// The address that an extension of another type holds: axum's `ConnectInfo<SocketAddr>`.
    pub const fn in_extension<X>() -> Self
    where
        X: Deref<Target = SocketAddr> + Send + Sync + 'static,
    {
        Self::by(|extensions| Some(extensions.get::<X>()?.ip()))
    }

    /// The address that `peer` finds in the extensions.
    pub const fn by(peer: fn(&Extensions) -> Option<IpAddr>) -> Self {
        Self { peer, proxies: Proxies::None, ipv6_prefix: DEFAULT_IPV6_PREFIX }
    }

    /// Counts that many proxies in `X-Forwarded-For`, and forgets what was said of `Forwarded`. Default: 0, which is not to
    /// look at it.
    pub const fn x_forwarded_for(self, proxies: usize) -> Self {
        Self { proxies: Proxies::XForwardedFor(proxies), ..self }
    }

    /// Counts that many proxies in `Forwarded` (RFC 7239), and forgets what was said of `X-Forwarded-For`. Default: 0, which
    /// is not to look at it.
    pub const fn forwarded(self, proxies: usize) -> Self {
        Self { proxies: Proxies::Forwarded(proxies), ..self }
    }

    /// How many bits of an IPv6 address count, from 1 to 128. Default: 64. Who is given a /56 or a /48, as a rule by a
    /// provider, has 256 or 65,536 keys by default.
    ///
    /// # Panics
    ///
    /// If `bits` is 0 or more than 128.
    #[track_caller]
    pub const fn ipv6_prefix(self, bits: u8) -> Self {
        assert!(1 <= bits && bits <= 128, "`ipv6_prefix` has to be from 1 to 128");
        Self { ipv6_prefix: bits, ..self }
    }

    /// The key of a request.
    pub fn of<B>(&self, request: &Request<B>) -> IpAddr {
        let addr = self.client(request.headers()).or_else(|| (self.peer)(request.extensions()));
        self.cut(addr.unwrap_or(UNKNOWN))
    }

    /// As a function, which is what a layer takes.
    pub fn key<B>(self) -> impl Fn(&Request<B>) -> IpAddr + Copy {
        move |request| self.of(request)
    }

    /// Whom the farthest of the proxies was called by.
    fn client(&self, headers: &HeaderMap) -> Option<IpAddr> {
        match self.proxies {
            Proxies::None => None,
            Proxies::XForwardedFor(proxies) => forwarded::x_forwarded_for(headers, proxies),
            Proxies::Forwarded(proxies) => forwarded::forwarded(headers, proxies),
        }
    }

    /// The part of an address that counts.
    fn cut(&self, addr: IpAddr) -> IpAddr {
        // First: all of the IPv4 addresses that a dual-stack socket shows have the same 64 bits.
        match addr.to_canonical() {
            IpAddr::V4(addr) => addr.into(),
            IpAddr::V6(addr) => {
                let host_bits = 128 - u32::from(self.ipv6_prefix);
                Ipv6Addr::from_bits(addr.to_bits() >> host_bits << host_bits).into()
            }
        }
    }
}

impl Default for ClientAddr {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for PeerAddr {
    type Target = SocketAddr;

    fn deref(&self) -> &SocketAddr {
        &self.0
    }
}

/// No client has it: it is not an address that packets come from (RFC 4291, 2.5.2).
const UNKNOWN: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// The length of the network part: RFC 4291, 2.5.4.
const DEFAULT_IPV6_PREFIX: u8 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(addr: &str, bits: u8) -> String {
        ClientAddr::new().ipv6_prefix(bits).cut(addr.parse().unwrap()).to_string()
    }

    #[test]
    fn of_ipv6_the_network_counts_and_of_ipv4_the_whole() {
        assert_eq!(cut("2001:db8:1:2:3:4:5:6", 64), "2001:db8:1:2::");
        assert_eq!(cut("2001:db8:1:2ff:3:4:5:6", 56), "2001:db8:1:200::");
        assert_eq!(cut("2001:db8:1:2:3:4:5:6", 128), "2001:db8:1:2:3:4:5:6");
        assert_eq!(cut("ffff::1", 1), "8000::");
        for bits in [1, 64, 128] {
            assert_eq!(cut("192.0.2.7", bits), "192.0.2.7");
            assert_eq!(cut("::ffff:192.0.2.7", bits), "192.0.2.7");
        }
    }

    #[test]
    #[should_panic(expected = "`ipv6_prefix` has to be from 1 to 128")]
    fn a_prefix_of_no_bits_is_refused() {
        let _ = ClientAddr::new().ipv6_prefix(0);
    }

    #[test]
    #[should_panic(expected = "`ipv6_prefix` has to be from 1 to 128")]
    fn a_prefix_longer_than_an_address_is_refused() {
        let _ = ClientAddr::new().ipv6_prefix(129);
    }
}
