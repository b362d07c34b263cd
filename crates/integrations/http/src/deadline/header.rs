use std::time::Duration;

use http::HeaderName;
use seawall_core::wire::{
    InvalidTimeout, TimeoutText, grpc_timeout, parse_grpc_timeout, parse_timeout_millis, timeout_millis,
};

/// A header that says how much time is left.
pub trait DeadlineHeader {
    /// Its name.
    fn name(&self) -> &HeaderName;

    /// What it says.
    ///
    /// # Errors
    ///
    /// If it cannot be read. No bytes may make it panic.
    fn read(&self, value: &[u8]) -> Result<Duration, InvalidTimeout>;

    /// How it says that so much is left; rounded down.
    fn write(&self, left: Duration) -> TimeoutText;
}

/// gRPC's `grpc-timeout`: `250m`. See [`seawall_core::wire`].
#[derive(Debug, Clone, Copy, Default)]
pub struct GrpcTimeout;

/// A header of whole milliseconds, whose name is yours: Envoy's `x-envoy-expected-rq-timeout-ms`, say. See
/// [`seawall_core::wire`].
#[derive(Debug, Clone)]
pub struct TimeoutMillis(HeaderName);

impl TimeoutMillis {
    /// By the header of that name.
    pub const fn new(name: HeaderName) -> Self {
        Self(name)
    }
}

impl DeadlineHeader for GrpcTimeout {
    fn name(&self) -> &HeaderName {
        static NAME: HeaderName = HeaderName::from_static("grpc-timeout");
        &NAME
    }

    fn read(&self, value: &[u8]) -> Result<Duration, InvalidTimeout> {
        parse_grpc_timeout(value)
    }

    fn write(&self, left: Duration) -> TimeoutText {
        grpc_timeout(left)
    }
}

impl DeadlineHeader for TimeoutMillis {
    fn name(&self) -> &HeaderName {
        &self.0
    }

    fn read(&self, value: &[u8]) -> Result<Duration, InvalidTimeout> {
        parse_timeout_millis(value)
    }

    fn write(&self, left: Duration) -> TimeoutText {
        timeout_millis(left)
    }
}
