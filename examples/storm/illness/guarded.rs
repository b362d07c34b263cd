//! The breaker, and the two ways to call through it. All use of seawall in this act is in this file.

use seawall::{CircuitBreaker, Error, State, Trip, Window};
use tower::{Service, ServiceBuilder, service_fn};

use super::record::{Ending, Gate, Recorder};
use super::script::Pace;
use crate::client::{Caller, Fault};

pub(super) fn breaker(pace: &Pace, recorder: Recorder) -> CircuitBreaker {
    let breaker = CircuitBreaker::builder("upstream")
        // For failures among successes, for a callee that answers late, and for a callee that is gone. The last rule is quickest.
        .trip(Trip::failure_rate(0.5).over(Window::time(pace.window)).min_calls(20))
        .trip(Trip::slow_rate(0.5, pace.slower_than).over(Window::calls(40)).min_calls(20))
        .trip(Trip::consecutive(15))
        .open_for(pace.open_for)
        .probes(3)
        .build();
    breaker.on_event(move |event| {
        if let Some(change) = event.change() {
            recorder.changed(gate(change.to()), change.why().to_string());
        }
    });
    breaker
}

/// The client as a tower service with the breaker's layer around it.
pub(super) fn layered(
    breaker: &CircuitBreaker,
    caller: Caller,
) -> impl Service<(), Response = (), Error = Error<Fault>, Future: Send> + Clone + Send + 'static {
    let client = service_fn(move |()| {
        let caller = caller.clone();
        async move { caller.call().await }
    });
    ServiceBuilder::new().layer(breaker.layer()).map_err(Error::Inner).service(client)
}

/// The same call through the same breaker, without a service.
pub(super) async fn executed(breaker: CircuitBreaker, caller: Caller) -> Result<(), Error<Fault>> {
    breaker.execute(|| caller.call()).await
}

impl From<Error<Fault>> for Ending {
    fn from(error: Error<Fault>) -> Self {
        match error {
            Error::Inner(fault) => Self::Failed(fault),
            Error::Rejected(_) => Self::Rejected,
        }
    }
}

fn gate(state: State) -> Gate {
    match state {
        State::Open | State::ForcedOpen => Gate::Open,
        State::HalfOpen => Gate::HalfOpen,
        _ => Gate::Closed,
    }
}
