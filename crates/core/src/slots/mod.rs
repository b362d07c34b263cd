//! A counting bulkhead as a state machine: so many calls at once, and a queue for those who may wait.
//!
//! [`Slots`] is the cell: one word, on which a call that finds room spends two atomic steps and no lock, and the queue
//! behind it under a lock that is taken where somebody waits. [`SlotsConfig`] is plain data.
//!
//! # Whose turn it is
//!
//! A slot that comes free while somebody waits is **handed** to whose turn it is, under the lock: nobody can snatch it,
//! and a newcomer overtakes nobody, by [`Slots::try_enter`] at any rate. Whoever was handed slots and never asks again
//! gives them on by [`Slots::leave`]. Which end of the queue has its turn, [`Order`] says. Only that one is looked at: if
//! what it costs is not free yet, those behind it wait too, so that heavy calls are not starved by light ones.
//!
//! # Laws
//!
//! - What is in flight is never more than the limit that was in force when the last call was let in.
//! - Nobody waits while what the one at the turn costs is free.
//! - A wait that was given up is as if it had never been, but for the time that passed.
//! - What happened before a call's [`exit`](Slots::exit) happens before the call that is let in to its slot.

mod cell;
mod config;
mod queue;
mod refusal;
mod turn;
mod word;

pub use cell::Slots;
pub use config::{MAX_LIMIT, Order, SlotsConfig};
pub use refusal::{Reason, Refusal};
pub use turn::{Left, SlotEntry, SlotTurn};

pub use crate::waiters::{Place, Woken};
