//! tower's `Retry`, which leaves everything to a policy: one that counts attempts, as that of its documentation, and one that
//! has a budget too.

use std::future::{Ready, ready};
use std::sync::Arc;

use tower::retry::budget::{Budget, TpsBudget};
use tower::retry::{Policy, Retry};

use super::ATTEMPTS;
use crate::contenders::{Answer, Echo, Fault, Make, bodies, served};

/// The service; attempts are counted.
#[must_use]
pub fn service<A: Answer>() -> Make {
    guarded::<A, _>(Attempts::new)
}

/// The service; attempts are counted, and taken from a budget.
#[must_use]
pub fn service_with_budget<A: Answer>() -> Make {
    guarded::<A, _>(|| Budgeted { attempts: Attempts::new(), budget: Arc::default() })
}

fn guarded<A: Answer, P>(policy: impl Fn() -> P + 'static) -> Make
where
    P: Policy<u64, u64, Fault, Future: Send> + Clone + Send + 'static,
{
    bodies(
        move || Retry::new(policy(), Echo::<A>::new()),
        |service| {
            let mut service = service.clone();
            served(move |request, seen| seen.service::<A, _>(&mut service, request))
        },
    )
}

/// Counts attempts, and nothing else.
#[derive(Clone, Debug)]
pub(in crate::contenders) struct Attempts(usize);

impl Attempts {
    pub(in crate::contenders) fn new() -> Self {
        Self(ATTEMPTS - 1)
    }
}

impl<E> Policy<u64, u64, E> for Attempts {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut u64, result: &mut Result<u64, E>) -> Option<Ready<()>> {
        if result.is_ok() {
            return None;
        }
        self.0 = self.0.checked_sub(1)?;
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &u64) -> Option<u64> {
        Some(*request)
    }
}

#[derive(Clone, Debug)]
struct Budgeted {
    attempts: Attempts,
    budget: Arc<TpsBudget>,
}

impl Policy<u64, u64, Fault> for Budgeted {
    type Future = Ready<()>;

    fn retry(&mut self, request: &mut u64, result: &mut Result<u64, Fault>) -> Option<Ready<()>> {
        if result.is_ok() {
            self.budget.deposit();
            return None;
        }
        self.attempts.retry(request, result).filter(|_| self.budget.withdraw())
    }

    fn clone_request(&mut self, request: &u64) -> Option<u64> {
        Some(*request)
    }
}
