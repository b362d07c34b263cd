//! Future types.

use seawall_core::Held;

use crate::{inner::Inner, waiting::SlotWait};

/// A call that a [`Bulkhead`](crate::Bulkhead) let in, or its refusal.
pub type ResponseFuture<F, K, R> = seawall_policy::future::ResponseFuture<F, Held<Inner<K>>, R>;

/// A call that may have to wait for a slot of a [`Bulkhead`](crate::Bulkhead).
pub type QueuedFuture<F, O, K, R> =
    seawall_policy::future::QueuedFuture<F, O, SlotWait<Held<Inner<K>>, K>, Held<Inner<K>>, R>;
