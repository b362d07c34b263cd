//! Keys of headers and paths, and pairs of keys, by a limiter's layer.

use std::{convert::Infallible, net::IpAddr};

use http::{HeaderName, Request};
use seawall::{KeyedRateLimiter, Quota};
use seawall_http::keys::{ClientAddr, HeaderKey, PathTemplate, TextKey, both};
use tower::{Layer, Service, service_fn};

fn api_key() -> HeaderKey {
    HeaderKey::new(HeaderName::from_static("x-api-key"))
}

fn with(values: &[&[u8]]) -> Request<()> {
    crate::keys::request("x-api-key", values.iter().copied())
}

#[test]
fn a_value_is_a_key_byte_by_byte() {
    let key = api_key();
    assert_eq!(key.of(&with(&[b"a"])), key.of_value("a"));
    assert_eq!(key.of(&with(&[b"a\xff"])), key.of_value(b"a\xff"));
    assert_ne!(key.of_value("a"), key.of_value("A"));
    assert_eq!(key.of(&with(&[b"a"])), key.clone().of(&with(&[b"a"])));
    assert_eq!(key.of(&with(&[b"a"])), key.key()(&with(&[b"a"])));
}

#[test]
fn who_has_no_value_and_who_has_several_share_a_key() {
    let key = api_key();
    let several: [&[&[u8]]; 4] = [&[], &[b"a", b"b"], &[b"a", b"a"], &[b"", b"a", b"b"]];
    for values in several {
        assert_eq!(key.of(&with(values)), TextKey::ABSENT, "{values:?}");
    }
    // An empty value is one.
    assert_eq!(key.of(&with(&[b""])), key.of_value(""));
}

#[test]
fn long_values_cost_no_more_than_short_ones() {
    let limiter = KeyedRateLimiter::<TextKey>::builder("per API key", Quota::per_minute(1)).max_keys(100).build();
    let key = api_key();
    let mut value = vec![b'x'; 10_000];
    for number in 0..1_000_u32 {
        value[9_996..].copy_from_slice(&number.to_be_bytes().map(|byte| b'a' + byte % 16));
        let _ = limiter.try_acquire(&key.of_value(&value));
    }
    assert!(limiter.len() <= 100);
    // The last byte makes a difference, ten thousand bytes on.
    assert_ne!(key.of_value(&value[..9_999]), key.of_value(&value));
    assert_eq!(size_of_val(&key.of_value(&value)), 8);
}

#[test]
fn templates_come_from_extensions_or_from_a_function() {
    #[derive(Clone)]
    struct Route(String);
    let template = PathTemplate::in_extensions(|extensions| Some(&extensions.get::<Route>()?.0));
    let mut request = Request::get("/users/1").body(()).unwrap();
    assert_eq!(template.of(&request), TextKey::ABSENT);
    request.extensions_mut().insert(Route("/users/{id}".into()));
    assert_eq!(template.of(&request), template.of_value("/users/{id}"));
    assert_eq!(template.key()(&request), template.of(&request));

    let by_path = PathTemplate::by(|uri| uri.path().starts_with("/users/").then_some("/users/{id}"));
    assert_eq!(by_path.of(&request), by_path.of_value("/users/{id}"));
    assert_eq!(by_path.of(&Request::new(())), TextKey::ABSENT);
}

#[tokio::test(start_paused = true)]
async fn a_pair_is_a_key_of_its_own() {
    let template = PathTemplate::by(|uri| match uri.path() {
        "/a" => Some("/a"),
        "/b" => Some("/b"),
        _ => None,
    });
    let limiter = KeyedRateLimiter::<(IpAddr, TextKey)>::new("pairs", Quota::per_minute(1));
    let layer = limiter.layer(both(ClientAddr::new().x_forwarded_for(1).key(), template.key()));
    let mut service = layer.on_reject(|_| false).layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(true)));
    let mut call = async |client: &str, path: &str| {
        let mut request = crate::keys::request("x-forwarded-for", [client.as_bytes()]);
        *request.uri_mut() = path.parse().unwrap();
        service.call(request).await.unwrap()
    };
    for (client, path, passes) in [
        ("192.0.2.1", "/a", true),
        ("192.0.2.1", "/a", false),
        ("192.0.2.1", "/b", true),
        ("192.0.2.2", "/a", true),
        ("192.0.2.1", "/x", true),
        ("192.0.2.1", "/y", false),
    ] {
        assert_eq!(call(client, path).await, passes, "{client} {path}");
    }
    assert_eq!(limiter.len(), 4);
}
