//! Future types.

use seawall_core::Held;

use crate::{inner::BulkheadInner, waiting::SlotWait};

/// The future of a call that a [`Bulkhead`](crate::Bulkhead) admitted, or of its rejection.
pub type ResponseFuture<F, K, R> = seawall_policy::future::ResponseFuture<F, Held<BulkheadInner<K>>, R>;

/// The future of a call that may have to wait for a slot of a [`Bulkhead`](crate::Bulkhead).
pub type QueuedFuture<F, O, K, R> =
    seawall_policy::future::QueuedFuture<F, O, SlotWait<Held<BulkheadInner<K>>, K>, Held<BulkheadInner<K>>, R>;
