//! The modes of the services: where a call waits, if it waits.

use std::{
    future::{self, Future},
    task::Context,
};

use crate::support::Manual;
use futures::{FutureExt, task::noop_waker_ref};
use seawall_core::Rejection;
use seawall_policy::{GateService, QueueService, Respond};
use seawall_testkit::{Inner, reply::Reply};
use tower::{BoxError, Layer, Service, service_fn};

/// A mode of a bulkhead's services.
pub(crate) trait Mode: Clone + Send + Sync + 'static {
    /// The service around an inner service.
    type Guarded<S: Inner>: Service<u32, Response = u32, Error = BoxError, Future: Send + 'static>
        + Clone
        + Send
        + 'static;

    /// The service around an inner service, with a response for each rejection.
    type Responding<S: Inner>: Service<u32, Response = u32, Error = BoxError> + Clone;

    /// Whether a call that a rejection made ready asks the bulkhead again.
    const ASKS_AGAIN: bool;

    fn guard<S: Inner>(bulkhead: &Manual, inner: S) -> Self::Guarded<S>;

    fn guard_with<S: Inner>(bulkhead: &Manual, respond: fn(Rejection) -> u32, inner: S) -> Self::Responding<S>;

    fn inner<S: Inner>(guarded: &Self::Guarded<S>) -> &S;

    /// Makes a call of a service from its beginning to its end.
    fn serve(bulkhead: &Manual, reply: Reply) -> Reply;

    /// Returns the size of the future of a service around `inner`.
    fn future_size<F: Future<Output = Reply>>(bulkhead: &Manual, inner: fn() -> F) -> usize;
}

macro_rules! modes {
    ($($(#[$doc:meta])+ $mode:ident: $service:ident $(with $setting:ident)?, asks again: $asks_again:literal;)+) => {
        $(
            $(#[$doc])+
            #[derive(Clone)]
            pub(crate) struct $mode;

            impl Mode for $mode {
                type Guarded<S: Inner> = $service<S, Manual>;
                type Responding<S: Inner> = $service<S, Manual, Respond<fn(Rejection) -> u32>>;

                const ASKS_AGAIN: bool = $asks_again;

                fn guard<S: Inner>(bulkhead: &Manual, inner: S) -> Self::Guarded<S> {
                    bulkhead.layer()$(.$setting())?.layer(inner)
                }

                fn guard_with<S: Inner>(
                    bulkhead: &Manual,
                    respond: fn(Rejection) -> u32,
                    inner: S,
                ) -> Self::Responding<S> {
                    bulkhead.layer()$(.$setting())?.on_reject(respond).layer(inner)
                }

                fn inner<S: Inner>(guarded: &Self::Guarded<S>) -> &S {
                    guarded.get_ref()
                }

                fn serve(bulkhead: &Manual, reply: Reply) -> Reply {
                    let inner = service_fn(|reply: Reply| future::ready(reply));
                    let mut service = bulkhead.layer()$(.$setting())?.layer(inner);
                    assert!(service.poll_ready(&mut Context::from_waker(noop_waker_ref())).is_ready());
                    service.call(reply).now_or_never().unwrap()
                }

                fn future_size<F: Future<Output = Reply>>(bulkhead: &Manual, inner: fn() -> F) -> usize {
                    let mut service = bulkhead.layer()$(.$setting())?.layer(service_fn(|()| inner()));
                    size_of_val(&service.call(()))
                }
            }
        )+
    };
}

modes! {
    /// A call waits in its own future.
    InCall: QueueService, asks again: true;
    /// No call waits.
    AtOnce: GateService with at_once, asks again: false;
    /// `poll_ready` waits, for as long as the bulkhead says.
    InReady: GateService with waits_in_ready, asks again: false;
    /// `poll_ready` waits for as long as it takes.
    Backpressure: GateService with backpressure, asks again: false;
}
