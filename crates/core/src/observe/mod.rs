//! Telling what has happened, outside of every machine.

mod event;
mod facts;
mod interest;
mod observer;
mod outbox;
#[cfg(feature = "tracing")]
mod tracing;
mod waiting;

#[cfg(feature = "tracing")]
pub use self::tracing::tracing;
pub use self::{
    event::{Event, Kind},
    facts::{EventFacts, EventReason, Level, PolicyState},
    observer::{ObserverHandle, of_any_kind},
    outbox::{Observers, contain},
};
