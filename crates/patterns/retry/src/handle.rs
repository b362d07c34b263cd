use std::{fmt, sync::Arc};

use seawall_core::{
    Chance, Held,
    attempts::RetryConfig,
    budget::BudgetState,
    deadline::{self, ClocksDiffer},
    time::{Clock, Timer},
};

use crate::{Retry, event::NamedObservers};

/// A retry as a call holds it: borrowed, or as a [`RetryOwned`].
pub trait Handle {
    /// The rule of the retry.
    type Plan;
    /// The clock of the retry.
    type Timer: Timer;

    /// Returns the borrowed parts of the retry.
    fn parts(&self) -> RetryRef<'_, Self::Plan, Self::Timer>;
}

/// The parts of a retry that a call needs, borrowed.
pub struct RetryRef<'a, P, K> {
    pub(crate) config: &'a RetryConfig,
    pub(crate) plan: &'a P,
    pub(crate) clock: &'a K,
    pub(crate) chance: &'a Chance,
    pub(crate) purse: Option<&'a BudgetState>,
    pub(crate) told: Option<&'a NamedObservers>,
}

/// The parts of a retry that a call needs, owned, for futures that cannot borrow the retry.
///
/// The budget is shared through a reference count per lane, so that threads do not contend for one counter.
pub struct RetryOwned<P, K> {
    config: RetryConfig,
    plan: P,
    clock: K,
    chance: Chance,
    purse: Option<Held<BudgetState>>,
    told: Option<Arc<NamedObservers>>,
}

impl<P, K> Retry<P, K> {
    /// Returns the borrowed parts of the retry.
    #[inline(always)]
    pub fn parts(&self) -> RetryRef<'_, P, K> {
        RetryRef {
            config: &self.config,
            plan: &self.plan,
            clock: &self.clock,
            chance: &self.chance,
            purse: self.budget.purse(),
            told: self.told.as_deref(),
        }
    }

    #[inline(always)]
    pub(crate) fn lend(&self) -> RetryOwned<P, K>
    where
        P: Clone,
        K: Clone,
    {
        RetryOwned {
            config: self.config,
            plan: self.plan.clone(),
            clock: self.clock.clone(),
            chance: self.chance.clone(),
            purse: self.budget.hold(),
            told: self.told.clone(),
        }
    }
}

impl<P, K: Timer> Handle for &Retry<P, K> {
    type Plan = P;
    type Timer = K;

    #[inline(always)]
    fn parts(&self) -> RetryRef<'_, P, K> {
        Retry::parts(self)
    }
}

impl<P, K: Timer> Handle for RetryOwned<P, K> {
    type Plan = P;
    type Timer = K;

    #[inline(always)]
    fn parts(&self) -> RetryRef<'_, P, K> {
        RetryRef {
            config: &self.config,
            plan: &self.plan,
            clock: &self.clock,
            chance: &self.chance,
            purse: self.purse.as_deref(),
            told: self.told.as_deref(),
        }
    }
}

impl<'a, P, K> RetryRef<'a, P, K> {
    /// Returns the budget that pays for further attempts, if there is a bound.
    pub fn purse(&self) -> Option<&'a BudgetState> {
        self.purse
    }
}

impl<P, K: Clock> RetryRef<'_, P, K> {
    /// Returns whether another attempt may follow the attempt with this number.
    #[inline]
    pub(crate) fn may_follow(&self, number: u32) -> bool {
        !self.config.is_last(number) && self.purse.is_none_or(|purse| purse.affords(|| self.clock.now()))
    }

    /// Panics if the deadline around the call is of another clock, because the instants of two clocks cannot be compared.
    #[inline(always)]
    pub(crate) fn meet_deadline(&self) {
        if !deadline::agrees(self.clock.timeline()) {
            self.clocks_differ();
        }
    }

    #[cold]
    fn clocks_differ(&self) {
        if let Err(error) = ClocksDiffer::check(self.clock.timeline()) {
            panic!("a retry cannot be used here: {error}");
        }
    }
}

// By hand: it is a bundle of references, whatever they refer to.
impl<P, K> Clone for RetryRef<'_, P, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, K> Copy for RetryRef<'_, P, K> {}

// By hand: what is in them may be a closure.
impl<P, K> fmt::Debug for RetryRef<'_, P, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryRef").field("config", self.config).finish_non_exhaustive()
    }
}

impl<P, K> fmt::Debug for RetryOwned<P, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryOwned").field("config", &self.config).finish_non_exhaustive()
    }
}
