//! An axum server on a real socket, limited by key.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, MatchedPath},
    http::{Request, StatusCode},
    response::IntoResponse,
    routing::get,
};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use seawall::{KeyedRateLimiter, Quota};
use seawall_http::keys::{ClientAddr, PathTemplate, TextKey, both};
use tokio::net::TcpListener;

/// Serves `app` and tells where.
async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await });
    addr
}

async fn status(addr: SocketAddr, path: &str, forwarded_for: &str) -> u16 {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::get(format!("http://{addr}{path}")).header("x-forwarded-for", forwarded_for);
    client.request(request.body(Body::empty()).unwrap()).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_client_is_known_by_its_connection() {
    let limiter = KeyedRateLimiter::<IpAddr>::new("per client", Quota::per_hour(2));
    let key = ClientAddr::in_extension::<ConnectInfo<SocketAddr>>();
    let app = Router::new()
        .route("/", get(async || "well"))
        .layer(limiter.layer(key.key()).on_reject(|_| StatusCode::TOO_MANY_REQUESTS.into_response()));
    let addr = serve(app).await;
    // What it says of itself makes no difference.
    let statuses = [status(addr, "/", "192.0.2.1").await, status(addr, "/", "192.0.2.2").await];
    assert_eq!((statuses, status(addr, "/", "192.0.2.3").await), ([200, 200], 429));
    assert_eq!((limiter.available(&IpAddr::from([127, 0, 0, 1])), limiter.len()), (0, 1));
}

#[tokio::test]
async fn behind_a_proxy_clients_and_routes_have_limits_of_their_own() {
    let limiter = KeyedRateLimiter::<(IpAddr, TextKey)>::new("per client and route", Quota::per_hour(1));
    let client = ClientAddr::in_extension::<ConnectInfo<SocketAddr>>().x_forwarded_for(1);
    let template = PathTemplate::in_extensions(|extensions| Some(extensions.get::<MatchedPath>()?.as_str()));
    let app = Router::new().route("/users/{id}", get(async || "user")).route("/health", get(async || "well")).layer(
        limiter.layer(both(client.key(), template.key())).on_reject(|_| StatusCode::TOO_MANY_REQUESTS.into_response()),
    );
    let addr = serve(app).await;
    for (path, forwarded_for, expected) in [
        ("/users/1", "192.0.2.1", 200),
        ("/users/2", "192.0.2.1", 429),
        ("/users/2", "192.0.2.66, 192.0.2.1", 429),
        ("/health", "192.0.2.1", 200),
        ("/users/2", "192.0.2.2", 200),
    ] {
        assert_eq!(status(addr, path, forwarded_for).await, expected, "{path} {forwarded_for}");
    }
    assert_eq!(limiter.available(&(IpAddr::from([192, 0, 2, 1]), template.of_value("/users/{id}"))), 0);
    assert_eq!(limiter.len(), 3);
}
