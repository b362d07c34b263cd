use crate::Meaning;
use std::any::Any;

/// What a finished call says of the callee's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The callee did its work.
    Success,
    /// The callee failed.
    Failure,
    /// Says nothing of the callee: the caller's own mistake, say. Neither a success nor a failure.
    Ignored,
}

/// Decides what a finished call says of the callee's health.
///
/// Any `Fn(&Result<T, E>) -> Outcome` is a classifier. It runs once per finished call, outside of every lock and of
/// every transition, so it may call the policy it serves. If it panics, the call counts as a failure and the panic goes
/// on to the caller.
///
/// ```
/// use seawall_core::{Classify, Outcome};
///
/// let by_status = |result: &Result<u16, std::io::Error>| match result {
///     Ok(500..) | Err(_) => Outcome::Failure,
///     Ok(400..) => Outcome::Ignored, // the caller's fault
///     Ok(_) => Outcome::Success,
/// };
/// assert_eq!(by_status.classify(&Ok(404)), Outcome::Ignored);
/// ```
pub trait Classify<T, E> {
    /// The verdict on `result`.
    fn classify(&self, result: &Result<T, E>) -> Outcome;

    /// Returns the verdict on `result`, or `None` if the caller abandoned the call.
    ///
    /// `noted` is the meaning of the error if a policy below [noted](crate::Mark) that the error is a rejection. By default
    /// a call that the caller's own deadline cut off is abandoned, and [`classify`](Self::classify) decides about all
    /// others. A classifier that reads rejections from the error itself should decide by those.
    fn verdict(&self, result: &Result<T, E>, noted: Option<Meaning>) -> Option<Outcome> {
        match noted {
            Some(Meaning::CutOff) => None,
            _ => Some(self.classify(result)),
        }
    }

    /// The verdict on the end of an output that came in parts, if the end says more than its beginning; `None` otherwise.
    ///
    /// What `end` is depends on the integration: `seawall-http` passes the `http::HeaderMap` of a body's trailers. A closure
    /// has no such verdict.
    fn classify_end(&self, _end: &dyn Any) -> Option<Outcome> {
        None
    }
}

/// Counts every `Ok` as a success, and every `Err` as a failure except the rejections by policies below. The default.
///
/// A rejection says nothing about the callee, so it is ignored. The exception is a timeout's own limit: the callee was too
/// slow, which is a failure. A rejection is known if the error is what the policy below made of it: see
/// [`Mark`](crate::Mark).
#[derive(Debug, Clone, Copy, Default)]
pub struct ErrIsFailure;

impl<T, E> Classify<T, E> for ErrIsFailure {
    fn classify(&self, result: &Result<T, E>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        }
    }

    fn verdict(&self, result: &Result<T, E>, noted: Option<Meaning>) -> Option<Outcome> {
        match noted {
            Some(meaning) => meaning.outcome(),
            None => Some(self.classify(result)),
        }
    }
}

impl<T, E, F> Classify<T, E> for F
where
    F: Fn(&Result<T, E>) -> Outcome,
{
    fn classify(&self, result: &Result<T, E>) -> Outcome {
        self(result)
    }
}
