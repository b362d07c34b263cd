use std::{mem, ops::Deref, thread};

use seawall_core::{Classify, Outcome, breaker::Pass, observe::contain, time::Clock};

use crate::inner::Inner;

/// A pass that finds its way back whatever happens: recorded, dropped, or torn off by a panic.
///
/// `H` holds the breaker: borrowed for a call that ends before it returns, owned for one that is a future.
#[derive(Debug)]
pub(crate) struct Ticket<H: Deref<Target: TakeBack>> {
    holder: H,
    pass: Option<Pass>,
}

/// Takes passes back. The bound of [`Ticket`], so that its `Drop` need not name the breaker's parameters.
pub(crate) trait TakeBack {
    fn exit(&self, pass: Pass, outcome: Outcome);
    fn abandon(&self, pass: Pass);
}

/// Counts a failure if it is dropped, which is when the code beside it panics.
struct CountPanic<'a, H: Deref<Target: TakeBack>>(&'a mut Ticket<H>);

impl<H: Deref<Target: TakeBack>> Ticket<H> {
    #[inline]
    pub(crate) fn new(holder: H, pass: Pass) -> Self {
        Self { holder, pass: Some(pass) }
    }

    #[inline]
    pub(crate) fn settle(&mut self, outcome: Outcome) {
        if let Some(pass) = self.pass.take() {
            self.holder.exit(pass, outcome);
        }
    }

    /// Counts a failure while the thread unwinds, when a second panic would abort the process.
    pub(crate) fn settle_in_panic(&mut self) {
        contain(|| self.settle(Outcome::Failure));
    }

    /// Runs a part of the call; if it panics, the call has failed.
    #[inline]
    pub(crate) fn run<T>(&mut self, part: impl FnOnce() -> T) -> T {
        let armed = CountPanic(self);
        let output = part();
        mem::forget(armed);
        output
    }
}

impl<C, K: Clock, H: Deref<Target = Inner<C, K>>> Ticket<H> {
    /// Settles by the classifier's verdict; if that panics, the call has failed.
    #[inline]
    pub(crate) fn record<T, E>(&mut self, result: &Result<T, E>)
    where
        C: Classify<T, E>,
    {
        let armed = CountPanic(self);
        let outcome = armed.0.holder.classify.classify(result);
        armed.0.settle(outcome);
        mem::forget(armed);
    }
}

impl<H: Deref<Target: TakeBack>> Drop for Ticket<H> {
    #[inline]
    fn drop(&mut self) {
        let Some(pass) = self.pass.take() else { return };
        // Of two panics at once the second aborts the process, and a rule given as a predicate is a user's code.
        if thread::panicking() {
            contain(|| self.holder.abandon(pass));
        } else {
            self.holder.abandon(pass);
        }
    }
}

impl<H: Deref<Target: TakeBack>> Drop for CountPanic<'_, H> {
    fn drop(&mut self) {
        self.0.settle_in_panic();
    }
}

impl<C, K: Clock> TakeBack for Inner<C, K> {
    #[inline]
    fn exit(&self, pass: Pass, outcome: Outcome) {
        Self::exit(self, pass, outcome);
    }

    fn abandon(&self, pass: Pass) {
        Self::abandon(self, pass);
    }
}
