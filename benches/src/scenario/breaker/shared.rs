//! Two threads on one breaker: each with a clone of its own where the form has clones, unless the row says otherwise.

use super::{CALLS, WINDOW};
use crate::contenders::breaker::seatbelt::Clock as Tick;
use crate::contenders::breaker::seawall::{Clock, Rule};
use crate::contenders::breaker::{failsafe, recloser, seatbelt, seawall, tower_resilience};
use crate::contenders::{AlwaysOk, bare};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![seawall(), peers()]
}

fn seawall() -> Scenario {
    let mut rows = vec![Row::aside("bare service", bare::service::<AlwaysOk>())];
    let rules = [
        ("consecutive", Rule::Consecutive, Clock::Default),
        ("10 s", Rule::Time(WINDOW), Clock::Default),
        ("10 s, FastClock", Rule::Time(WINDOW), Clock::Fast),
        ("count 100", Rule::Count(CALLS), Clock::Default),
    ];
    for (name, rule, clock) in rules {
        let forms = [
            ("execute_blocking, by reference", seawall::blocking::<AlwaysOk>(rule, clock)),
            ("execute, by reference", seawall::execute_by_reference::<AlwaysOk>(rule, clock)),
            ("execute, own clones", seawall::execute::<AlwaysOk>(rule, clock)),
            ("tower, own clones", seawall::service::<AlwaysOk>(rule, clock)),
        ];
        // A count window is one order of calls, so its threads must meet; nothing is promised of it.
        let promised = !matches!(rule, Rule::Count(_));
        rows.extend(forms.map(|(form, make)| {
            let row = Row::seawall(&format!("{name}: {form}"), make);
            if promised { row.within(1.0, Against::OneThread) } else { row }
        }));
    }
    Scenario { name: "breaker, two threads: seawall", kind: Kind::Shared, reference: Against::OneThread, rows }
}

fn peers() -> Scenario {
    Scenario {
        name: "breaker, two threads: the peers",
        kind: Kind::Shared,
        reference: Against::OneThread,
        rows: vec![
            Row::peer("failsafe, consecutive", failsafe::sync_consecutive::<AlwaysOk>()),
            Row::peer("failsafe, 10 s", failsafe::sync_rate::<AlwaysOk>(WINDOW)),
            Row::peer("failsafe, future, consecutive", failsafe::future_consecutive::<AlwaysOk>()),
            Row::peer("recloser, count 100", recloser::sync::<AlwaysOk>(CALLS)),
            Row::peer("recloser, future, count 100", recloser::future::<AlwaysOk>(CALLS)),
            Row::peer("seatbelt, tower, 10 s", seatbelt::service::<AlwaysOk>(WINDOW, Tick::Precise)),
            Row::peer("seatbelt, layered, 10 s", seatbelt::layered::<AlwaysOk>(WINDOW, Tick::Precise)),
            Row::peer("tower-resilience, consecutive", tower_resilience::consecutive::<AlwaysOk>()),
        ],
    }
}
