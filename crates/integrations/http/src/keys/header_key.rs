use std::fmt;

use http::{HeaderMap, HeaderName, Request};

use super::text_key::{Maker, TextKey};

/// A header's value as a key, such as an API key or a tenant.
///
/// An unchecked value is not a key, because a client can send a new value with each call. Put the layer behind the
/// authentication, or add the client's address ([`both`](super::both)).
///
/// Requests without the header share the key [`TextKey::ABSENT`]. Requests with several lines of the header share it too.
/// Servers differ in which line counts, and a client could vary the other lines.
///
/// Values are compared byte by byte. A value with several spellings gives several keys: `Authorization: Bearer x` and
/// `bearer x` mean the same. For such a header, write a function that returns the result of the authentication.
///
/// ```
/// use http::{HeaderName, Request};
/// use seawall::{KeyedRateLimiter, Quota};
/// use seawall_http::keys::{HeaderKey, TextKey};
///
/// let api_key = HeaderKey::new(HeaderName::from_static("x-api-key"));
/// let request = Request::get("/").header("x-api-key", "k1").body(()).unwrap();
/// assert_eq!(api_key.of(&request), api_key.of_value("k1"));
///
/// // A quota by key: little for who has none, much for one whom we know.
/// let known = api_key.of_value("k1");
/// let limiter = KeyedRateLimiter::<TextKey>::builder("per API key", Quota::per_minute(60))
///     .quotas(move |key: &TextKey| match *key {
///         TextKey::ABSENT => Quota::per_minute(1),
///         key if key == known => Quota::per_minute(6_000),
///         _ => Quota::per_minute(60),
///     })
///     .build();
/// let layer = limiter.layer(api_key.key::<()>());
/// # let _ = layer;
/// ```
#[derive(Clone)]
#[must_use = "it is a key's description; `key` makes the function that a layer takes"]
pub struct HeaderKey {
    name: HeaderName,
    maker: Maker,
}

impl HeaderKey {
    /// Creates a key from the value of the header `name`.
    pub fn new(name: HeaderName) -> Self {
        Self { name, maker: Maker::new() }
    }

    /// Returns the key of a request.
    pub fn of<B>(&self, request: &Request<B>) -> TextKey {
        self.of_headers(request.headers())
    }

    /// Returns the key of a value, for example to ask a limiter about that key.
    pub fn of_value(&self, value: impl AsRef<[u8]>) -> TextKey {
        self.maker.make(value.as_ref())
    }

    /// Returns the function that a layer takes. All functions of this value and its clones make the same keys.
    pub fn key<B>(&self) -> impl Fn(&Request<B>) -> TextKey + Clone + use<B> {
        let this = self.clone();
        move |request| this.of(request)
    }

    fn of_headers(&self, headers: &HeaderMap) -> TextKey {
        let mut values = headers.get_all(&self.name).into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) => self.maker.make(value.as_bytes()),
            (None, _) | (_, Some(_)) => TextKey::ABSENT,
        }
    }
}

// Written manually, because the maker has a secret.
impl fmt::Debug for HeaderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderKey").field("name", &self.name).finish_non_exhaustive()
    }
}
