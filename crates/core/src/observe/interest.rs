//! What the outbox asks of the observer `tracing`, with that feature and without.

#[cfg(not(feature = "tracing"))]
pub(super) use self::without::{is_enabled, is_tracing};
#[cfg(feature = "tracing")]
pub(super) use super::tracing::{is_enabled, is_tracing};

#[cfg(not(feature = "tracing"))]
mod without {
    use crate::observe::Level;

    pub(in crate::observe) fn is_tracing<K: 'static, F: 'static>() -> bool {
        false
    }

    pub(in crate::observe) fn is_enabled(_: Level) -> bool {
        false
    }
}
