use std::{error, fmt};

use crate::{Rejection, note_rejection, rejection::searches};

/// Why a guarded call gave no result: a policy refused it, or it ran and failed.
///
/// It stays flat in a stack of any depth: every layer turns its [`Rejection`] into the same `Error<E>`.
#[derive(Debug, Clone, PartialEq)]
pub enum Error<E> {
    /// A policy refused the call, or cut it off.
    Rejected(Rejection),
    /// The call ran, and failed on its own.
    Inner(E),
}

/// An error that can carry a [`Rejection`]: [`Error<_>`](Error), a boxed error, a user's enum with `From<Rejection>`.
///
/// Implement `From<Rejection>` for an error type, and this follows.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot carry a rejection",
    label = "this error type has no place for a `Rejection`",
    note = "add `.map_err(seawall::Error::Inner)` below this layer, or implement `From<Rejection>` for the error",
    note = "or call by `execute`, which wraps any error; in axum make it `seawall_http::respond(layer)`, which answers"
)]
pub trait FromRejection {
    /// Wraps `rejection`.
    fn from_rejection(rejection: Rejection) -> Self;
}

// Hidden from the compiler's advice, so that a user reads the words above and not of a missing `From`.
#[diagnostic::do_not_recommend]
impl<E: From<Rejection>> FromRejection for E {
    fn from_rejection(rejection: Rejection) -> Self {
        E::from(rejection)
    }
}

/// An error that shows the [`Rejection`] it carries: a retry heeds those of the policies below it.
///
/// [`Error<_>`](Error), [`Rejection`] and boxed errors do. A boxed error shows the rejection in its whole chain of sources, as
/// [`Rejection::find`] does. For an enum of your own it is one `match`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not show which of its values are rejections",
    label = "a policy further out cannot tell a rejection from a failure in this error type",
    note = "add `.map_err(seawall::Error::Inner)` below this layer, or implement `AsRejection` for the error",
    note = "or let the error be any: call by `execute`, make a stack's layer without `.keep_error()`, a retry's with `.any_error()`"
)]
pub trait AsRejection {
    /// The rejection, if this is one.
    fn as_rejection(&self) -> Option<&Rejection>;
}

impl AsRejection for Rejection {
    fn as_rejection(&self) -> Option<&Rejection> {
        Some(self)
    }
}

impl<E> AsRejection for Error<E> {
    fn as_rejection(&self) -> Option<&Rejection> {
        self.rejection()
    }
}

impl AsRejection for Box<dyn error::Error + Send + Sync> {
    fn as_rejection(&self) -> Option<&Rejection> {
        Rejection::find(&**self)
    }
}

impl AsRejection for Box<dyn error::Error> {
    fn as_rejection(&self) -> Option<&Rejection> {
        Rejection::find(&**self)
    }
}

impl<E> Error<E> {
    /// The rejection, where a policy refused the call.
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            Self::Inner(_) => None,
        }
    }

    /// Returns `false` only if no attempt of the call has reached the callee. See [`Rejection::reached_callee`].
    pub fn reached_callee(&self) -> bool {
        match self {
            Self::Rejected(rejection) => rejection.reached_callee(),
            Self::Inner(_) => true,
        }
    }

    /// The call's own error, where it ran.
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Rejected(_) => None,
            Self::Inner(error) => Some(error),
        }
    }
}

/// The error is [noted](crate::Mark), so a policy around the call sees that it is a rejection.
impl<E> From<Rejection> for Error<E> {
    fn from(rejection: Rejection) -> Self {
        let meaning = rejection.meaning();
        let error = Self::Rejected(rejection);
        note_rejection(&error, meaning);
        error
    }
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::Inner(error) => error.fmt(f),
        }
    }
}

// `Display` passes the cause's own words on, so `source` skips it: a report must not say them twice. `Rejection::find` gets the
// rejection all the same.
impl<E: error::Error + 'static> error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Rejected(rejection) if searches() => Some(rejection),
            Self::Rejected(rejection) => rejection.source(),
            Self::Inner(error) => error.source(),
        }
    }
}
