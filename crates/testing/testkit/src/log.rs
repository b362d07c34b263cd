//! A log of what happened.

use std::sync::{Arc, Mutex};

/// What an observer heard, or the order in which things happened. Clones are the same log.
pub type Log<T> = Arc<Mutex<Vec<T>>>;
