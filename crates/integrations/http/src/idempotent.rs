use http::{HeaderMap, Method, Request};
use seawall_retry::http::{has_key, is_idempotent};

/// Which requests may be made twice, although the result of the first attempt is unknown.
///
/// By default the method must be idempotent by RFC 9110, 9.2.2: `GET`, `HEAD`, `OPTIONS`, `TRACE`, `PUT` and `DELETE`.
/// Method names are case-sensitive, and an unknown method is not idempotent. The rule of `http::Request`, which a retry's layer
/// follows unless it is told otherwise, is `Idempotent::new().by_key()`.
///
/// ```
/// use http::{Method, Request};
/// use seawall_http::Idempotent;
///
/// let order = Request::post("/orders").header("idempotency-key", "\"8e03978e\"").body(()).unwrap();
/// assert!(!Idempotent::new().allows(&order));
/// assert!(Idempotent::new().by_key().allows(&order));
/// assert!(Idempotent::new().allows_method(&Method::PUT));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Idempotent {
    by_key: bool,
    all: bool,
}

impl Idempotent {
    /// Those with idempotent methods.
    pub const fn new() -> Self {
        Self { by_key: false, all: false }
    }

    /// Allows `POST` and `PATCH` too if they carry one `Idempotency-Key` that is not empty
    /// (draft-ietf-httpapi-idempotency-key-header). For servers that heed it: others do the work twice.
    #[must_use]
    pub const fn by_key(self) -> Self {
        Self { by_key: true, ..self }
    }

    /// Allows all requests: for servers that are known to tell a second one from the first.
    #[must_use]
    pub const fn all_methods(self) -> Self {
        Self { all: true, ..self }
    }

    /// Whether this request may be made twice.
    pub fn allows<B>(&self, request: &Request<B>) -> bool {
        self.allows_parts(request.method(), request.headers())
    }

    /// Whether a request of that method, without a key, may be made twice.
    pub fn allows_method(&self, method: &Method) -> bool {
        self.all || is_idempotent(method)
    }

    /// Whether a request of that method and with those fields may be made twice.
    pub fn allows_parts(&self, method: &Method, headers: &HeaderMap) -> bool {
        self.allows_method(method) || (self.by_key && has_key(method, headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, keys: &[&str]) -> Request<()> {
        let mut request = Request::builder().method(method);
        for key in keys {
            request = request.header("Idempotency-Key", *key);
        }
        request.body(()).unwrap()
    }

    /// By default, with keys but none given, with keys and one given, and for all methods.
    fn verdicts(method: &str) -> [bool; 4] {
        let (none, one) = (request(method, &[]), request(method, &["\"a\""]));
        let by_key = Idempotent::new().by_key();
        assert_eq!(
            Idempotent::new().allows(&one),
            Idempotent::new().allows(&none),
            "without the switch a key is nothing"
        );
        [
            Idempotent::new().allows(&none),
            by_key.allows(&none),
            by_key.allows(&one),
            Idempotent::new().all_methods().allows(&none),
        ]
    }

    #[test]
    fn methods_are_idempotent_as_rfc_9110_says() {
        for method in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"] {
            assert_eq!(verdicts(method), [true; 4], "{method}");
        }
        for method in ["POST", "PATCH"] {
            assert_eq!(verdicts(method), [false, false, true, true], "{method}");
        }
        for method in ["CONNECT", "get", "Put", "PROPFIND", "QUERY"] {
            assert_eq!(verdicts(method), [false, false, false, true], "{method}");
        }
    }

    #[test]
    fn a_key_counts_if_it_is_one_and_not_empty() {
        let by_key = Idempotent::new().by_key();
        for (keys, allowed) in [
            (&["\"8e03978e-40d5\""][..], true),
            (&["plain"], true),
            (&[], false),
            (&[""], false),
            (&["  \t"], false),
            (&["\"a\"", "\"b\""], false),
            (&["\"a\"", "\"a\""], false),
            (&["", "\"a\""], false),
            (&["\"a\"", ""], false),
        ] {
            assert_eq!(by_key.allows(&request("POST", keys)), allowed, "{keys:?}");
        }
    }
}
