//! Whose call a request is: keys for `KeyedRateLimiter::layer`, each of a few bytes, whatever the client sends.
//!
//! | key | type | a request that has none |
//! |---|---|---|
//! | [`ClientAddr`] | [`IpAddr`](std::net::IpAddr), of IPv6 the first 64 bits | shares `::` |
//! | [`HeaderKey`] | [`TextKey`] | shares [`TextKey::ABSENT`] |
//! | [`PathTemplate`] | [`TextKey`] | shares [`TextKey::ABSENT`] |
//! | [`both`] of two | a tuple | as they say |
//!
//! Any other key is a function of the request, of the user's: what authentication has left in the extensions, say.
//!
//! # What a client can choose is no limit
//!
//! A client that can make up a new key for each call has a full burst for each call. A limiter's memory is bounded even so
//! (`max_keys`), but it limits nothing. So `X-Forwarded-For` and `Forwarded` are not read unless the user sets how many
//! proxies write them, a path is not a key (its template is), and a header's value is a key for a service behind
//! authentication.
//!
//! In axum the peer's address is in its `ConnectInfo`, so the key is
//! `ClientAddr::in_extension::<ConnectInfo<SocketAddr>>().key()`, and the app is served by
//! `into_make_service_with_connect_info::<SocketAddr>()`. In other servers, the code that accepts connections
//! inserts a [`PeerAddr`].
//!
//! ```
//! use std::net::{IpAddr, SocketAddr};
//! use http::{HeaderName, Request};
//! use seawall::{KeyedRateLimiter, Quota};
//! use seawall_http::keys::{ClientAddr, HeaderKey, PeerAddr, TextKey, both};
//! # use tower::{Layer, service_fn};
//!
//! let per_client = KeyedRateLimiter::<IpAddr>::new("per client", Quota::per_minute(600).burst(50));
//! let layer = per_client.layer(ClientAddr::new().x_forwarded_for(1).key());
//!
//! let api_key = HeaderKey::new(HeaderName::from_static("x-api-key"));
//! let per_key = KeyedRateLimiter::<(IpAddr, TextKey)>::new("per key", Quota::per_second(10));
//! let both = per_key.layer(both(ClientAddr::new().key(), api_key.key()));
//! # let service = service_fn(async |_: Request<String>| Ok::<_, seawall::Error<std::io::Error>>(()));
//! # let mut stack = layer.layer(both.layer(service));
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! # let mut request = Request::new(String::new());
//! # request.extensions_mut().insert(PeerAddr(SocketAddr::from(([192, 0, 2, 7], 40_000))));
//! # tower::Service::call(&mut stack, request).await.unwrap();
//! # assert_eq!(per_client.available(&IpAddr::from([192, 0, 2, 7])), 49);
//! # });
//! ```

mod client_addr;
mod forwarded;
mod header_key;
mod node;
mod path_template;
mod text_key;

pub use client_addr::{ClientAddr, PeerAddr};
pub use header_key::HeaderKey;
pub use path_template::PathTemplate;
pub use text_key::TextKey;

/// Combines two keys, for example for a limit per client and path.
pub fn both<R, A, B>(
    first: impl Fn(&R) -> A + Clone,
    second: impl Fn(&R) -> B + Clone,
) -> impl Fn(&R) -> (A, B) + Clone {
    move |request| (first(request), second(request))
}
