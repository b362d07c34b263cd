//! What seawall costs per call, beside its peers, and the harness that measures it.
//!
//! `README.md` in this folder says how to run it and how to read the tables.

pub mod contenders;
pub mod measure;
pub mod memory;
mod partner;
pub mod report;
pub mod scenario;
pub mod threads;
