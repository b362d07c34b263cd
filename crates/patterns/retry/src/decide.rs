use std::fmt;

use seawall_core::{
    Classify, ErrIsFailure, Hint, Meaning, Outcome, RetryAfter,
    attempts::{Attempt, Verdict},
};

/// The decision of a retry about a result: whether to make another attempt, and what the result says about its time.
pub trait Decide<T, E> {
    /// Whether the decision uses [`Attempt::elapsed`]. Each call then begins with a clock read.
    const NEEDS_TIME: bool;

    /// Returns what a result says about the next attempt; `None` if the result is final.
    fn decide(&self, attempt: &Attempt, result: &Result<T, E>) -> Option<Hint>;
}

/// The rule of a retry: which results it repeats, and how it reads the time of the next attempt.
#[derive(Clone, Copy, Default)]
pub struct Plan<D = ByOutcome, H = NoHint> {
    pub(crate) repeat: D,
    pub(crate) hint: H,
}

/// Repeats the results that a classifier calls a failure. [`Builder::classify`](crate::Builder::classify) makes it.
#[derive(Debug, Clone, Copy, Default)]
pub struct ByOutcome<C = ErrIsFailure>(pub(crate) C);

/// Repeats the results for which a function returns `true`. [`Builder::retry_if`](crate::Builder::retry_if) makes it.
#[derive(Debug, Clone, Copy)]
pub struct RetryIf<F>(pub(crate) F);

/// Results say nothing about the time of the next attempt. The default.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHint;

/// Errors say the time of the next attempt, by [`RetryAfter`]. [`Builder::heed_errors`](crate::Builder::heed_errors) makes it.
#[derive(Debug, Clone, Copy, Default)]
pub struct ErrorHint;

/// A function says the time of the next attempt. [`Builder::hint`](crate::Builder::hint) makes it.
#[derive(Debug, Clone, Copy)]
pub struct HintBy<F>(pub(crate) F);

/// A rule about which results a retry repeats.
pub trait Repeat<T, E> {
    /// Same as [`Decide::NEEDS_TIME`].
    const NEEDS_TIME: bool;

    /// Returns whether to make another attempt.
    fn repeat(&self, attempt: &Attempt, result: &Result<T, E>) -> bool;
}

/// A rule about what a result says about the time of the next attempt.
pub trait Hints<T, E> {
    /// Same as [`Decide::NEEDS_TIME`].
    const NEEDS_TIME: bool;

    /// Returns what the result says.
    fn hint(&self, attempt: &Attempt, result: &Result<T, E>) -> Hint;
}

impl<T, E, D: Repeat<T, E>, H: Hints<T, E>> Decide<T, E> for Plan<D, H> {
    const NEEDS_TIME: bool = D::NEEDS_TIME || H::NEEDS_TIME;

    #[inline]
    fn decide(&self, attempt: &Attempt, result: &Result<T, E>) -> Option<Hint> {
        self.repeat.repeat(attempt, result).then(|| self.hint.hint(attempt, result))
    }
}

impl<T, E, C: Classify<T, E>> Repeat<T, E> for ByOutcome<C> {
    const NEEDS_TIME: bool = false;

    #[inline]
    fn repeat(&self, _: &Attempt, result: &Result<T, E>) -> bool {
        self.0.classify(result) == Outcome::Failure
    }
}

impl<T, E, F: Fn(&Attempt, &Result<T, E>) -> bool> Repeat<T, E> for RetryIf<F> {
    const NEEDS_TIME: bool = true;

    fn repeat(&self, attempt: &Attempt, result: &Result<T, E>) -> bool {
        (self.0)(attempt, result)
    }
}

impl<T, E> Hints<T, E> for NoHint {
    const NEEDS_TIME: bool = false;

    fn hint(&self, _: &Attempt, _: &Result<T, E>) -> Hint {
        Hint::None
    }
}

impl<T, E: RetryAfter> Hints<T, E> for ErrorHint {
    const NEEDS_TIME: bool = false;

    fn hint(&self, _: &Attempt, result: &Result<T, E>) -> Hint {
        result.as_ref().err().map_or(Hint::None, RetryAfter::retry_after)
    }
}

impl<T, E, F: Fn(&Attempt, &Result<T, E>) -> Hint> Hints<T, E> for HintBy<F> {
    const NEEDS_TIME: bool = true;

    fn hint(&self, attempt: &Attempt, result: &Result<T, E>) -> Hint {
        (self.0)(attempt, result)
    }
}

/// Returns what a result says about the next attempt; `None` if the result is final. `meaning` says whether the result's error
/// is a policy's rejection.
#[inline(always)]
pub fn judge_attempt<T, E>(
    plan: &impl Decide<T, E>,
    attempt: &Attempt,
    result: &Result<T, E>,
    meaning: impl FnOnce(&E) -> Option<Meaning>,
) -> Option<Verdict> {
    let hint = plan.decide(attempt, result)?;
    let meaning = result.as_ref().err().and_then(meaning);
    Some(meaning.map_or(Verdict::Failed(hint), |meaning| Verdict::on_rejection(meaning, hint)))
}

// By hand: what is in it may be a closure.
impl<D, H> fmt::Debug for Plan<D, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").finish_non_exhaustive()
    }
}
