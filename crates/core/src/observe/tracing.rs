use std::{any::TypeId, time::Duration};

use ::tracing::{event, event_enabled, field};

use super::{Event, EventFacts, Kind, Level, contain, of_any_kind};

// A level is a constant of the place from which one records.
macro_rules! record {
    ($level:ident, $event:expr, $facts:expr) => {{
        let EventFacts { kind, what, level: _, reason, step, attempt, wait, retry_after } = $facts;
        event!(
            target: TARGET,
            ::tracing::Level::$level,
            policy = $event.policy(),
            kind,
            reason = reason.map(field::display),
            from = step.map(|(from, _)| field::display(from)),
            to = step.map(|(_, to)| field::display(to)),
            attempt,
            wait_ms = wait.map(whole_millis),
            retry_after_ms = retry_after.map(whole_millis),
            lost = unless_none($event.lost()),
            merged = unless_none($event.merged()),
            "{what}",
        )
    }};
}

// With the fields that are recorded, as a subscriber may filter by them.
macro_rules! enabled {
    ($level:ident) => {
        event_enabled!(
            target: TARGET,
            ::tracing::Level::$level,
            policy,
            kind,
            reason,
            from,
            to,
            attempt,
            wait_ms,
            retry_after_ms,
            lost,
            merged,
            message
        )
    };
}

/// Hands an event of any policy to `tracing`, with the target `seawall`: an observer for `on_event`. Needs the feature
/// `tracing`.
///
/// | event | level |
/// |---|---|
/// | a circuit opened, by a rule or by hand | warn |
/// | a circuit changed its state otherwise, or would have opened; a quota or a limit was changed, a bulkhead closed | info |
/// | a call was refused, retried (also what came of that) or cut off | debug |
///
/// A call that succeeds at once says nothing, as there is no event of it.
///
/// The message is what happened, in a word or two: `state changed`, `rejected`, `retrying`. Fields:
///
/// - `policy`, the name that it was given, and `kind`, as in `circuit breaker`;
/// - `reason`, why it happened: what a rule measured, why a call was refused, what an attempt came to;
/// - `from` and `to`, where something was changed: states, quotas or limits;
/// - `attempt`, the number of it, and `wait_ms`, how long until the next;
/// - `retry_after_ms`, when the callee, or the policy that refused, would see the call again. Milliseconds are rounded up.
/// - `lost`, how many events of the policy were lost before this one, and `merged`, how many older changes this one also
///   stands for; both only if there are any.
///
/// If no subscriber wants debug events of this target, a refused call costs what it costs without an observer: no event
/// is made. That is so if this function itself is the observer; a closure around it is told of every event.
///
/// ```
/// use seawall_core::observe::{Kind, Level, Observers, tracing};
///
/// fn traced<K: Kind + Send + 'static>() -> Observers<K> {
///     let outbox = Observers::new();
///     outbox.observe(Level::Debug, tracing, || 0);
///     outbox
/// }
/// ```
pub fn tracing<K: Kind + ?Sized>(event: &Event<K>) {
    let facts = event.kind().facts();
    match facts.level {
        Level::Warn => record!(WARN, event, facts),
        Level::Info => record!(INFO, event, facts),
        Level::Debug => record!(DEBUG, event, facts),
    }
}

/// Whether an observer of type `F` is the function [`tracing`]: each function has a type of its own.
pub(super) fn is_tracing<K: Kind + 'static, F: 'static>() -> bool {
    fn type_of<T: 'static>(_: &T) -> TypeId {
        TypeId::of::<T>()
    }
    let of_all = of_any_kind::<K, _>(tracing::<dyn Kind>);
    [type_of(&tracing::<K>), type_of(&of_all)].contains(&TypeId::of::<F>())
}

/// Whether a subscriber wants events of `level`. Without a subscriber this is a load and a comparison.
pub(super) fn is_enabled(level: Level) -> bool {
    let mut is_enabled = false;
    // The subscriber is user code.
    contain(|| {
        is_enabled = match level {
            Level::Warn => enabled!(WARN),
            Level::Info => enabled!(INFO),
            Level::Debug => enabled!(DEBUG),
        }
    });
    is_enabled
}

fn unless_none(count: u64) -> Option<u64> {
    (count > 0).then_some(count)
}

/// Rounded up, so that nobody comes early who goes by it.
fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

const TARGET: &str = "seawall";
