//! What the models share: two threads at one breaker, each a caller with a lane and a time.

use std::time::Duration;

use loom::{
    sync::Arc,
    thread::{self, JoinHandle},
};
use seawall_core::{Caller, breaker::Breaker, time::Instant};

pub(crate) const START: Instant = Instant::from_nanos(0);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A caller on that lane at that time.
#[derive(Clone, Copy)]
pub(crate) struct On(pub(crate) usize, pub(crate) Instant);

impl Caller for On {
    fn now(&self) -> Instant {
        self.1
    }

    fn lane(&self) -> usize {
        self.0
    }
}

pub(crate) fn spawn<T: 'static>(breaker: &Arc<Breaker>, run: impl FnOnce(&Breaker) -> T + 'static) -> JoinHandle<T> {
    let breaker = breaker.clone();
    thread::spawn(move || run(&breaker))
}
