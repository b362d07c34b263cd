//! What there is of gRPC in an HTTP response, with no gRPC library.

mod code;
mod message;
mod responder;

pub(crate) use code::GRPC_STATUS;
pub use code::GrpcCode;
pub(crate) use message::message;
pub(crate) use responder::GRPC_MESSAGE;
pub use responder::{GrpcResponder, grpc_respond};
