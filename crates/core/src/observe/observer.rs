use std::{
    fmt,
    sync::{Arc, Weak},
};

use super::{Event, Kind, Level, interest};
use crate::sync::{AtomicU8, Ordering};

/// An observer that was added to a policy. [`remove`](Self::remove) takes it off; to drop the handle changes nothing.
///
/// The handle does not keep the policy.
pub struct ObserverHandle {
    pub(super) observers: Weak<dyn Remove + Send + Sync>,
    pub(super) id: u64,
}

/// Something that has observers.
pub(super) trait Remove {
    fn remove(&self, id: u64);
}

/// An observer, and what it is told of.
pub(super) struct Observer<K> {
    pub(super) id: u64,
    pub(super) interest: Interest,
    /// The first transition to tell it of.
    pub(super) first: u32,
    /// How many events had come when it was added: of what is no transition it is told from there on.
    pub(super) added_after: u64,
    pub(super) tell: Tell<K>,
}

pub(super) type Tell<K> = Arc<dyn Fn(&Event<K>) + Send + Sync>;

/// From which level on an observer is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interest {
    pub(super) least: Level,
    /// Whether it is `tracing`, and so told only of levels that a subscriber wants.
    pub(super) is_tracing: bool,
}

/// The levels that the observers of a policy want, together: read by every call that could tell of itself.
#[derive(Debug)]
pub(super) struct Wanted(AtomicU8);

impl ObserverHandle {
    /// Takes the observer off its policy, and drops the observer.
    ///
    /// No event is told to it from now on, of those that wait either. Another thread may be about to tell it one event at
    /// this moment; the observer is then dropped after that event.
    pub fn remove(self) {
        if let Some(observers) = self.observers.upgrade() {
            observers.remove(self.id);
        }
    }
}

/// An observer for events of the kind `K`, made of one for events of any kind.
pub fn of_any_kind<K, F>(observer: F) -> impl Fn(&Event<K>) + Send + Sync + 'static
where
    K: Kind + 'static,
    F: Fn(&Event<dyn Kind>) + Send + Sync + 'static,
{
    move |event: &Event<K>| observer(event)
}

impl fmt::Debug for ObserverHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserverHandle").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Interest {
    /// What an observer of type `F` is told, that was added from `least` on.
    pub(super) fn of<K: Kind + 'static, F: 'static>(least: Level) -> Self {
        Self { least, is_tracing: interest::is_tracing::<K, F>() }
    }
}

impl Wanted {
    pub(super) fn nothing() -> Self {
        Self(AtomicU8::new(0))
    }

    pub(super) fn set<K>(&self, observers: &[Observer<K>]) {
        let of = |is_tracing| {
            let those = observers.iter().filter(|observer| observer.interest.is_tracing == is_tracing);
            those.map(|observer| 1 + observer.interest.least as u8).max().unwrap_or(0)
        };
        self.0.store(of(false) | of(true) << TRACING, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn includes(&self, level: Level) -> bool {
        let (wanted, level_bits) = (self.0.load(Ordering::Relaxed), 1 + level as u8);
        wanted != 0
            && (wanted & PLAIN >= level_bits || (wanted >> TRACING >= level_bits && interest::is_enabled(level)))
    }
}

// By hand: derive would ask for `K: Clone`.
impl<K> Clone for Observer<K> {
    fn clone(&self) -> Self {
        let Self { id, interest, first, added_after, ref tell } = *self;
        Self { id, interest, first, added_after, tell: tell.clone() }
    }
}

/// The bits for observers that are always told, and where the bits begin for those that hand on to `tracing`.
const PLAIN: u8 = 0b11;
const TRACING: u8 = 2;
