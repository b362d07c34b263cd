//! What there is of gRPC in an HTTP response, with no gRPC library.

mod code;
mod message;
mod responder;

pub use code::GrpcCode;
pub use responder::{GrpcResponder, grpc_respond};
