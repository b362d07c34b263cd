//! A slot is taken, and given back; there is always one, and one thread.

use crate::contenders::bulkhead::seawall::Queue;
use crate::contenders::bulkhead::{bare as atomics, seawall, tokio, tower, tower_resilience};
use crate::contenders::{AlwaysOk, bare};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn plain() -> Scenario {
    Scenario {
        name: "bulkhead, sync, room",
        kind: Kind::Alone,
        reference: Against::Row(TRY),
        rows: vec![
            Row::aside("bare call", bare::call::<AlwaysOk>()),
            Row::aside("two atomics", atomics::two_atomics::<AlwaysOk>()),
            Row::seawall("try_acquire", seawall::permit::<AlwaysOk>(Queue::None)).within(0.65, Against::Row(TRY)),
            Row::seawall("try_acquire, with a queue", seawall::permit::<AlwaysOk>(Queue::Empty)),
            Row::seawall("execute_blocking", seawall::blocking::<AlwaysOk>()),
            Row::peer(TRY, tokio::permit::<AlwaysOk>()),
            Row::peer("tokio try_acquire_owned", tokio::owned_permit::<AlwaysOk>()),
        ],
    }
}

pub(super) fn tower() -> Scenario {
    Scenario {
        name: "bulkhead, tower and futures, room",
        kind: Kind::Alone,
        reference: Against::Row("tower ConcurrencyLimit"),
        rows: vec![
            Row::aside("bare service", bare::service::<AlwaysOk>()),
            Row::seawall("tower", seawall::service::<AlwaysOk>(Queue::None))
                .within(0.6, Against::Row("tower ConcurrencyLimit"))
                .within(0.125, Against::Row("tower-resilience")),
            Row::seawall("tower, own error", seawall::service_own_error::<AlwaysOk>()),
            Row::seawall("tower, with a queue", seawall::service::<AlwaysOk>(Queue::Empty)),
            Row::seawall("execute", seawall::execute::<AlwaysOk>()),
            Row::seawall("acquire", seawall::acquire::<AlwaysOk>()).versus(Against::Row("tokio acquire")),
            Row::peer("tokio acquire", tokio::acquire::<AlwaysOk>()),
            Row::peer("tokio acquire_owned", tokio::acquire_owned::<AlwaysOk>()),
            Row::peer("tower ConcurrencyLimit", tower::service::<AlwaysOk>()),
            Row::peer("tower LoadShed, ConcurrencyLimit", tower::shedding_service::<AlwaysOk>()),
            Row::peer("tower-resilience", tower_resilience::service::<AlwaysOk>()),
            Row::peer("tower-resilience, reject_when_full", tower_resilience::refusing_service::<AlwaysOk>()),
        ],
    }
}

const TRY: &str = "tokio try_acquire";
