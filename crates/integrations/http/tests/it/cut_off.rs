//! A call that the caller's own deadline cuts off is abandoned by the classifiers of this crate too.

use std::{future, io, time::Duration};

use http::Response;
use seawall::{CircuitBreaker, Classify, Deadline, Error, State, Timeout, Trip};
use seawall_http::{GrpcCodes, Statuses, hold_body};
use tower::{Layer, Service, ServiceExt, service_fn};

const MILLISECOND: Duration = Duration::from_millis(1);

type Refused = Error<io::Error>;
type Empty = http_body_util::Empty<&'static [u8]>;

fn breaker<C>(classify: C) -> CircuitBreaker<C> {
    CircuitBreaker::builder("inventory").trip(Trip::consecutive(3)).classify(classify).build()
}

fn hanging() -> impl Service<(), Response = Response<Empty>, Error = Refused, Future: Send> + Clone {
    let callee = service_fn(|()| future::pending::<Result<Response<Empty>, Refused>>());
    Timeout::builder("attempt", 5000 * MILLISECOND).build().layer().layer(callee)
}

/// Makes calls through a breaker over a timeout, and returns the breaker's state.
async fn state_after<C>(classify: C, deadline: Duration) -> State
where
    C: Classify<Response<Empty>, Refused> + Send + Sync + 'static,
{
    let breaker = breaker(classify);
    for held in [false, true, false, true, false, true] {
        let call = async {
            if held {
                drop(hold_body(breaker.layer()).layer(hanging()).oneshot(()).await);
            } else {
                drop(breaker.layer().layer(hanging()).oneshot(()).await);
            }
        };
        Deadline::after(deadline).scope(call).await;
    }
    breaker.state()
}

#[tokio::test(start_paused = true)]
async fn a_callers_short_deadline_does_not_open_the_circuit() {
    for (deadline, state) in [(50 * MILLISECOND, State::Closed), (9000 * MILLISECOND, State::Open)] {
        assert_eq!(state_after(Statuses::health(), deadline).await, state);
        assert_eq!(state_after(Statuses::health().any_error(), deadline).await, state);
        assert_eq!(state_after(GrpcCodes::health(), deadline).await, state);
        assert_eq!(state_after(GrpcCodes::health().any_error(), deadline).await, state);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejection_that_the_error_shows_needs_no_note() {
    let breaker = breaker(Statuses::health());
    for _ in 0..3 {
        // The error is made in another task, and kept for a later poll.
        let call = || async {
            let call = tokio::spawn(Deadline::after(50 * MILLISECOND).scope(hanging().oneshot(())));
            call.await.expect("the task does not panic")
        };
        drop(breaker.call(call).await);
    }
    assert_eq!(breaker.state(), State::Closed);
}
