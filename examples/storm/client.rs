//! The client: hyper with a pool of connections.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::Uri;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time;

/// A client of one upstream. Clones share the connections.
#[derive(Clone)]
pub(crate) struct Caller {
    client: Client<HttpConnector, Empty<Bytes>>,
    uri: Uri,
    timeout: Duration,
}

impl Caller {
    pub(crate) fn new(upstream: SocketAddr, timeout: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            uri: format!("http://{upstream}/").parse().expect("an address and a port make a URI"),
            timeout,
        }
    }

    /// Sends a request and reads the whole response in time. A server's error is an error here, so that the breaker's
    /// default classifier counts it.
    pub(crate) async fn call(&self) -> Result<(), Fault> {
        let exchange = async {
            let response = self.client.get(self.uri.clone()).await.map_err(|error| Fault::of(&error))?;
            let status = response.status();
            // Read to its end, because the connection could not be used again otherwise.
            response.into_body().collect().await.map_err(|error| Fault::of(&error))?;
            if status.is_server_error() { Err(Fault::Status) } else { Ok(()) }
        };
        time::timeout(self.timeout, exchange).await.unwrap_or(Err(Fault::TimedOut))
    }
}

/// Why a sent call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Status,
    TimedOut,
    Reset,
    Other,
}

impl Fault {
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<io::Error>()
                && error.kind() == io::ErrorKind::ConnectionReset
            {
                return Self::Reset;
            }
            cause = error.source();
        }
        Self::Other
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "the upstream answered with an error",
            Self::TimedOut => "no answer in time",
            Self::Reset => "connection reset",
            Self::Other => "no answer",
        })
    }
}

impl StdError for Fault {}
