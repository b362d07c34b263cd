use seawall_core::{AsRejection, Meaning, Rejection};

/// How a policy sees that an error is a rejection by a policy below it.
pub trait Visibility<E> {
    /// The rejection, if it is one.
    fn rejection(error: &E) -> Option<&Rejection>;

    /// Returns the meaning of the error if it is a rejection. `noted` is what a [`Mark`](seawall_core::Mark) says about the
    /// error, which is less exact than the error's own word.
    fn meaning(error: &E, noted: Option<Meaning>) -> Option<Meaning>;
}

/// The error shows its rejections: what `call` and a retry's layer ask for.
#[derive(Debug, Clone, Copy, Default)]
pub struct ShowsRejections;

/// The error may be any, and shows no rejection: what `execute` does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Opaque;

impl<E: AsRejection> Visibility<E> for ShowsRejections {
    fn rejection(error: &E) -> Option<&Rejection> {
        error.as_rejection()
    }

    fn meaning(error: &E, _: Option<Meaning>) -> Option<Meaning> {
        error.as_rejection().map(Rejection::meaning)
    }
}

impl<E> Visibility<E> for Opaque {
    fn rejection(_: &E) -> Option<&Rejection> {
        None
    }

    fn meaning(_: &E, noted: Option<Meaning>) -> Option<Meaning> {
        noted
    }
}
