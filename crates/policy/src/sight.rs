use seawall_core::{AsRejection, Rejection};

/// How a policy sees that an error is a rejection by a policy below it.
pub trait Sight<E> {
    /// The rejection, if it is one.
    fn rejection(error: &E) -> Option<&Rejection>;
}

/// The error shows its rejections: what `call` and a retry's layer ask for.
#[derive(Debug, Clone, Copy, Default)]
pub struct HeedRejections;

/// The error may be any, and is never taken for a rejection: what `execute` does.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnyError;

impl<E: AsRejection> Sight<E> for HeedRejections {
    fn rejection(error: &E) -> Option<&Rejection> {
        error.as_rejection()
    }
}

impl<E> Sight<E> for AnyError {
    fn rejection(_: &E) -> Option<&Rejection> {
        None
    }
}
