//! How many retries a caller may add to its calls.

use std::fmt;

use crate::{
    CacheAligned, Held, Shared, lanes,
    sync::{AtomicU64, Ordering},
    time::Instant,
};

/// A bound on retries, shared by its clones and by the policies that use it.
///
/// The law: in any stretch of time there are at most `burst + ratio * calls + floor * seconds` retries. So in an outage
/// the load grows by about the ratio, not by the number of attempts. Each call pays in its share. Each retry is paid for
/// when it is scheduled, and a retry that is dropped while it waits is given back. Savings do not expire, and are never
/// more than the burst.
///
/// The defaults are a ratio of 0.2, a floor of 1 a second and a burst of 50. A service at 20 calls a second then has at
/// most 1.3 times its load in an outage of a minute. A service at 1,000 calls a second has at most 1.21 times its load.
///
/// A full budget, the usual case, costs a load per call; otherwise a call costs a compare-and-swap. All policies that
/// share a budget should have the same kind of clock.
///
/// The rule is Finagle's (`RetryBudget`) and linkerd's, with a cap in place of their window of ten seconds. Their floor is
/// 10 a second for each instance, which triples the load of an instance that makes 5 calls a second.
///
/// ```
/// use seawall_core::{Budget, time::Instant};
///
/// let budget = Budget::ratio(0.1).floor(0);
/// (0..25).for_each(|_| budget.deposit());
/// let paid = (0..25).filter(|_| budget.withdraw(Instant::ORIGIN)).count();
/// assert_eq!(paid, 2);
/// ```
#[derive(Clone)]
pub struct Budget(Option<Shared<BudgetState>>);

/// What a [`Budget`] and its clones share.
pub struct BudgetState {
    terms: BudgetTerms,
    balance: CacheAligned<AtomicU64>,
    /// Up to when the floor has been paid in, in nanoseconds; [`UNBEGUN`] before the first retry.
    paid_until: AtomicU64,
}

#[derive(Clone, Copy)]
struct BudgetTerms {
    ratio: f64,
    /// What a call pays in.
    deposit: u64,
    floor: u32,
    burst: u32,
    lanes: usize,
}

impl Budget {
    /// A budget that pays for `ratio` retries per call: 0.2 is a retry for each five calls.
    ///
    /// Its [floor](Self::floor) is 1 a second, and its [burst](Self::burst) is 50. It begins with the floor of ten
    /// seconds, at most the burst, so that the first call of a process can be retried. No retry is lost to rounding.
    ///
    /// # Panics
    ///
    /// Unless `ratio` is from 0 to 1000.
    #[track_caller]
    pub fn ratio(ratio: f64) -> Self {
        assert!((0.0..=1_000.0).contains(&ratio), "`ratio` must be from 0 to 1000, got {ratio}");
        // Rounded up, so that `n` calls at `1 / n` pay for a retry. The tolerance keeps what a float adds to 0.2 from counting.
        let deposit = (ratio * RETRY as f64 * (1.0 - TOLERANCE)).ceil() as u64;
        Self::new(BudgetTerms { ratio, deposit, floor: FLOOR, burst: BURST, lanes: lanes() })
    }

    /// No bound.
    pub const fn unlimited() -> Self {
        Self(None)
    }

    /// Adds `per_second` retries a second, however few the calls are. Default: 1.
    ///
    /// The result is a new budget. It shares nothing with clones of the old budget.
    #[must_use]
    pub fn floor(self, per_second: u32) -> Self {
        self.with(|terms| terms.floor = per_second)
    }

    /// Saves up no more than `retries`, at least 1. Default: 50.
    ///
    /// The result is a new budget. It shares nothing with clones of the old budget.
    ///
    /// # Panics
    ///
    /// If `retries` is 0.
    #[track_caller]
    #[must_use]
    pub fn burst(self, retries: u32) -> Self {
        assert!(retries > 0, "`burst` must be at least 1, got 0");
        self.with(|terms| terms.burst = retries)
    }

    /// In how many lanes owned calls count their shares of the budget, from 1 to 64; numbers out of range count as the nearest.
    /// Default: four per core, from 8 to 32. One lane needs the least memory.
    ///
    /// The result is a new budget. It shares nothing with clones of the old budget.
    #[must_use]
    pub fn lanes(self, lanes: usize) -> Self {
        self.with(|terms| terms.lanes = lanes.clamp(1, 64))
    }

    fn new(terms: BudgetTerms) -> Self {
        let begins_with = terms.floor.saturating_mul(FIRST_SECONDS).min(terms.burst);
        let purse = BudgetState {
            terms,
            balance: CacheAligned(AtomicU64::new(u64::from(begins_with) * RETRY)),
            paid_until: AtomicU64::new(UNBEGUN),
        };
        Self(Some(Shared::new(purse, terms.lanes)))
    }

    fn with(self, change: impl FnOnce(&mut BudgetTerms)) -> Self {
        let Some(purse) = self.purse() else { return self };
        let mut terms = purse.terms;
        change(&mut terms);
        Self::new(terms)
    }

    /// What is shared, if there is a bound.
    #[inline]
    pub fn purse(&self) -> Option<&BudgetState> {
        self.0.as_deref()
    }

    /// The same, for one call that is to own it.
    #[inline]
    pub fn hold(&self) -> Option<Held<BudgetState>> {
        self.0.as_ref().map(Shared::hold)
    }

    /// Pays in for a call.
    #[inline]
    pub fn deposit(&self) {
        if let Some(purse) = self.purse() {
            purse.deposit();
        }
    }

