use seawall_core::{Error, FromRejection, Mark, Rejection, note_rejection};

/// How the result of a guarded call is made, from the call's own result or from a rejection.
///
/// One driver serves `execute`, `call` and the tower service. They differ only in this trait.
pub trait Reject<T, E> {
    /// The error of the guarded call.
    type Error;

    /// Returns the result of a call that ran. The caller took `mark` before the poll that gave `result`.
    fn ran(result: Result<T, E>, mark: Mark) -> Result<T, Self::Error>;

    /// Returns the result of a call that was rejected.
    fn refused(self, rejection: Rejection) -> Result<T, Self::Error>;
}

/// Wraps each error in [`Error`], as `execute` does.
#[derive(Debug, Clone, Copy, Default)]
pub struct WrapError;

/// Keeps the error type, which can carry a rejection, as `call` and the layers do.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeepError;

/// Keeps the error type, and answers a rejection with a response, as `on_reject` does.
#[derive(Debug, Clone, Copy)]
pub struct Respond<A>(pub A);

/// Makes a response from a rejection. Each `Fn(Rejection) -> T` implements it.
pub trait MakeResponse<T> {
    /// Returns the response.
    fn make_response(&self, rejection: Rejection) -> T;
}

impl<T, F: Fn(Rejection) -> T> MakeResponse<T> for F {
    #[inline]
    fn make_response(&self, rejection: Rejection) -> T {
        self(rejection)
    }
}

/// A layer that can answer rejected calls with a response instead of an error. All layers can, except a retry's, which rejects no
/// call.
///
/// Use it in code that answers for any layer, as `seawall-http` does. Otherwise call the layer's own `on_reject`.
pub trait WithResponse<A> {
    /// The type of the layer that answers.
    type Output;

    /// Answers rejected calls with the response of `answer`.
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
