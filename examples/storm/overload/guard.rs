//! The policies in front of the upstream. All use of seawall in this act is in this file.

use seawall::{Bulkhead, Error, Order, Quota, RateLimiter};
use tower::util::BoxCloneService;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use super::{CAPACITY, OFFERED, PATIENCE, SERVERS};
use crate::client::{Caller, Fault};

/// No policy, one policy, or both.
#[derive(Clone)]
pub(super) struct Guard {
    name: &'static str,
    limiter: Option<RateLimiter>,
    bulkhead: Option<Bulkhead>,
}

impl Guard {
    pub(super) fn all() -> [Self; 6] {
        // Without a burst, permits would be lost while this machine is busy elsewhere.
        let limiter = || RateLimiter::new("upstream", Quota::per_second(CAPACITY).burst(2 * SERVERS as u32));
        // Twice as many calls as the upstream works on, so that it never waits for the network.
        let bulkhead = || Bulkhead::builder("upstream", 2 * SERVERS);
        let short = || bulkhead().max_queued(4 * SERVERS).max_wait(PATIENCE / 2).build();
        // Room for all calls that come before the first of these calls gives up.
        let everybody = (f64::from(OFFERED) * PATIENCE.as_secs_f64()) as usize;
        let long = |order| bulkhead().max_queued(everybody).order(order).build();
        let guard = |name, limiter, bulkhead| Self { name, limiter, bulkhead };
        [
            guard("bare", None, None),
            guard("rate limit", Some(limiter()), None),
            guard("bulkhead", None, Some(short())),
            guard("both", Some(limiter()), Some(short())),
            guard("long FIFO", None, Some(long(Order::Fifo))),
            guard("long CoDel", None, Some(long(Order::codel()))),
        ]
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
            .option_layer(self.limiter.as_ref().map(RateLimiter::layer))
            .option_layer(self.bulkhead.as_ref().map(Bulkhead::layer))
            .map_err(Error::Inner)
            .service(client)
            .boxed_clone()
    }

    /// The same call through the same policies, without a service.
    pub(super) async fn executed(&self, caller: &Caller) -> Result<(), Error<Fault>> {
        let send = || caller.call();
        match (&self.limiter, &self.bulkhead) {
            (None, None) => send().await.map_err(Error::Inner),
            (Some(limiter), None) => limiter.execute(send).await,
            (None, Some(bulkhead)) => bulkhead.execute(send).await,
            (Some(limiter), Some(bulkhead)) => limiter.call(|| bulkhead.execute(send)).await,
        }
    }
}
