mod content;
mod responder;
mod with_body;

use seawall_policy::WithResponse;

pub use responder::Responder;
pub use with_body::WithBody;

/// Answers the rejections of `layer` as [`Responder::new`] does; in axum, such a layer goes on a `Router` as it is.
///
/// ```
/// use axum::{Router, routing::get};
/// use seawall::{Quota, RateLimiter};
///
/// let limiter = RateLimiter::new("inventory", Quota::per_second(500).burst(50));
/// let app: Router = Router::new().route("/", get(|| async { "home" })).layer(seawall_http::respond(limiter.layer()));
/// ```
pub fn respond<L: WithResponse<Responder>>(layer: L) -> L::Output {
    Responder::new().respond(layer)
}