    /// Pays for a retry, if there is enough.
    pub fn withdraw(&self, now: Instant) -> bool {
        self.purse().is_none_or(|purse| purse.withdraw(now))
    }

    /// Gives back what was paid for a retry that is not made.
    pub fn refund(&self) {
        if let Some(purse) = self.purse() {
            purse.refund();
        }
    }

    /// Whether a retry could be paid for; asks for the time only if the answer depends on it. Changes nothing.
    #[inline]
    pub fn affords(&self, now: impl FnOnce() -> Instant) -> bool {
        self.purse().is_none_or(|purse| purse.affords(now))
    }

    /// How many retries it would pay for now, of those that calls and the floor have paid in for so far; infinite
    /// without a bound.
    pub fn balance(&self) -> f64 {
        self.purse().map_or(f64::INFINITY, |purse| purse.balance.load(Ordering::Relaxed) as f64 / RETRY as f64)
    }
}

impl BudgetState {
    /// As of [`Budget::deposit`].
    #[inline]
    pub fn deposit(&self) {
        self.pay_in(self.terms.deposit);
    }

    /// As of [`Budget::withdraw`].
    pub fn withdraw(&self, now: Instant) -> bool {
        self.pay_floor(now);
        let take = |balance: u64| balance.checked_sub(RETRY);
        self.balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// As of [`Budget::refund`].
    pub fn refund(&self) {
        self.pay_in(RETRY);
    }

    /// As of [`Budget::affords`].
    #[inline]
    pub fn affords(&self, now: impl FnOnce() -> Instant) -> bool {
        let balance = self.balance.load(Ordering::Relaxed);
        balance >= RETRY || (self.terms.floor > 0 && self.has_earned(now()))
    }

    #[inline]
    fn pay_in(&self, amount: u64) {
        let full = self.full();
        let mut balance = self.balance.load(Ordering::Relaxed);
        while balance < full {
            let more = balance.saturating_add(amount).min(full);
            match self.balance.compare_exchange_weak(balance, more, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(found) => balance = found,
            }
        }
    }

    fn full(&self) -> u64 {
        u64::from(self.terms.burst) * RETRY
    }

    /// Pays in what the floor has earned, in whole retries. Before each withdrawal, not only when there is nothing left: else
    /// it could be saved up beside a full purse, and come on top of it.
    fn pay_floor(&self, now: Instant) {
        let (from, now) = (self.paid_until.load(Ordering::Relaxed), now.as_nanos().min(UNBEGUN - 1));
        let balance = self.balance.load(Ordering::Relaxed);
        let (retries, until) = match from {
            UNBEGUN => (0, now),
            _ => self.earned(from, now),
        };
        let amount = retries.saturating_mul(RETRY);
        // The fraction of a retry that is still to come must have room beside the rest.
        let room = self.full().saturating_sub(balance.saturating_add(amount));
        let until = until.max(now.saturating_sub(self.time_for(room)));
        // Of several who find the same, one pays. The others may find too little for the moment.
        if until != from && self.paid_until.compare_exchange(from, until, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            self.pay_in(amount);
        }
    }

    fn has_earned(&self, now: Instant) -> bool {
        let from = self.paid_until.load(Ordering::Relaxed);
        from != UNBEGUN && self.earned(from, now.as_nanos()).0 > 0
    }

    /// What the floor has earned: how many retries, and by when.
    fn earned(&self, from: u64, now: u64) -> (u64, u64) {
        let floor = u128::from(self.terms.floor);
        let Some(elapsed) = now.checked_sub(from).filter(|_| floor > 0) else { return (0, from) };
        let retries = u128::from(elapsed) * floor / SECOND;
        let taken = (retries * SECOND).div_ceil(floor);
        // More than the purse holds there is no need to count.
        (retries.min(u128::from(self.terms.burst)) as u64, from.saturating_add(taken as u64))
    }

    /// How long the floor takes to earn that amount.
    fn time_for(&self, amount: u64) -> u64 {
        match u128::from(RETRY) * u128::from(self.terms.floor) {
            0 => u64::MAX,
            per_second => u64::try_from(u128::from(amount) * SECOND / per_second).unwrap_or(u64::MAX),
        }
    }
}

/// [`Budget::ratio`] of 0.2, Finagle's, Envoy's and linkerd's share.
impl Default for Budget {
    fn default() -> Self {
        Self::ratio(0.2)
    }
}

impl fmt::Debug for BudgetState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BudgetState").field("balance", &self.balance.load(Ordering::Relaxed)).finish_non_exhaustive()
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(BudgetState { terms, .. }) = self.purse() else { return f.write_str("Budget::unlimited()") };
        f.debug_struct("Budget")
            .field("ratio", &terms.ratio)
            .field("floor", &terms.floor)
            .field("burst", &terms.burst)
            .field("balance", &self.balance())
            .finish()
    }
}

/// A retry, in the units of the balance. A ratio of up to nine decimals is exact, and none is off by more than 10^-9.
const RETRY: u64 = 1_000_000_000;

/// More than the two roundings of a float add.
const TOLERANCE: f64 = 4.0 * f64::EPSILON;

const SECOND: u128 = 1_000_000_000;

/// Finagle's and linkerd's 10 are too many for the many services that make fewer than 50 calls a second.
const FLOOR: u32 = 1;

/// As many calls as fail together when a shared connection breaks. With 60, a service at 20 calls a second would pass 1.3
/// times its load in an outage of a minute.
const BURST: u32 = 50;

/// How many seconds of the floor a budget begins with, as Finagle's does.
const FIRST_SECONDS: u32 = 10;

const UNBEGUN: u64 = u64::MAX;
