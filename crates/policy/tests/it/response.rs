//! A response takes the place of a rejection, by `on_reject` and by `with_response`.

use crate::door::Door;
use seawall_core::{Rejection, TimedOut};
use seawall_policy::{MakeResponse, WithResponse};
use seawall_testkit::{call::ends, service::Strict};
use std::{convert::Infallible, future, time::Duration};
use tokio_test::assert_ready_ok;
use tower::{Layer, ServiceExt, service_fn};

/// A maker of responses that is no closure.
#[derive(Clone)]
struct Code(u32);

impl MakeResponse<u32> for Code {
    fn make_response(&self, rejection: Rejection) -> u32 {
        assert_eq!(rejection.policy(), "door");
        self.0
    }
}

fn rejection() -> Rejection {
    TimedOut::new("door".into(), Duration::ZERO, Duration::ZERO).into()
}

#[test]
fn a_closure_makes_responses() {
    assert_eq!((|_: Rejection| 503).make_response(rejection()), 503);
}

#[test]
fn with_response_answers_as_on_reject_does_and_leaves_other_answers_as_they_are() {
    for (places, expected) in [(0, 503), (1, 4)] {
        let door = Door::new(places);
        let by_closure = door.layer().on_reject(|_| 503).layer(Strict::default());
        assert_eq!(ends(by_closure.oneshot(2)).unwrap(), expected);
        let by_type = door.layer().with_response(Code(503)).layer(Strict::default());
        assert_eq!(ends(by_type.oneshot(2)).unwrap(), expected);
        assert_eq!(door.counts().rejected, if places == 0 { 2 } else { 0 });
    }
}

#[test]
fn a_layer_keeps_its_policy_and_its_wait_when_it_gets_a_response() {
    let door = Door::with_line(0, Duration::ZERO, &Default::default());
    let layer = door.queue_layer().waits_in_ready().with_response(Code(503));
    assert_eq!(layer.policy().counts(), door.counts());
    let mut service = tower_test::mock::Spawn::new(layer.layer(Strict::default()));
    // Its wait of no time is over at once, and in vain.
    assert_ready_ok!(service.poll_ready());
    assert_eq!((door.counts().rejected, service.get_ref().reject().0.0), (0, 503));
    assert_eq!(ends(service.call(2)).unwrap(), 503);
    assert_eq!(door.counts().rejected, 1);
}

#[test]
fn a_response_needs_no_error_that_carries_a_rejection() {
    let inner = service_fn(|()| future::ready(Ok::<_, Infallible>(1)));
    let Ok(response) = ends(Door::new(0).layer().on_reject(|_| 503).layer(inner).oneshot(()));
    assert_eq!(response, 503);
}
