//! The wait without a limit: what the runtime itself costs.

use super::yielding;
use crate::contenders::{Make, Seen, Turning, awaited};

/// The operation, pending once.
#[must_use]
pub fn pending(turning: Turning) -> Make {
    awaited(turning, || (), |()| async |request, seen: &mut Seen| seen.awaited(yielding(request)).await)
}
