//! Panics that a test expects.

use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
    thread,
};

/// Returns the message with which `f` panics; `None` if it does not panic.
pub fn panic_message<T>(f: impl FnOnce() -> T) -> Option<String> {
    panic::catch_unwind(AssertUnwindSafe(f)).err().map(|payload| message(&*payload))
}

/// Returns the message of a panic that was caught.
pub fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(message) = payload.downcast_ref::<String>() {
        return message.clone();
    }
    payload.downcast_ref::<&str>().map_or("a payload that is no text", |message| message).to_owned()
}

/// Panics when it is dropped, unless the thread already panics.
#[derive(Debug, Clone)]
pub struct PanicsOnDrop;

/// The message of [`PanicsOnDrop`].
pub const WHILE_DROPPED: &str = "while it is dropped";

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("{WHILE_DROPPED}");
        }
    }
}
