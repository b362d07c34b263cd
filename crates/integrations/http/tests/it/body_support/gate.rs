//! A gate that writes down how its calls end.

use std::{
    future, io, mem,
    sync::{Arc, Mutex},
    task::Context,
};

use futures::task::noop_waker_ref;
use http::{Response, response::Builder};
use seawall::{Error, Outcome, Rejection};
use seawall_core::Mark;
use seawall_http::{HeldBody, hold_body};
use seawall_policy::{Gate, GateLayer, Judge, Policy, Ticket};
use tokio_test::{assert_ready_ok, task};
use tower::{Layer, Service, service_fn};

use super::{Script, Watch};

/// A gate with any room, and a log of how its calls end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    ends: Arc<Mutex<Vec<End>>>,
    /// A body that has to be gone before the gate is told that it was abandoned.
    body: Option<Arc<Watch>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Settled(Outcome),
    Abandoned,
}

pub(crate) const SUCCESS: End = End::Settled(Outcome::Success);
pub(crate) const FAILURE: End = End::Settled(Outcome::Failure);
pub(crate) const IGNORED: End = End::Settled(Outcome::Ignored);

impl Gate for Log {
    type Pass = ();

    fn exit(&self, (): (), outcome: Outcome) {
        self.ends.lock().unwrap().push(End::Settled(outcome));
    }

    fn abandon(&self, (): ()) {
        let is_gone = self.body.as_ref().is_none_or(|body| body.is_dropped());
        assert!(is_gone, "the body goes first: it may hold what the next call needs");
        self.ends.lock().unwrap().push(End::Abandoned);
    }
}

/// By status: 5xx has failed, 4xx is ignored, and 418 cannot be judged.
impl<B, E> Judge<Response<B>, E> for Log {
    fn judge(&self, result: &Result<Response<B>, E>, _: Mark) -> Option<Outcome> {
        Some(match result.as_ref().map(|response| response.status().as_u16()) {
            Ok(418) => panic!("the judge panics"),
            Ok(500..) | Err(_) => Outcome::Failure,
            Ok(400..) => Outcome::Ignored,
            Ok(_) => Outcome::Success,
        })
    }
}

impl Policy for Log {
    type Gate = Self;
    type Reserved = ();
    type Refusal = ();

    fn enter(&self) -> Result<Ticket<Self>, Rejection> {
        Ok(Ticket::new(self.clone(), ()))
    }

    fn refusal(&self) -> Option<()> {
        None
    }

    fn refuse(&self, (): ()) -> Rejection {
        unreachable!("it has room")
    }

    fn reserve(&self) -> Option<()> {
        Some(())
    }

    fn spend(&self, (): ()) -> Result<Ticket<Self>, Rejection> {
        self.enter()
    }
}

impl Log {
    /// What has been written since it was asked last.
    pub(crate) fn ends(&self) -> Vec<End> {
        mem::take(&mut self.ends.lock().unwrap())
    }

    /// Calls a service that answers at once with that.
    pub(crate) fn answer(&self, status: u16, body: Script) -> HeldBody<Script, Self> {
        self.respond(Response::builder().status(status), body)
    }

    /// Calls a service that answers at once with that.
    pub(crate) fn respond(&self, head: Builder, body: Script) -> HeldBody<Script, Self> {
        let policy = Self { body: Some(body.watch()), ..self.clone() };
        let response = head.body(body).unwrap();
        let mut response = Some(Ok::<_, Error<io::Error>>(response));
        let inner = service_fn(move |()| future::ready(response.take().unwrap()));
        let mut service = hold_body(GateLayer::new(policy)).layer(inner);
        assert_ready_ok!(service.poll_ready(&mut Context::from_waker(noop_waker_ref())));
        assert_ready_ok!(task::spawn(service.call(())).poll()).into_body()
    }
}
