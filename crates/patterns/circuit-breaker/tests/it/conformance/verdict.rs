use std::{
    error, fmt,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use seawall_core::{Outcome, Rejection};
use tower::BoxError;

/// What the callee does, and what the caller then gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Success,
    Failure,
    /// An error that is the caller's own fault.
    Ignored,
    Panic,
}

/// The callee's own error.
#[derive(Debug)]
struct Said(Verdict);

impl Verdict {
    /// From a letter of a script.
    pub(crate) fn new(letter: char) -> Self {
        match letter {
            'S' => Self::Success,
            'F' => Self::Failure,
            'X' => Self::Ignored,
            'P' => Self::Panic,
            _ => panic!("a script knows S, F, X and P, got {letter}"),
        }
    }

    /// What the callee does.
    pub(crate) fn carry_out(self) -> Result<(), BoxError> {
        match self {
            Self::Success => Ok(()),
            Self::Failure | Self::Ignored => Err(Said(self).into()),
            // Not `panic!`: what is meant to happen needs no report.
            Self::Panic => resume_unwind(Box::new(self)),
        }
    }

    /// What the caller got: the verdict, untouched on its way, or a rejection.
    pub(crate) fn of(call: impl FnOnce() -> Result<(), BoxError>) -> Result<Self, Rejection> {
        match catch_unwind(AssertUnwindSafe(call)) {
            Ok(Ok(())) => Ok(Self::Success),
            Ok(Err(error)) => match error.downcast::<Rejection>() {
                Ok(rejection) => Err(*rejection),
                Err(error) => Ok(error.downcast::<Said>().expect("an error is the breaker's or the callee's").0),
            },
            // Any other panic is a broken assertion.
            Err(panic) => Ok(*panic.downcast::<Self>().unwrap_or_else(|panic| resume_unwind(panic))),
        }
    }
}

/// The classifier, where a row does not bring its own.
pub(crate) fn as_said(result: &Result<(), BoxError>) -> Outcome {
    match result.as_ref().map_err(|error| error.downcast_ref::<Said>()) {
        Ok(()) => Outcome::Success,
        Err(Some(Said(Verdict::Ignored))) => Outcome::Ignored,
        Err(_) => Outcome::Failure,
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the callee said {:?}", self.0)
    }
}

impl error::Error for Said {}
