use std::future::Future;

use seawall_core::attempts::{Attempt, GaveUp};

/// An operation that a retry can attempt more than once.
pub trait Operation {
    /// The value of a successful attempt.
    type Output;
    /// The error of a failed attempt.
    type Error;
    /// The future of an attempt.
    type Future: Future<Output = Result<Self::Output, Self::Error>>;

    /// Whether the operation uses [`Attempt::elapsed`]. Each call then begins with a clock read.
    const NEEDS_TIME: bool = false;

    /// Begins an attempt. If no attempt `may_follow`, the operation need not keep what a further attempt would take.
    fn attempt(&mut self, attempt: Attempt, may_follow: impl FnOnce() -> bool) -> Self::Future;

    /// Returns why no other attempt is possible, if none is.
    fn obstacle(&self) -> Option<GaveUp> {
        None
    }
}

/// A closure that makes a future for each attempt.
#[derive(Debug, Clone, Copy)]
pub struct RunEach<O>(pub(crate) O);

/// A closure that makes a future for each attempt, and gets the attempt.
#[derive(Debug, Clone, Copy)]
pub struct Numbered<O>(pub(crate) O);

impl<O, F, T, E> Operation for RunEach<O>
where
    O: FnMut() -> F,
    F: Future<Output = Result<T, E>>,
{
    type Output = T;
    type Error = E;
    type Future = F;

    #[inline]
    fn attempt(&mut self, _: Attempt, _: impl FnOnce() -> bool) -> F {
        (self.0)()
    }
}

impl<O, F, T, E> Operation for Numbered<O>
where
    O: FnMut(Attempt) -> F,
    F: Future<Output = Result<T, E>>,
{
    type Output = T;
    type Error = E;
    type Future = F;

    const NEEDS_TIME: bool = true;

    #[inline]
    fn attempt(&mut self, attempt: Attempt, _: impl FnOnce() -> bool) -> F {
        (self.0)(attempt)
    }
}
