use seawall_core::{Held, Mark, Outcome};
use std::any::Any;

/// The exit side of a gate: takes passes back.
///
/// The state that all clones of a policy share implements it. So do a borrow of this state and an owned share, because a call
/// either borrows its policy or owns a share of it.
///
/// Each pass comes back exactly once, by [`exit`](Self::exit) or by [`abandon`](Self::abandon). [`Ticket`](crate::Ticket) sees
/// to it, also if the call panics.
pub trait Gate {
    /// The permission for one call. [`Policy::enter`](crate::Policy::enter) gives it.
    type Pass;

    /// Takes back the pass of a call that ended, and records the outcome.
    fn exit(&self, pass: Self::Pass, outcome: Outcome);

    /// Takes back the pass of a call that was dropped before it ended.
    fn abandon(&self, pass: Self::Pass);
}

/// A gate that classifies results of type `Result<T, E>`.
///
/// A gate that does not look at results, such as a bulkhead, implements it for all `T` and `E`.
pub trait Judge<T, E>: Gate {
    /// Returns the verdict on `result`, or `None` if the caller abandoned the call. The mark was taken before the poll that
    /// gave `result`. The verdict may run a user's code, and panic.
    fn judge(&self, result: &Result<T, E>, mark: Mark) -> Option<Outcome>;

    /// Returns the verdict on the end of an output that came in parts, or `None` if the end says no more than the beginning: see
    /// [`Classify::classify_end`](seawall_core::Classify::classify_end). It may run a user's code, and panic.
    fn judge_end(&self, _end: &dyn Any) -> Option<Outcome> {
        None
    }
}

/// The gate of a policy whose passes are spent when they are given, such as a rate limit.
///
/// It takes back nothing, and ignores how the call ends.
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
