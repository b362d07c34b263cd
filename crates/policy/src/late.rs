use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use seawall_core::{Mark, Rejection};
use tower_service::Service;

use crate::{Gate, Judge, Queue, Ticket, Waiting};

pin_project! {
    /// A request that is not sent yet: it waits for its turn at a gate, and then until a service is ready.
    ///
    /// The service is a clone that is polled only after the gate has let the call in, so a call that waits for its turn
    /// holds no capacity of the service. To become ready is part of the call: the gate counts its error or its panic.
    #[must_use = "a request that is not polled is not sent"]
    pub struct Late<S, Request, Q: Queue, G: Gate> {
        // The turn is polled. Then it is `None`, and the service is polled ready.
        #[pin]
        entry: Option<Waiting<Q, G>>,
        service: S,
        request: Option<Request>,
        // Last, because the permit is given back after the request and the service are dropped.
        ticket: Option<Ticket<G>>,
    }
}

/// Why a request was not sent.
#[derive(Debug)]
pub enum NotSent<E> {
    /// The gate refused the call; the rejection was counted and reported.
    Refused(Rejection),
    /// The service did not become ready; the gate has recorded the error.
    Failed(E),
}

/// An inner call that was sent, and its permit; or why it was not sent.
type SentCall<S, Request, G> =
    Result<(<S as Service<Request>>::Future, Ticket<G>), NotSent<<S as Service<Request>>::Error>>;

impl<S, Request, Q: Queue, G: Gate> Late<S, Request, Q, G> {
    pub(crate) const fn queued(queue: Q, service: S, request: Request) -> Self {
        Self { entry: Some(Waiting::new(queue)), service, request: Some(request), ticket: None }
    }

    pub(crate) const fn admitted(ticket: Ticket<G>, service: S, request: Request) -> Self {
        Self { entry: None, service, request: Some(request), ticket: Some(ticket) }
    }

    /// Waits until the request is sent. Returns the inner call and its permit.
    ///
    /// # Errors
    ///
    /// [`NotSent`] if the gate refused the call, or if the service gave an error instead of becoming ready.
    ///
    /// # Panics
    ///
    /// Panics if it is polled again after it has ended, and if the service panics; the call then counts as a failure.
    pub fn poll_sent(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<SentCall<S, Request, G>>
    where
        S: Service<Request>,
        Q: Queue<Leave: Into<Ticket<G>>>,
        G: Judge<S::Response, S::Error>,
    {
        let mut this = self.project();
        if let Some(entry) = this.entry.as_mut().as_pin_mut() {
            let leave = ready!(Future::poll(entry, cx));
            this.entry.set(None);
            *this.ticket = Some(leave.map_err(NotSent::Refused)?);
        }
        let ticket = this.ticket.as_mut().expect(ENDED);
        let mark = Mark::here();
        if let Err(error) = ready!(ticket.run(|| this.service.poll_ready(cx))) {
            let result = Err::<S::Response, _>(error);
            ticket.record(&result, mark);
            *this.ticket = None;
            return Poll::Ready(Err(result.map_or_else(NotSent::Failed, |_| unreachable!("the result is an error"))));
        }
        let request = this.request.take().expect(ENDED);
        let call = ticket.run(|| this.service.call(request));
        Poll::Ready(Ok((call, this.ticket.take().expect(ENDED))))
    }
}

// By hand: derive would ask `Debug` of the user's service and request.
impl<S, Request, Q: Queue, G: Gate> fmt::Debug for Late<S, Request, Q, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Late").field("is_queued", &self.entry.is_some()).finish_non_exhaustive()
    }
}

const ENDED: &str = "a request is polled until it is sent";
