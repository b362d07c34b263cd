use std::{error, sync::Arc};

use seawall_core::{Error, Rejection};
use tonic::{Status, metadata::MetadataMap};

use super::code::corrected;
use crate::{GrpcResponder, PUSHBACK};

/// An error that may be a [`Status`], or a policy's rejection. For an enum of your own it is one `match` each.
pub trait AsStatus {
    /// Returns the status, if the error is a status.
    fn as_status(&self) -> Option<&Status>;

    /// Returns the rejection, if the error is a rejection by a policy of this process.
    fn rejection(&self) -> Option<&Rejection>;
}

/// The error of a guarded call as a `Status`: its own, or that of its rejection, as of [`GrpcResponder::status`].
///
/// A status that tonic made of an error in this process gets the corrected [`code`](super::code()): `UNAVAILABLE` for a lost
/// connection, `DEADLINE_EXCEEDED` for tonic's own timer. tonic's status stays below as its source.
///
/// ```
/// # use seawall_core::Error;
/// # use seawall_http::tonic::into_status;
/// # use ::tonic::{Code, Status};
/// let inner = Error::Inner(Status::not_found("no such item"));
/// assert_eq!(into_status(inner).code(), Code::NotFound);
/// ```
pub fn into_status(error: Error<Status>) -> Status {
    match error {
        Error::Rejected(rejection) => GrpcResponder::new().status(&rejection),
        Error::Inner(status) => corrected(status),
    }
}

impl GrpcResponder {
    /// The same as a `Status`, with pushback in its metadata.
    ///
    /// The rejection is its source, which is not sent, but stands in its `Display` and `Debug` text: make no message for
    /// strangers of those.
    pub fn status(&self, rejection: &Rejection) -> Status {
        let mut metadata = MetadataMap::new();
        if let Some(pushback) = Self::pushback(rejection) {
            metadata.as_mut().insert(PUSHBACK, pushback);
        }
        let mut status = Status::with_metadata(Self::code(rejection).into(), self.message(rejection), metadata);
        status.set_source(Arc::new(rejection.clone()));
        status
    }
}

impl AsStatus for Status {
    fn as_status(&self) -> Option<&Status> {
        Some(self)
    }

    /// Returns the rejection from which the status was made.
    fn rejection(&self) -> Option<&Rejection> {
        Rejection::find(self)
    }
}

impl<E: AsStatus> AsStatus for Error<E> {
    fn as_status(&self) -> Option<&Status> {
        match self {
            Self::Rejected(_) => None,
            Self::Inner(error) => error.as_status(),
        }
    }

    fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            Self::Inner(error) => error.rejection(),
        }
    }
}

impl AsStatus for Box<dyn error::Error + Send + Sync> {
    fn as_status(&self) -> Option<&Status> {
        self.downcast_ref()
    }

    fn rejection(&self) -> Option<&Rejection> {
        Rejection::find(&**self)
    }
}
