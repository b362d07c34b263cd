//! The seawall policies in HTTP and gRPC.

#![forbid(unsafe_code)]
