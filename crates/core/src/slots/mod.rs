//! A counting bulkhead as a state machine: a limit of calls at once, and a queue of calls that may wait.
//!
//! [`Slots`] is the cell: a word and a queue. A call that finds room costs two atomic steps and no lock. The queue lies under a
//! lock, which is taken only if a call waits. [`SlotsConfig`] is plain data.
//!
//! # Whose turn it is
//!
//! A slot that comes free while calls wait is **handed** to the call whose turn it is, under the lock. No other call can take
//! it, and by [`Slots::try_enter`] no newcomer overtakes a waiting call. A caller that got slots and does not ask again passes
//! them on by [`Slots::leave`]. [`Order`] says which end of the queue has its turn. Only the call at this end is considered: if
//! its cost is not free yet, the calls behind it wait too, so that light calls do not starve heavy calls.
//!
//! # Laws
//!
//! - The slots in flight never exceed the limit that was valid when the last call was admitted.
//! - No call waits while the cost of the call at the turn is free.
//! - A wait that was given up leaves no effect, except for the time that passed.
//! - All that happened before a call's [`exit`](Slots::exit) happens before the call that is admitted to its slot.

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
