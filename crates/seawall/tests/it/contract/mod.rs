//! The contract of a whole stack: what it takes and gives back, its cost, its surroundings, and its inner service.
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
