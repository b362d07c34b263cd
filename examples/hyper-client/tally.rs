//! Counts of how calls ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hyper::body::Bytes;
use hyper::{Method, Response};
use seawall::retry::{Event, EventKind};
use seawall::{CircuitBreaker, Error, Rejection, State};
use tower::BoxError;

use crate::flaky::Flaky;

/// Counters, shared by their clones.
#[derive(Clone, Default)]
pub(crate) struct Tally(Arc<Counters>);

#[derive(Default)]
struct Counters {
    calls: AtomicU64,
    posts: AtomicU64,
    good: AtomicU64,
    refused: AtomicU64,
    retried: AtomicU64,
    recovered: AtomicU64,
}

impl Tally {
    /// Returns the observer of the retry.
    pub(crate) fn observer(&self) -> impl Fn(&Event) + use<> {
        let Self(counters) = self.clone();
        move |event| match event.kind() {
            EventKind::Retrying { .. } => add(&counters.retried),
            EventKind::Recovered { .. } => add(&counters.recovered),
            _ => {}
        }
    }

    pub(crate) fn add(&self, method: &Method, result: &Result<Response<Bytes>, Error<BoxError>>) {
        let Self(counters) = self;
        add(&counters.calls);
        match result {
            Err(Error::Rejected(Rejection::CircuitOpen(_))) => return add(&counters.refused),
            Ok(response) if response.status().is_success() => add(&counters.good),
            _ => {}
        }
        if method == Method::POST {
            add(&counters.posts);
        }
    }

    pub(crate) fn account<C>(&self, server: &Flaky, breaker: &CircuitBreaker<C>) -> Result<(), BoxError> {
        let Counters { calls, posts, good, refused, retried, recovered } = &*self.0;
        let [calls, posts, good, refused, retried, recovered] =
            [calls, posts, good, refused, retried, recovered].map(|counter| counter.load(Relaxed));
        println!("\ncalls        {calls:6}");
        println!("  succeeded  {good:6}   {recovered} by another attempt");
        println!("  rejected   {refused:6}   because the circuit was open");
        println!("attempts     {:6}   by the server's count", server.requests());
        println!("  retries    {retried:6}   after a wait; some were then rejected");
        println!("POSTs        {posts:6}   sent once; the server counted {}", server.posts());
        claim(good > 0 && recovered > 0, "retries made up for single failures")?;
        claim(refused > 0, "the circuit was open while the server was down")?;
        claim(breaker.state() == State::Closed, "the circuit closed when the server was well")?;
        claim(server.posts() <= posts, "no POST was sent twice")
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

fn claim(holds: bool, what: &str) -> Result<(), BoxError> {
    if holds { Ok(()) } else { Err(format!("this did not happen: {what}").into()) }
}
