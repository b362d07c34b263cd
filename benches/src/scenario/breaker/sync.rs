//! Plain calls, without a future. seatbelt and tower-resilience have no such form.

use super::{CALLS, WINDOW};
use crate::contenders::breaker::seawall::{Clock, Rule};
use crate::contenders::breaker::{failsafe, recloser, seawall};
use crate::contenders::{AlwaysOk, OddFails, bare};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![consecutive(), count(), time(), failing(), open()]
}

fn consecutive() -> Scenario {
    Scenario {
        name: "breaker, sync, closed, ok: consecutive failures",
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows: vec![
            Row::aside("bare call", bare::call::<AlwaysOk>()),
            Row::seawall("execute_blocking", seawall::blocking::<AlwaysOk>(Rule::Consecutive, Clock::Default))
                .within(0.25, Against::FastestPeer),
            Row::seawall("try_acquire", seawall::permit::<AlwaysOk>(Rule::Consecutive, Clock::Default)),
            Row::peer("failsafe", failsafe::sync_consecutive::<AlwaysOk>()),
            // It has no such rule; as it is faster than failsafe, it is the stricter measure.
            Row::peer("recloser, count 100", recloser::sync::<AlwaysOk>(CALLS)),
        ],
    }
}

fn count() -> Scenario {
    Scenario {
        name: "breaker, sync, closed, ok: window of 100 calls",
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows: vec![
            Row::aside("bare call", bare::call::<AlwaysOk>()),
            Row::seawall("execute_blocking", seawall::blocking::<AlwaysOk>(Rule::Count(CALLS), Clock::Default))
                .within(0.6, Against::Row("recloser")),
            Row::seawall("try_acquire", seawall::permit::<AlwaysOk>(Rule::Count(CALLS), Clock::Default)),
            Row::peer("recloser", recloser::sync::<AlwaysOk>(CALLS)),
        ],
    }
}

fn time() -> Scenario {
    let seawall = |clock| seawall::blocking::<AlwaysOk>(Rule::Time(WINDOW), clock);
    Scenario {
        name: "breaker, sync, closed, ok: window of 10 s",
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows: vec![
            Row::aside("bare call", bare::call::<AlwaysOk>()),
            Row::seawall("execute_blocking", seawall(Clock::Default)).within(1.0 / 3.0, Against::FastestPeer),
            Row::seawall("execute_blocking, SystemClock", seawall(Clock::System)),
            Row::seawall("execute_blocking, FastClock", seawall(Clock::Fast)).within(0.8, Against::Row(RECLOSER)),
            Row::peer("failsafe", failsafe::sync_rate::<AlwaysOk>(WINDOW)),
            Row::aside(RECLOSER, recloser::sync::<AlwaysOk>(CALLS)),
        ],
    }
}

fn failing() -> Scenario {
    let seawall = |rule, clock| seawall::blocking::<OddFails>(rule, clock);
    Scenario {
        name: "breaker, sync, closed, every second call fails",
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows: vec![
            Row::aside("bare call", bare::call::<OddFails>()),
            Row::seawall("consecutive", seawall(Rule::Consecutive, Clock::Default)),
            Row::seawall("count 100", seawall(Rule::Count(CALLS), Clock::Default)),
            Row::seawall("10 s", seawall(Rule::Time(WINDOW), Clock::Default)),
            Row::seawall("10 s, FastClock", seawall(Rule::Time(WINDOW), Clock::Fast)),
            Row::peer("failsafe, consecutive", failsafe::sync_consecutive::<OddFails>()),
            Row::peer("failsafe, 10 s", failsafe::sync_rate::<OddFails>(WINDOW)),
            Row::peer("recloser, count 100", recloser::sync::<OddFails>(CALLS)),
        ],
    }
}

fn open() -> Scenario {
    Scenario {
        name: "breaker, sync, open, rejected",
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows: vec![
            Row::aside("bare call", bare::call::<AlwaysOk>()),
            Row::seawall("execute_blocking", seawall::blocking_open(Clock::Default)),
            Row::seawall("execute_blocking, SystemClock", seawall::blocking_open(Clock::System)),
            Row::seawall("execute_blocking, FastClock", seawall::blocking_open(Clock::Fast)),
            Row::peer("failsafe", failsafe::sync_open()),
            Row::peer("recloser", recloser::sync_open()),
        ],
    }
}

/// Where it is the measure without having the rule.
const RECLOSER: &str = "recloser, count 100";
