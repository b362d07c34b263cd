use std::time::Duration;

use ::tracing::{event, field};

use super::{Event, Facts, Kind, Level};

// A level is a constant of the place from which one records.
macro_rules! record {
    ($level:ident, $policy:expr, $facts:expr) => {{
        let Facts { kind, what, level: _, reason, step, attempt, wait, retry_after } = $facts;
        event!(
            target: TARGET,
            ::tracing::Level::$level,
            policy = $policy,
            kind,
            reason = reason.map(field::display),
            from = step.map(|(from, _)| field::display(from)),
            to = step.map(|(_, to)| field::display(to)),
            attempt,
            wait_ms = wait.map(whole_millis),
            retry_after_ms = retry_after.map(whole_millis),
            "{what}",
        )
    }};
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
///
/// Where a level is disabled, nothing is formatted; the event comes to the observer, which costs each refused call what it
/// costs with any observer.
///
/// ```
/// use seawall_core::observe::{Event, Kind, Outbox, tracing};
///
/// fn traced<K: Kind + 'static>() -> Outbox<Event<K>> {
///     let outbox = Outbox::new();
///     outbox.observe(tracing, || 0);
///     outbox
/// }
/// ```
pub fn tracing<K: Kind + ?Sized>(event: &Event<K>) {
    let facts = event.kind().facts();
    match facts.level {
        Level::Warn => record!(WARN, event.policy(), facts),
        Level::Info => record!(INFO, event.policy(), facts),
        Level::Debug => record!(DEBUG, event.policy(), facts),
    }
}

/// Rounded up, so that nobody comes early who goes by it.
fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

const TARGET: &str = "seawall";
