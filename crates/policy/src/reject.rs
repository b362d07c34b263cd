use seawall_core::{Error, FromRejection, Mark, Rejection, note_rejection};

/// How a guarded call ends: what becomes of its own result, and what of a refusal.
///
/// The one driver of a gate serves `execute`, `call` and the tower service; this is all that differs between them.
pub trait Reject<T, E> {
    /// The error of the guarded call.
    type Error;

    /// Returns the end of a call that ran. The mark was taken before the poll that gave `result`.
    fn ran(result: Result<T, E>, mark: Mark) -> Result<T, Self::Error>;

    /// The end of a call that was refused.
    fn refused(self, rejection: Rejection) -> Result<T, Self::Error>;
}

/// Any error is wrapped in [`Error`]: what `execute` does.
#[derive(Debug, Clone, Copy, Default)]
pub struct WrapError;

/// The error stays as it is, and carries the rejection: what `call` and the layers do.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeepError;

/// The error stays as it is, and a rejection is answered with a response: what `on_reject` does.
#[derive(Debug, Clone, Copy)]
pub struct Respond<A>(pub A);

/// Makes a response of a rejection. Any `Fn(Rejection) -> T` does.
pub trait MakeResponse<T> {
    /// The response.
    fn make_response(&self, rejection: Rejection) -> T;
}

impl<T, F: Fn(Rejection) -> T> MakeResponse<T> for F {
    #[inline]
    fn make_response(&self, rejection: Rejection) -> T {
        self(rejection)
    }
}

/// A layer whose refused calls can be answered with a response, in place of an error: all but a retry's, which refuses
/// none.
///
/// It is for those who answer for any layer, as `seawall-http` does; else a layer's own `on_reject` is what to call.
pub trait WithResponse<A> {
    /// The layer that answers.
    type Output;

    /// Answers refused calls by `answer`.
    fn with_response(self, answer: A) -> Self::Output;
}

impl<T, E> Reject<T, E> for WrapError {
    type Error = Error<E>;

    fn ran(result: Result<T, E>, mark: Mark) -> Result<T, Error<E>> {
        result.map_err(|error| mark.wrap(error, Error::Inner))
    }

    fn refused(self, rejection: Rejection) -> Result<T, Error<E>> {
        Err(Error::from(rejection))
    }
}

impl<T, E: FromRejection> Reject<T, E> for KeepError {
    type Error = E;

    fn ran(result: Result<T, E>, mark: Mark) -> Result<T, E> {
        result.inspect_err(|error| mark.keep(error))
    }

    fn refused(self, rejection: Rejection) -> Result<T, E> {
        let meaning = rejection.meaning();
        let error = E::from_rejection(rejection);
        note_rejection(&error, meaning);
        Err(error)
    }
}

impl<T, E, A: MakeResponse<T>> Reject<T, E> for Respond<A> {
    type Error = E;

    fn ran(result: Result<T, E>, mark: Mark) -> Result<T, E> {
        result.inspect_err(|error| mark.keep(error))
    }

    fn refused(self, rejection: Rejection) -> Result<T, E> {
        Ok(self.0.make_response(rejection))
    }
}
