//! The tests of this crate, a module for each property or face. One binary, so that what they share is linked once.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod axum;
mod body_sockets;
mod body_support;
mod cut_off;
mod deadlines;
mod footprint;
mod grpc;
#[cfg(feature = "tonic")]
mod grpc_trailers;
mod held_body;
mod held_body_service;
mod keys;
mod never_early;
mod orders;
mod readme;
mod rejections;
mod replay;
mod replay_laws;
mod replay_readers;
#[cfg(feature = "reqwest")]
mod reqwest;
mod resend;
mod respond;
mod retry_after;
mod rpc;
#[cfg(feature = "tonic")]
mod tonic;
#[cfg(feature = "tonic")]
mod tonic_lost;
#[cfg(feature = "tonic")]
mod write_deadline_hang;
