use std::time::Duration;

use crate::{Error, Meaning, Rejection};

/// What a result says of when the call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hint {
    /// Nothing.
    #[default]
    None,
    /// Not before that time has passed, as `Retry-After` says it. A shorter time than the retry's next delay changes nothing.
    After(Duration),
    /// Exactly after that time, in place of the backoff, as gRPC's pushback says it. The backoff then restarts.
    Exactly(Duration),
    /// It should not be made again.
    Never,
}

/// A response or an error that says when to call again.
///
/// ```
/// use std::time::Duration;
/// use seawall_core::{Hint, RetryAfter};
///
/// struct TooBusy { again_in: Option<Duration> }
///
/// impl RetryAfter for TooBusy {
///     fn retry_after(&self) -> Hint {
///         self.again_in.map_or(Hint::None, Hint::After)
///     }
/// }
/// ```
pub trait RetryAfter {
    /// What it says.
    fn retry_after(&self) -> Hint;
}

/// A refused call passes at a known time, or nobody knows when.
impl RetryAfter for Rejection {
    fn retry_after(&self) -> Hint {
        match self.meaning() {
            // The attempt ran, so nothing rejects the next one.
            Meaning::TimedOut | Meaning::CutOff => Hint::None,
            Meaning::Refused { .. } | Meaning::NoTime => Rejection::retry_after(self).map_or(Hint::Never, Hint::After),
        }
    }
}

impl<E: RetryAfter> RetryAfter for Error<E> {
    fn retry_after(&self) -> Hint {
        match self {
            Self::Rejected(rejection) => RetryAfter::retry_after(rejection),
            Self::Inner(error) => error.retry_after(),
        }
    }
}

impl<T: RetryAfter, E: RetryAfter> RetryAfter for Result<T, E> {
    fn retry_after(&self) -> Hint {
        match self {
            Ok(response) => response.retry_after(),
            Err(error) => error.retry_after(),
        }
    }
}
