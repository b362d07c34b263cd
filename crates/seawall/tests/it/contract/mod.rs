//! The contract of a whole stack: what it holds and gives back, what it costs, and what may stand around it and in it.
mod around;
mod cancel;
mod footprint;
mod once;
mod panic;
mod panic_service;
mod send;
mod strict;
mod support;
mod tower;
