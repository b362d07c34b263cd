use seawall_core::{Held, Mark, Outcome};
use std::any::Any;

/// What gives leave to calls, and takes it back. Implemented by what all clones of a policy share, and so by whoever
/// holds a share of it or borrows it.
pub trait Gate {
    /// Leave to make one call.
    type Pass;

    /// The call has ended.
    fn exit(&self, pass: Self::Pass, outcome: Outcome);

    /// The call was dropped before it ended.
    fn abandon(&self, pass: Self::Pass);
}

/// What a gate makes of a result.
pub trait Judge<T, E>: Gate {
    /// Returns the verdict on `result`, or `None` if the caller abandoned the call. The mark was taken before the poll that
    /// gave `result`. The verdict may run a user's code, and panic.
    fn judge(&self, result: &Result<T, E>, mark: Mark) -> Option<Outcome>;

    /// The verdict on the end of an output that came in parts, if the end says more than its beginning: see
    /// [`Classify::classify_end`](seawall_core::Classify::classify_end). May run a user's code, and panic.
    fn judge_end(&self, _end: &dyn Any) -> Option<Outcome> {
        None
    }
}

/// A gate that has nothing to be given back to: its leave is spent when it is given, and how the call ends is nothing to
/// it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spent;

impl Gate for Spent {
    type Pass = ();

    fn exit(&self, (): (), _: Outcome) {}

    fn abandon(&self, (): ()) {}
}

impl<T, E> Judge<T, E> for Spent {
    #[inline]
    fn judge(&self, _: &Result<T, E>, _: Mark) -> Option<Outcome> {
        Some(Outcome::Ignored)
    }
}

impl<G: Gate> Gate for &G {
    type Pass = G::Pass;

    #[inline]
    fn exit(&self, pass: G::Pass, outcome: Outcome) {
        (**self).exit(pass, outcome);
    }

    fn abandon(&self, pass: G::Pass) {
        (**self).abandon(pass);
    }
}

impl<T, E, G: Judge<T, E>> Judge<T, E> for &G {
    #[inline]
    fn judge(&self, result: &Result<T, E>, mark: Mark) -> Option<Outcome> {
        (**self).judge(result, mark)
    }

    fn judge_end(&self, end: &dyn Any) -> Option<Outcome> {
        Judge::<T, E>::judge_end(&**self, end)
    }
}

impl<G: Gate> Gate for Held<G> {
    type Pass = G::Pass;

    #[inline]
    fn exit(&self, pass: G::Pass, outcome: Outcome) {
        (**self).exit(pass, outcome);
    }

    fn abandon(&self, pass: G::Pass) {
        (**self).abandon(pass);
    }
}

impl<T, E, G: Judge<T, E>> Judge<T, E> for Held<G> {
    #[inline]
    fn judge(&self, result: &Result<T, E>, mark: Mark) -> Option<Outcome> {
        (**self).judge(result, mark)
    }

    fn judge_end(&self, end: &dyn Any) -> Option<Outcome> {
        Judge::<T, E>::judge_end(&**self, end)
    }
}
