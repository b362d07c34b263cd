//! What can happen where two threads meet: loom tries every interleaving. `verify/loom` runs these models.

#![cfg(loom)]

mod breaker;
mod budget;
mod keyed;
mod latency;
mod meeting;
mod moments;
mod outbox;
mod rate;
mod slots;
