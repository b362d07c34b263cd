//! What the calls of these tests return.

use seawall_core::Error;

/// The error of an inner call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

/// The result of a call. `Err(Error::Rejected(_))` is a call that was rejected.
pub type Reply = Result<(), Error<Failed>>;

/// The result of an inner call that ran and failed.
pub const FAILED: Reply = Err(Error::Inner(Failed));

/// Returns the answer of `execute` without the second layer of errors.
pub fn flat<T, E>(reply: Result<T, Error<Error<E>>>) -> Result<T, Error<E>> {
    match reply {
        Err(Error::Inner(error)) => Err(error),
        Err(Error::Rejected(rejection)) => Err(Error::Rejected(rejection)),
        Ok(value) => Ok(value),
    }
}

/// Says whether the call was rejected.
pub fn is_rejected<T, E>(reply: &Result<T, Error<E>>) -> bool {
    matches!(reply, Err(Error::Rejected(_)))
}
