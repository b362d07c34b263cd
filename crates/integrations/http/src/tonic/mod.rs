//! tonic's `Status`: made of rejections, and read for what it says of the callee and of when to call again.
//!
//! # Calls
//!
//! A client's calls fail with a [`Status`], which goes through the policies as any error does, and
//! comes out as one again with [`into_status`]:
//!
//! ```
//! # use ::tonic::{Code, Response, Status};
//! # struct Client;
//! # impl Client { async fn stock(&self, id: u32) -> Result<Response<u32>, Status> { Ok(Response::new(id)) } }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use seawall::{CircuitBreaker, Retry};
//! use seawall_http::{GrpcCodes, tonic::{hint, into_status}};
//!
//! # let client = Client;
//! let breaker = CircuitBreaker::builder("inventory").classify(GrpcCodes::health()).build();
//! let retry = Retry::builder("inventory").classify(GrpcCodes::transient()).hint(hint).build();
//!
//! let stock = retry.call(|| breaker.execute(|| client.stock(7))).await.map_err(into_status);
//! assert_eq!(stock.unwrap().into_inner(), 7);
//!
//! breaker.force_open();
//! let refused = breaker.execute(|| client.stock(7)).await.map_err(into_status);
//! assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
//! # }
//! ```
//!
//! # Layers
//!
//! Above a `Channel`, and in a `Server`, layers see `http::Response`s, whose head has the status of a call that failed with no
//! message before: [`GrpcCodes`](crate::GrpcCodes) takes these too, and [`pushback`](crate::pushback()) reads when to
//! call again. [`grpc_respond`](crate::grpc_respond) makes such a head of a rejection, on either side: generated code above
//! a channel makes a `Status` with the right code of that, and of an error `Code::Unknown`.
//! [`ReadDeadlineLayer`](crate::ReadDeadlineLayer) and [`WriteDeadlineLayer`](crate::WriteDeadlineLayer) pass deadlines on
//! as `grpc-timeout`.
//!
//! tonic 0.14 keeps to `grpc-timeout` too, by timers of its own around all layers, in its channel and in its server, and ends
//! such calls as `CANCELLED`. Of a local error [`code`] knows that it was a timeout; what comes over the wire says no more.
//! [`WriteDeadlineLayer`](crate::WriteDeadlineLayer) holds such an end back until the policy above has cut the call itself.
//! A lost connection is `UNKNOWN`, `CANCELLED` or `INTERNAL` to tonic; [`code`], the classifiers and [`into_status`] take it for
//! `UNAVAILABLE`.
//!
//! Generated clients take `&mut self`: a closure that is run again clones one for each attempt.
//!
//! A body that is streamed is outside of the call: it can still end with any status in its trailers. Two layers look further.
//! [`hold_body`](crate::hold_body()) lets a circuit breaker judge the trailers. [`EarlyStatusLayer`](crate::EarlyStatusLayer),
//! below a retry, waits for the first frame, so that a status before any message is tried again:
//!
//! ```
//! # fn guard(channel: ::tonic::transport::Channel) {
//! use ::tonic::body::Body;
//! use seawall::Retry;
//! use seawall_http::{CloneIdempotent, EarlyStatusLayer, GrpcCodes, ReplayBody, ReplayLayer};
//! use tower::ServiceBuilder;
//!
//! let retry = Retry::builder("inventory").classify(GrpcCodes::transient().any_error()).build();
//! let service = ServiceBuilder::new()
//!     .layer(ReplayLayer::new())
//!     // Each gRPC call is a `POST`: name the calls that may be sent again.
//!     .layer(retry.layer().any_error().clone_request(CloneIdempotent::new().all_methods()))
//!     .layer(EarlyStatusLayer::new())
//!     .map_request(|request: http::Request<ReplayBody<Body>>| request.map(Body::new))
//!     .service(channel); // and `InventoryClient::new(service)`
//! # let _ = service;
//! # }
//! ```

mod classify;
mod code;
mod status;

pub use classify::hint;
pub use code::code;
pub use status::{AsStatus, into_status};

#[cfg(doc)]
use ::tonic::Status;
