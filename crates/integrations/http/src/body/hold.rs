use std::task::{Context, Poll};

use http::Response;
use http_body::Body;
use seawall_policy::{
    GateLayer, GateService, Judge, Policy, QueueLayer, QueuePolicy, QueueService, Reject, WithResponse,
};
use tower_layer::Layer;
use tower_service::Service;

use super::{
    HeldBody,
    future::{LateBodyFuture, ResponseFuture},
};

/// Makes the calls of a gate's layer last until the bodies of their responses have been read, or dropped: see [`HoldBody`].
pub const fn hold_body<L>(layer: L) -> HoldBody<L> {
    HoldBody::new(layer)
}

/// The layer of a gate, a bulkhead or a circuit breaker, under which a call ends with the body of its response.
///
/// A service answers with the head of a response when the body is often still to come. Without this, a call has ended then:
/// a bulkhead gives its slot away while a slow download goes on, and a breaker has counted a success when the stream breaks
/// off. With it, the call's leave goes into the body, a [`HeldBody`], and is given back
///
/// - when the body has ended, with the verdict on the head of the response, or on the trailers if the classifier judges them:
///   [`GrpcCodes`](crate::GrpcCodes) does;
/// - as a failure, when the body gives an error;
/// - as abandoned, when the body is dropped before its end.
///
/// A body that has given as much data as was announced has ended, asked for more or not. One that is not asked at all, as in
/// the answer to a `HEAD`, is dropped before its end, if it does not say by itself that it is empty.
///
/// A response that is a failure by its head, or that has no body, gives it back at once. What the gate measures, as a breaker
/// does with slow calls, goes to the end of the body then. A body that nobody reads or drops keeps its leave; so bound the
/// time that reading takes, above this layer or in the server.
///
/// A refused call is answered as the layer says, by `on_reject` too, with a body that holds nothing.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), seawall::Error<std::io::Error>> {
/// use http::{Request, Response};
/// use http_body_util::{BodyExt, Full};
/// use seawall::{Bulkhead, Error};
/// use seawall_http::hold_body;
/// use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
///
/// let bulkhead = Bulkhead::new("downloads", 2);
/// let files = service_fn(|_: Request<()>| async { Ok(Response::new(Full::<&[u8]>::from(&b"a file"[..]))) });
/// let mut service =
///     ServiceBuilder::new().layer(hold_body(bulkhead.layer())).map_err(Error::<std::io::Error>::Inner).service(files);
///
/// let response = service.ready().await?.call(Request::new(())).await?;
/// assert_eq!(bulkhead.in_flight(), 1); // it is here, but not read
/// let file = response.into_body().collect().await.unwrap();
/// assert_eq!(bulkhead.in_flight(), 0);
/// assert_eq!(file.to_bytes(), "a file");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct HoldBody<L> {
    layer: L,
}

/// A service whose calls end with the bodies of their responses; from [`HoldBody`].
///
/// # Readiness
///
/// As of the gate's own service, a [`GateService`] or a [`QueueService`].
#[derive(Debug, Clone)]
pub struct HoldBodyService<G> {
    gate: G,
}

// ===== impl HoldBody =====

impl<L> HoldBody<L> {
    /// Makes the calls of that layer last as long as their bodies. It is the layer of a gate, a [`GateLayer`] or a
    /// [`QueueLayer`].
    pub const fn new(layer: L) -> Self {
        Self { layer }
    }
}

impl<P: Policy, R> HoldBody<GateLayer<P, R>> {
    /// The policy.
    pub fn policy(&self) -> &P {
        self.layer.policy()
    }
}

impl<P: QueuePolicy, R> HoldBody<QueueLayer<P, R>> {
    /// The policy.
    pub fn policy(&self) -> &P {
        self.layer.policy()
    }
}

impl<L: WithResponse<A>, A> WithResponse<A> for HoldBody<L> {
    type Output = HoldBody<L::Output>;

    fn with_response(self, answer: A) -> Self::Output {
        HoldBody { layer: self.layer.with_response(answer) }
    }
}

impl<S, L: Layer<S>> Layer<S> for HoldBody<L> {
    type Service = HoldBodyService<L::Service>;

    fn layer(&self, inner: S) -> Self::Service {
        HoldBodyService { gate: self.layer.layer(inner) }
    }
}

// ===== impl HoldBodyService =====

impl<S, P: Policy, R> HoldBodyService<GateService<S, P, R>> {
    /// The guarded service.
    pub fn get_ref(&self) -> &S {
        self.gate.get_ref()
    }

    /// The guarded service. To call it is to go around the policy.
    pub fn get_mut(&mut self) -> &mut S {
        self.gate.get_mut()
    }

    /// The policy that guards it.
    pub fn policy(&self) -> &P {
        self.gate.policy()
    }
}

impl<S, P: QueuePolicy, R> HoldBodyService<QueueService<S, P, R>> {
    /// The guarded service.
    pub fn get_ref(&self) -> &S {
        self.gate.get_ref()
    }

    /// The guarded service. To call it is to go around the policy.
    pub fn get_mut(&mut self) -> &mut S {
        self.gate.get_mut()
    }

    /// The policy that guards it.
    pub fn policy(&self) -> &P {
        self.gate.policy()
    }
}

impl<S, P, R, Request, B> Service<Request> for HoldBodyService<GateService<S, P, R>>
where
    S: Service<Request, Response = Response<B>>,
    B: Body,
    P: Policy<Gate: Judge<Response<B>, S::Error>>,
    R: Reject<Response<B>, S::Error, Error = S::Error> + Clone,
{
    type Response = Response<HeldBody<B, P::Gate>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, P::Gate, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.gate.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.gate.admit(request) {
            Ok((call, ticket)) => ResponseFuture::admitted(call, ticket),
            Err(rejection) => ResponseFuture::refused(rejection, self.gate.reject().clone()),
        }
    }
}

impl<S, P, R, Request, B> Service<Request> for HoldBodyService<QueueService<S, P, R>>
where
    S: Service<Request, Response = Response<B>> + Clone,
    B: Body,
    P: QueuePolicy<Gate: Judge<Response<B>, S::Error>>,
    R: Reject<Response<B>, S::Error, Error = S::Error> + Clone,
{
    type Response = Response<HeldBody<B, P::Gate>>;
    type Error = S::Error;
    type Future = LateBodyFuture<S, Request, P, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.gate.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        LateBodyFuture::new(self.gate.admit(request), || self.gate.reject().clone())
    }
}
