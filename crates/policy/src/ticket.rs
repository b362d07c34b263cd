use std::{fmt, mem, task::Poll, thread};

use seawall_core::{Error, Mark, Outcome, observe::contain};

use crate::{Gate, Judge};

/// A pass that finds its way back whatever happens: recorded, dropped, or torn off by a panic.
///
/// `G` holds the gate: borrowed for a call that ends before it returns, owned for one that is a future.
#[must_use = "dropping the ticket abandons the call"]
pub struct Ticket<G: Gate> {
    gate: G,
    pass: Option<G::Pass>,
}

/// A pass and the gate that gave it, beside each other for as long as a part of the call runs. It gives nothing back by
/// itself: that is for whoever keeps the pass.
pub(crate) struct Slip<'a, G: Gate> {
    pub(crate) gate: &'a G,
    pub(crate) pass: &'a mut Option<G::Pass>,
}

/// Counts a failure if it is dropped, which is when the code beside it panics.
struct PanicGuard<'a, 'b, G: Gate>(&'b mut Slip<'a, G>);

impl<G: Gate> Slip<'_, G> {
    #[inline(always)]
    fn settle(&mut self, outcome: Outcome) {
        if let Some(pass) = self.pass.take() {
            self.gate.exit(pass, outcome);
        }
    }

    fn settle_in_panic(&mut self) {
        contain(|| self.settle(Outcome::Failure));
    }

    /// Runs a part of the call; if it panics, the call has failed.
    #[inline(always)]
    pub(crate) fn run<T>(&mut self, part: impl FnOnce() -> T) -> T {
        let armed = PanicGuard(self);
        let output = part();
        mem::forget(armed);
        output
    }

    /// Settles by a verdict, or as abandoned where there is none; if to reach it panics, the call has failed.
    #[inline(always)]
    pub(crate) fn record(&mut self, verdict: impl FnOnce(&G) -> Option<Outcome>) {
        let armed = PanicGuard(self);
        match verdict(armed.0.gate) {
            Some(outcome) => armed.0.settle(outcome),
            None => armed.0.abandon(),
        }
        mem::forget(armed);
    }

    /// Polls the call, and settles with its result.
    #[inline(always)]
    pub(crate) fn poll<T>(
        &mut self,
        poll: impl FnOnce() -> Poll<T>,
        verdict: impl FnOnce(&G, &T) -> Option<Outcome>,
    ) -> Poll<T> {
        let polled = self.run(poll);
        if let Poll::Ready(result) = &polled {
            self.record(|gate| verdict(gate, result));
        }
        polled
    }

    /// The call was dropped before it ended.
    #[inline]
    pub(crate) fn abandon(&mut self) {
        if let Some(pass) = self.pass.take() {
            abandon(self.gate, pass);
        }
    }
}

/// A part of the call is run beside this; if it panics, the call has failed.
// Beside [`Slip::run`], as a closure is not always inlined, and what begins a call makes its future, which is not to be moved.
pub(crate) struct Running<'a, G: Gate>(Slip<'a, G>);

impl<'a, G: Gate> Running<'a, G> {
    #[inline(always)]
    pub(crate) fn new(gate: &'a G, pass: &'a mut Option<G::Pass>) -> Self {
        Self(Slip { gate, pass })
    }

    /// It did not.
    #[inline(always)]
    pub(crate) fn done(self) {
        mem::forget(self);
    }
}

impl<G: Gate> Drop for Running<'_, G> {
    fn drop(&mut self) {
        self.0.settle_in_panic();
    }
}

#[cold]
fn abandon<G: Gate>(gate: &G, pass: G::Pass) {
    // Of two panics at once the second aborts the process, and what a gate does here may be a user's code.
    if thread::panicking() {
        contain(|| gate.abandon(pass));
    } else {
        gate.abandon(pass);
    }
}

impl<G: Gate> Ticket<G> {
    /// A ticket for `pass`, which `gate` gave.
    #[inline]
    pub fn new(gate: G, pass: G::Pass) -> Self {
        Self { gate, pass: Some(pass) }
    }

    /// The pass, if it has not been given back.
    pub fn pass(&self) -> Option<&G::Pass> {
        self.pass.as_ref()
    }

    /// Takes the pass out of the ticket, for another one.
    #[inline]
    pub fn take_pass(&mut self) -> Option<G::Pass> {
        self.pass.take()
    }

    /// The gate that gave it.
    pub fn gate(&self) -> &G {
        &self.gate
    }

    /// Gives the pass back with that outcome, unless that was done before.
    #[inline]
    pub fn settle(&mut self, outcome: Outcome) {
        self.slip().settle(outcome);
    }

    /// Counts a failure while the thread unwinds, when a second panic would abort the process.
    pub fn settle_in_panic(&mut self) {
        self.slip().settle_in_panic();
    }

    /// Runs a part of the call; if it panics, the call has failed.
    #[inline]
    pub fn run<T>(&mut self, part: impl FnOnce() -> T) -> T {
        self.slip().run(part)
    }

    /// Settles by the gate's verdict; if that panics, the call has failed. The mark was taken before the poll that gave
    /// `result`.
    #[inline]
    pub fn record<T, E>(&mut self, result: &Result<T, E>, mark: Mark)
    where
        G: Judge<T, E>,
    {
        self.slip().record(|gate| gate.judge(result, mark));
    }

    #[inline]
    pub(crate) fn slip(&mut self) -> Slip<'_, G> {
        Slip { gate: &self.gate, pass: &mut self.pass }
    }

    /// Makes the whole of a call that blocks, or that needs no waiting.
    ///
    /// # Errors
    ///
    /// The call's own.
    ///
    /// # Panics
    ///
    /// As the call or the verdict does; the call then counts as a failure.
    #[inline]
    pub fn execute<T, E>(mut self, call: impl FnOnce() -> Result<T, E>) -> Result<T, Error<E>>
    where
        G: Judge<T, E>,
    {
        let mark = Mark::here();
        let result = self.run(call);
        self.record(&result, mark);
        result.map_err(|error| mark.wrap(error, Error::Inner))
    }
}

impl<G: Gate> Drop for Ticket<G> {
    #[inline]
    fn drop(&mut self) {
        self.slip().abandon();
    }
}

impl<G: Gate> Drop for PanicGuard<'_, '_, G> {
    fn drop(&mut self) {
        self.0.settle_in_panic();
    }
}

impl<G: Gate> fmt::Debug for Ticket<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("spent", &self.pass.is_none()).finish_non_exhaustive()
    }
}
