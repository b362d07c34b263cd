use std::future::Future;

use seawall_core::attempts::{Attempt, GaveUp};

/// Something that can be attempted more than once.
pub trait Operation {
    /// What an attempt gives.
    type Output;
    /// What it fails with.
    type Error;
    /// An attempt.
    type Future: Future<Output = Result<Self::Output, Self::Error>>;

    /// Whether it makes use of [`Attempt::elapsed`]. A call then begins with a look at the clock.
    const NEEDS_TIME: bool = false;

    /// Begins an attempt. Where none `may_follow`, it need not keep what the next one would take.
    fn attempt(&mut self, attempt: Attempt, may_follow: impl FnOnce() -> bool) -> Self::Future;

    /// Why there can be no other attempt, if that is so.
    fn obstacle(&self) -> Option<GaveUp> {
        None
    }
}

/// A closure that makes a future for each attempt.
#[derive(Debug, Clone, Copy)]
pub struct RunEach<O>(pub(crate) O);

/// A closure that makes a future for each attempt, and is told which one it is.
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
