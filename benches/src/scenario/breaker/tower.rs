//! Calls with a future: tower services, and the plain `async` forms of those who have them. Of each peer every form is
//! shown, and the fastest of all is the measure.

use super::{CALLS, WINDOW};
use crate::contenders::breaker::seatbelt::Clock as Tick;
use crate::contenders::breaker::seawall::{Clock, Rule};
use crate::contenders::breaker::{failsafe, recloser, seatbelt, seawall, tower_resilience};
use crate::contenders::{AlwaysOk, AlwaysOkMoved, OddFails, bare};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![consecutive(), moved(), count(), time(), failing(), open()]
}

fn consecutive() -> Scenario {
    Scenario {
        name: "breaker, tower, closed, ok: consecutive failures",
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows: vec![
            Row::aside("bare service", bare::service::<AlwaysOk>()),
            Row::seawall("tower", seawall::service::<AlwaysOk>(Rule::Consecutive, Clock::Default))
                .within(0.5, Against::FastestPeer)
                .within(0.1, Against::Row("tower-resilience")),
            Row::seawall(OWN_ERROR, seawall::service_own_error::<AlwaysOk>(Rule::Consecutive, Clock::Default)),
            Row::seawall("execute", seawall::execute::<AlwaysOk>(Rule::Consecutive, Clock::Default)),
            Row::peer("tower-resilience", tower_resilience::consecutive::<AlwaysOk>()),
            Row::peer("failsafe, future", failsafe::future_consecutive::<AlwaysOk>()),
            // These two have no such rule.
            Row::peer("recloser, future, count 100", recloser::future::<AlwaysOk>(CALLS)),
            Row::peer("seatbelt, tower, 10 s", seatbelt::service::<AlwaysOk>(WINDOW, Tick::Precise)),
        ],
    }
}

fn moved() -> Scenario {
    Scenario {
        name: "breaker, the result moved on: consecutive failures, ok, plain and tower",
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows: vec![
            Row::aside("bare call", bare::call::<AlwaysOkMoved>()),
            Row::seawall("execute_blocking", seawall::blocking::<AlwaysOkMoved>(Rule::Consecutive, Clock::Default)),
            Row::seawall("tower", seawall::service::<AlwaysOkMoved>(Rule::Consecutive, Clock::Default)),
            Row::seawall(OWN_ERROR, seawall::service_own_error::<AlwaysOkMoved>(Rule::Consecutive, Clock::Default)),
            Row::seawall("execute", seawall::execute::<AlwaysOkMoved>(Rule::Consecutive, Clock::Default)),
            Row::aside("failsafe", failsafe::sync_consecutive::<AlwaysOkMoved>()),
            Row::peer("failsafe, future", failsafe::future_consecutive::<AlwaysOkMoved>()),
            Row::aside("recloser, count 100", recloser::sync::<AlwaysOkMoved>(CALLS)),
            Row::peer("recloser, future, count 100", recloser::future::<AlwaysOkMoved>(CALLS)),
        ],
    }
}

fn count() -> Scenario {
    Scenario {
        name: "breaker, tower, closed, ok: window of 100 calls",
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows: vec![
            Row::aside("bare service", bare::service::<AlwaysOk>()),
            Row::seawall("tower", seawall::service::<AlwaysOk>(Rule::Count(CALLS), Clock::Default))
                .within(0.7, Against::FastestPeer)
                .within(0.1, Against::Row("tower-resilience (does not slide)")),
            Row::seawall(OWN_ERROR, seawall::service_own_error::<AlwaysOk>(Rule::Count(CALLS), Clock::Default)),
            Row::seawall("execute", seawall::execute::<AlwaysOk>(Rule::Count(CALLS), Clock::Default)),
            Row::peer("tower-resilience (does not slide)", tower_resilience::count::<AlwaysOk>(CALLS)),
            Row::peer("recloser, future", recloser::future::<AlwaysOk>(CALLS)),
        ],
    }
}

