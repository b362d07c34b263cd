//! An error as users write it.

use std::{error, fmt, io};

use seawall_core::Rejection;

/// The error of a user's client, which can carry a rejection.
#[derive(Debug)]
pub enum ClientError {
    /// The call failed.
    Io(io::Error),
    /// A policy rejected the call.
    Rejected(Rejection),
}

impl From<Rejection> for ClientError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Rejected(rejection) => rejection.fmt(f),
        }
    }
}

impl error::Error for ClientError {}
