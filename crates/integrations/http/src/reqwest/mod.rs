//! `reqwest`: which requests may be sent twice, and what its results mean.
//!
//! Its `Client` is a tower service, so nothing has to be put around it:
//!
//! ```
//! # use std::{io::{Read, Write}, net::TcpListener, thread};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let listener = TcpListener::bind("127.0.0.1:0")?;
//! # let url = format!("http://{}/7", listener.local_addr()?);
//! # thread::spawn(move || {
//! #     for mut socket in listener.incoming().flatten() {
//! #         let _ = socket.read(&mut [0; 1024]);
//! #         let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\nconnection: close\r\n\r\nstock: 7");
//! #     }
//! # });
//! use reqwest::{Client, Method, Request};
//! use seawall::{CircuitBreaker, Error, Retry};
//! use seawall_http::{Idempotent, reqwest::{Health, Transient, hint}};
//! use tower::{Service, ServiceBuilder, ServiceExt};
//!
//! let retry = Retry::builder("inventory").classify(Transient).hint(hint).build();
//! let breaker = CircuitBreaker::builder("inventory").classify(Health).build();
//! let mut service = ServiceBuilder::new()
//!     .layer(retry.layer().clone_request(Idempotent::new()))
//!     .layer(breaker.layer())
//!     .map_err(Error::Inner)
//!     .service(Client::new());
//! let request = Request::new(Method::GET, url.parse()?);
//! let response = service.ready().await?.call(request).await?;
//! assert_eq!(response.text().await?, "stock: 7");
//!
//! // The same breaker, directly.
//! let client = Client::new();
//! let response = breaker.execute(|| client.get(&url).send()).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! A retry as a plain call repeats what its closure does, whatever the method: that is the caller's to decide.
//!
//! # What a result means
//!
//! | result | to a breaker, by [`Health`] | to a retry, by [`Transient`] |
//! |---|---|---|
//! | a status | as of [`Statuses::health`](crate::Statuses::health) | as of [`Statuses::transient`](crate::Statuses::transient) |
//! | no connection, timeout, connection lost, in the body too | failure | again |
//! | the request could not be built, or was redirected too often | ignored | stands |
//! | the body came whole, and does not decode | ignored | stands |
//! | the TLS handshake failed, because a certificate is not trusted, for example | failure | stands |
//! | a rejection by a policy of ours, below | ignored | again, if it says when |
//! | a timeout of ours, below, at its own limit | failure | again |
//! | a timeout of ours, below, at the caller's deadline | abandoned | again |
//!
//! An error with a status, from `error_for_status`, counts as that status; but the error has lost the headers, and so what
//! `Retry-After` said.

mod clone;
mod health;
mod hint;
mod lasting;
mod transient;

pub use health::Health;
pub use hint::{hint, hint_by};
pub use transient::Transient;
