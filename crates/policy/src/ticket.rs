use std::{fmt, mem, task::Poll, thread};

use seawall_core::{Error, Mark, Outcome, observe::contain};

use crate::{Gate, Judge};

/// A pass together with its gate, which returns the pass in any case.
///
/// [`record`](Self::record) and [`settle`](Self::settle) return the pass with an outcome. A dropped ticket abandons the call. A
/// panic inside [`run`](Self::run) counts as a failure.
///
/// `G` is a borrow of the gate if the call ends before the function returns, and an owned share if the call is a future.
#[must_use = "dropping the ticket abandons the call"]
pub struct Ticket<G: Gate> {
    gate: G,
    pass: Option<G::Pass>,
}

/// A borrowed pass and its gate, for as long as a part of the call runs.
///
/// Dropping it returns nothing: the owner of the pass stays responsible for it.
pub(crate) struct Slip<'a, G: Gate> {
    pub(crate) gate: &'a G,
    pub(crate) pass: &'a mut Option<G::Pass>,
}

/// Counts a failure when it is dropped. It is dropped only if the code beside it panics.
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

    /// Runs a part of the call. A panic counts as a failure of the call.
    #[inline(always)]
    pub(crate) fn run<T>(&mut self, part: impl FnOnce() -> T) -> T {
        let armed = PanicGuard(self);
        let output = part();
        mem::forget(armed);
        output
    }

    /// Returns the pass with the verdict's outcome, or abandons the call without a verdict. A panic of `verdict` counts as a
    /// failure of the call.
    #[inline(always)]
    pub(crate) fn record(&mut self, verdict: impl FnOnce(&G) -> Option<Outcome>) {
        let armed = PanicGuard(self);
        match verdict(armed.0.gate) {
            Some(outcome) => armed.0.settle(outcome),
            None => armed.0.abandon(),
        }
        mem::forget(armed);
    }

    /// Polls the call. If the call is ready, returns the pass with the verdict on the result.
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

    /// Abandons the call, which is dropped before its end.
    #[inline]
    pub(crate) fn abandon(&mut self) {
        if let Some(pass) = self.pass.take() {
            abandon(self.gate, pass);
        }
    }
}

/// A guard for code that begins or ends a call: if this code panics, the call counts as failed.
// Used instead of `Slip::run` where a closure would move the future that the code makes: closures are not always inlined.
pub(crate) struct Running<'a, G: Gate>(Slip<'a, G>);

impl<'a, G: Gate> Running<'a, G> {
    #[inline(always)]
    pub(crate) fn new(gate: &'a G, pass: &'a mut Option<G::Pass>) -> Self {
        Self(Slip { gate, pass })
    }

    /// Disarms the guard: the code did not panic.
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
    /// Creates the ticket of a call that `gate` admitted with `pass`.
    #[inline]
    pub fn new(gate: G, pass: G::Pass) -> Self {
        Self { gate, pass: Some(pass) }
    }

    /// Returns the pass, or `None` after the pass was returned.
    pub fn pass(&self) -> Option<&G::Pass> {
        self.pass.as_ref()
    }

    /// Takes the pass out of the ticket. The caller is then responsible for the pass.
    #[inline]
    pub fn take_pass(&mut self) -> Option<G::Pass> {
        self.pass.take()
    }

    /// Returns the gate that gave the pass.
    pub fn gate(&self) -> &G {
        &self.gate
    }

    /// Returns the pass to the gate with `outcome`. Does nothing if the pass was returned before.
    #[inline]
    pub fn settle(&mut self, outcome: Outcome) {
        self.slip().settle(outcome);
    }

    /// Counts a failure while the thread unwinds, when a second panic would abort the process.
    pub fn settle_in_panic(&mut self) {
        self.slip().settle_in_panic();
    }

    /// Runs a part of the call, such as its creation or a poll. A panic goes on, and counts as a failure of the call.
    #[inline]
    pub fn run<T>(&mut self, part: impl FnOnce() -> T) -> T {
        self.slip().run(part)
    }

    /// Returns the pass with the gate's verdict on `result`. A panic of the verdict counts as a failure. The caller took `mark`
    /// before the poll that gave `result`.
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

    /// Makes a whole call that blocks, or that needs no waiting, and returns the pass.
    ///
    /// # Errors
    ///
    /// [`Error::Inner`] with the call's own error.
    ///
    /// # Panics
    ///
    /// If the call or the verdict panics. The call then counts as a failure.
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