fn time() -> Scenario {
    let service = |clock| seawall::service::<AlwaysOk>(Rule::Time(WINDOW), clock);
    Scenario {
        name: "breaker, tower, closed, ok: window of 10 s",
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows: vec![
            Row::aside("bare service", bare::service::<AlwaysOk>()),
            Row::seawall("tower", service(Clock::Default)),
            Row::seawall("tower, SystemClock", service(Clock::System)),
            Row::seawall("tower, FastClock", service(Clock::Fast)),
            Row::seawall("execute", seawall::execute::<AlwaysOk>(Rule::Time(WINDOW), Clock::Default)),
            Row::peer("tower-resilience, up to 1000 calls", tower_resilience::time::<AlwaysOk>(WINDOW)),
            Row::peer("failsafe, future", failsafe::future_rate::<AlwaysOk>(WINDOW)),
            Row::peer("seatbelt, tower", seatbelt::service::<AlwaysOk>(WINDOW, Tick::Precise)),
            Row::peer("seatbelt, layered", seatbelt::layered::<AlwaysOk>(WINDOW, Tick::Precise)),
            Row::peer_with_fast_clock(
                "seatbelt, layered, fast instant",
                seatbelt::layered::<AlwaysOk>(WINDOW, Tick::Fast),
            ),
        ],
    }
}

fn failing() -> Scenario {
    let service = |rule, clock| seawall::service::<OddFails>(rule, clock);
    Scenario {
        name: "breaker, tower, closed, every second call fails",
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows: vec![
            Row::aside("bare service", bare::service::<OddFails>()),
            Row::seawall("tower, consecutive", service(Rule::Consecutive, Clock::Default)),
            Row::seawall("tower, count 100", service(Rule::Count(CALLS), Clock::Default)),
            Row::seawall("tower, 10 s", service(Rule::Time(WINDOW), Clock::Default)),
            Row::seawall("tower, 10 s, FastClock", service(Rule::Time(WINDOW), Clock::Fast)),
            Row::peer("tower-resilience, consecutive", tower_resilience::consecutive::<OddFails>()),
            Row::peer("tower-resilience, count 100", tower_resilience::count::<OddFails>(CALLS)),
            Row::peer("failsafe, future, consecutive", failsafe::future_consecutive::<OddFails>()),
            Row::peer("failsafe, future, 10 s", failsafe::future_rate::<OddFails>(WINDOW)),
            Row::peer("recloser, future, count 100", recloser::future::<OddFails>(CALLS)),
            Row::peer("seatbelt, tower, 10 s", seatbelt::service::<OddFails>(WINDOW, Tick::Precise)),
            Row::peer("seatbelt, layered, 10 s", seatbelt::layered::<OddFails>(WINDOW, Tick::Precise)),
        ],
    }
}

fn open() -> Scenario {
    Scenario {
        name: "breaker, tower, open, rejected",
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows: vec![
            Row::aside("bare service", bare::service::<AlwaysOk>()),
            Row::seawall("tower", seawall::service_open(Clock::Default)).within(0.8, Against::FastestPeer),
            Row::seawall("tower, SystemClock", seawall::service_open(Clock::System)),
            Row::seawall("tower, FastClock", seawall::service_open(Clock::Fast)).within(0.5, Against::FastestClockPeer),
            Row::seawall(OWN_ERROR, seawall::service_own_error_open(Clock::Default)),
            Row::seawall("execute", seawall::execute_open(Clock::Default)),
            Row::peer("tower-resilience", tower_resilience::open()),
            Row::peer("failsafe, future", failsafe::future_open()),
            Row::peer("recloser, future", recloser::future_open()),
            Row::peer("seatbelt, tower", seatbelt::service_open(Tick::Precise)),
            Row::peer("seatbelt, layered", seatbelt::layered_open(Tick::Precise)),
            Row::peer_with_fast_clock("seatbelt, layered, fast instant", seatbelt::layered_open(Tick::Fast)),
        ],
    }
}

/// Without `.map_err(Error::Inner)`: the inner error is small, and can carry a rejection.
const OWN_ERROR: &str = "tower, own error";
