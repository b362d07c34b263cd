//! Telling what has happened, outside of every machine.

mod event;
mod facts;
mod outbox;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(feature = "tracing")]
pub use self::tracing::tracing;
pub use self::{
    event::{Event, Kind},
    facts::{Facts, Level, Reason, Standing},
    outbox::{Outbox, contain},
};
