//! Two breakers around one call, each with its own idea of a failure.

use std::{error, fmt};

use futures::executor::block_on;
use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::{
    Classify, Error, Outcome, Rejection,
    breaker::{State, Trip},
    time::ManualClock,
};
use tower::{BoxError, Layer, ServiceExt, service_fn};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Network,
    Storage,
}

/// A failure to it is this fault alone.
struct Only(Fault);

type Breaker = CircuitBreaker<Only, ManualClock>;
type Way = fn(&Breaker, &Breaker, Fault) -> BoxError;

pub(crate) fn each_breaker_opens_by_its_own_errors() {
    let ways: [(&str, Way); 3] = [("execute", execute), ("execute_blocking", execute_blocking), ("tower", tower)];
    for (name, way) in ways {
        for fault in [Fault::Network, Fault::Storage] {
            for network_is_outside in [true, false] {
                let (network, storage) = (breaker(Fault::Network), breaker(Fault::Storage));
                let (outer, inner) = if network_is_outside { (&network, &storage) } else { (&storage, &network) };
                let (open, closed) = if fault == Fault::Network { (&network, &storage) } else { (&storage, &network) };
                for _ in 0..2 {
                    let error = way(outer, inner, fault);
                    assert_eq!(error.downcast_ref(), Some(&fault), "{name}");
                }
                let what = format!("{name}, {fault:?}, the breaker of the network outside: {network_is_outside}");
                assert_eq!((open.state(), closed.state()), (State::Open, State::Closed), "{what}");
                let refused = way(outer, inner, fault);
                let by = refused.downcast_ref::<Rejection>().map(Rejection::policy);
                assert_eq!(by, Some(open.name()), "{what}");
                assert_eq!(closed.state(), State::Closed, "{what}: the other one's refusal is no failure");
            }
        }
    }
}

fn breaker(fault: Fault) -> Breaker {
    CircuitBreaker::builder(format!("{fault:?}"))
        .trip(Trip::consecutive(2))
        .classify(Only(fault))
        .clock(ManualClock::new())
        .build()
}

// ===== the ways =====

fn execute(outer: &Breaker, inner: &Breaker, fault: Fault) -> BoxError {
    let call = async || inner.execute(async || Err::<(), BoxError>(fault.into())).await.map_err(flat);
    flat(block_on(outer.execute(call)).expect_err("all calls fail"))
}

fn execute_blocking(outer: &Breaker, inner: &Breaker, fault: Fault) -> BoxError {
    let call = || inner.execute_blocking(|| Err::<(), BoxError>(fault.into())).map_err(flat);
    flat(outer.execute_blocking(call).expect_err("all calls fail"))
}

fn tower(outer: &Breaker, inner: &Breaker, fault: Fault) -> BoxError {
    let callee = service_fn(|fault: Fault| async move { Err::<(), BoxError>(fault.into()) });
    let service = outer.layer().layer(inner.layer().layer(callee));
    block_on(service.oneshot(fault)).expect_err("all calls fail")
}

fn flat(error: Error<BoxError>) -> BoxError {
    match error {
        Error::Rejected(rejection) => rejection.into(),
        Error::Inner(error) => error,
    }
}

// ===== impl Only, Fault =====

impl<T> Classify<T, BoxError> for Only {
    fn classify(&self, result: &Result<T, BoxError>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(error) if error.downcast_ref() == Some(&self.0) => Outcome::Failure,
            Err(_) => Outcome::Ignored,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl error::Error for Fault {}
