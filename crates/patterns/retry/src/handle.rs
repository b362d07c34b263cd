use std::{fmt, sync::Arc};

use seawall_core::{
    Chance, Held,
    attempts::RetryConfig,
    budget::BudgetState,
    deadline::{self, ClocksDiffer},
    time::{Clock, Timer},
};

use crate::{Retry, event::NamedObservers};

/// A retry, borrowed by a call, or [lent](RetryOwned) to it.
pub trait Handle {
    /// What it makes of a result.
    type Plan;
    /// Its clock.
    type Timer: Timer;

    /// What a call goes by.
    fn parts(&self) -> RetryRef<'_, Self::Plan, Self::Timer>;
}

/// What a call goes by.
pub struct RetryRef<'a, P, K> {
    pub(crate) config: &'a RetryConfig,
    pub(crate) plan: &'a P,
    pub(crate) clock: &'a K,
    pub(crate) chance: &'a Chance,
    pub(crate) purse: Option<&'a BudgetState>,
    pub(crate) told: Option<&'a NamedObservers>,
}

/// What a call owns of a retry that it must not borrow: the budget is shared by the count of the thread's lane, so that calls
/// on different threads do not fight over one.
pub struct RetryOwned<P, K> {
    config: RetryConfig,
    plan: P,
    clock: K,
    chance: Chance,
    purse: Option<Held<BudgetState>>,
    told: Option<Arc<NamedObservers>>,
}

impl<P, K> Retry<P, K> {
    /// What a call goes by.
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
    /// What further attempts are paid from, where there is a bound.
    pub fn purse(&self) -> Option<&'a BudgetState> {
        self.purse
    }
}

impl<P, K: Clock> RetryRef<'_, P, K> {
    /// Whether another attempt may follow the one of that number.
    #[inline]
    pub(crate) fn may_follow(&self, number: u32) -> bool {
        !self.config.is_last(number) && self.purse.is_none_or(|purse| purse.affords(|| self.clock.now()))
    }

    /// Panics if the deadline around the call is of another clock: to compare the two gives up at once, or never.
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
