//! A service of one method that takes a text and answers with one, its server, and its client.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, BufMut};
use http::uri::PathAndQuery;
use http_body_util::Empty;
use tonic::{
    Request, Response, Status,
    body::Body,
    client::{Grpc, GrpcService},
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    server::{self, NamedService, UnaryService},
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tower::{Layer, Service};

/// A message is the bytes of a text.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Text;

impl Codec for Text {
    type Encode = String;
    type Decode = String;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Text {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, text: String, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(text.as_bytes());
        Ok(())
    }
}

impl Decoder for Text {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        String::from_utf8(bytes.into()).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<String, Status>> + Send>>;

/// What answers.
#[derive(Clone)]
pub(crate) struct Handler(Arc<dyn Fn(String) -> Answer + Send + Sync>);

impl Handler {
    pub(crate) fn new<F>(answer: impl Fn(String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, Status>> + Send + 'static,
    {
        Self(Arc::new(move |text| Box::pin(answer(text))))
    }
}

impl UnaryService<String> for Handler {
    type Response = String;
    type Future = Pin<Box<dyn Future<Output = Result<Response<String>, Status>> + Send>>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let answer = (self.0)(request.into_inner());
        Box::pin(async { answer.await.map(Response::new) })
    }
}

impl Service<http::Request<Body>> for Handler {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let handler = self.clone();
        Box::pin(async { Ok(server::Grpc::new(Text).unary(handler, request).await) })
    }
}

impl NamedService for Handler {
    const NAME: &'static str = "seawall.Text";
}

const METHOD: &str = "/seawall.Text/Say";

/// A server, which ends with this.
pub(crate) struct Running {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

/// Serves `handler` behind `layer`, on a port of its own.
pub(crate) async fn serve<L>(layer: L, handler: Handler) -> Running
where
    L: Layer<tonic::service::Routes> + Clone + Send + Sync + 'static,
    L::Service: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible> + Clone + Send,
    L::Service: Send + Sync + 'static,
    <L::Service as Service<http::Request<Body>>>::Future: Send,
{
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let address = incoming.local_addr().expect("it is bound");
    let server = Server::builder().layer(layer).add_service(handler);
    let task = tokio::spawn(async { server.serve_with_incoming(incoming).await.expect("it serves") });
    Running { address, task }
}

impl Running {
    pub(crate) fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn connect(&self) -> Channel {
        let endpoint = Endpoint::from_shared(self.uri()).expect("a URI");
        endpoint.connect().await.expect("the server listens")
    }

    /// What an empty request is answered with, below all of gRPC.
    pub(crate) async fn head(&self) -> http::Response<Body> {
        let request = http::Request::post(METHOD).header("content-type", "application/grpc");
        let request = request.body(Body::new(Empty::new())).expect("a request");
        let mut channel = self.connect().await;
        std::future::poll_fn(|cx| Service::poll_ready(&mut channel, cx)).await.expect("it is ready");
        Service::call(&mut channel, request).await.expect("it is answered")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A client, as generated code is one.
#[derive(Clone)]
pub(crate) struct Client<S>(S);

pub(crate) fn client(channel: Channel) -> Client<Channel> {
    Client(channel)
}

/// A client whose requests go through `layer`.
pub(crate) fn client_by<L: Layer<Channel>>(channel: Channel, layer: L) -> Client<L::Service> {
    Client(layer.layer(channel))
}

impl<S> Client<S>
where
    S: GrpcService<Body> + Clone,
    S::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <S::ResponseBody as http_body::Body>::Error: Into<tonic::codegen::StdError>,
    S::Error: fmt::Debug,
{
    pub(crate) async fn call(&self, text: impl Into<String>) -> Result<String, Status> {
        let mut grpc = Grpc::new(self.0.clone());
        grpc.ready().await.expect("a channel is ready");
        let request = Request::new(text.into());
        grpc.unary(request, PathAndQuery::from_static(METHOD), Text).await.map(Response::into_inner)
    }
}
