//! The contenders, and how many attempts each makes for a call. All use of seawall in this act is in this file.

use std::time::Duration;

use seawall::{Backoff, Budget, Error, Jitter, Retry, Timeout};
use tower::util::BoxCloneService;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use super::PATIENCE;
use crate::client::{Caller, Fault};

/// A timeout for each attempt, with retries or without.
#[derive(Clone)]
pub(super) struct Contender {
    name: &'static str,
    retry: Option<Retry>,
    timeout: Timeout,
}

impl Contender {
    pub(super) fn all(seed: u64) -> [Self; 3] {
        let constant = Backoff::constant(Duration::from_millis(50)).jitter(Jitter::None);
        let naive = Retry::builder("upstream").max_attempts(3).backoff(constant).budget(Budget::unlimited()).build();
        // Three attempts, exponential backoff with full jitter, retries for a fifth of the calls.
        let budget = Retry::builder("upstream").seed(seed).build();
        let contender = |name, retry| Self { name, retry, timeout: Timeout::new("upstream", PATIENCE) };
        [contender("bare", None), contender("naive", Some(naive)), contender("budget", Some(budget))]
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// The client as a tower service with the layers around it.
    pub(super) fn layered(&self, caller: Caller) -> BoxCloneService<(), (), Error<Fault>> {
        let client = service_fn(move |()| {
            let caller = caller.clone();
            async move { caller.call().await }
        });
        ServiceBuilder::new()
            .option_layer(self.retry.as_ref().map(|retry| retry.layer().clone_all()))
            .layer(self.timeout.layer())
            .map_err(Error::Inner)
            .service(client)
            .boxed_clone()
    }

    /// The same call through the same policies, without a service.
    pub(super) async fn called(&self, caller: &Caller) -> Result<(), Error<Fault>> {
        let attempt = || self.timeout.execute(|| caller.call());
        match &self.retry {
            None => attempt().await,
            Some(retry) => retry.call(attempt).await,
        }
    }
}
