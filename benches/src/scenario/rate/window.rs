//! An exact window, which remembers each call: up to a million in a millisecond. Nothing was promised.

use tower_resilience_ratelimiter::WindowType;

use crate::contenders::rate::clock::Clock;
use crate::contenders::rate::{Supply, seawall, tower_resilience};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("rate limit, exact window, allowed", Supply::Ample),
        scenario("rate limit, exact window, refused", Supply::Exhausted),
    ]
}

fn scenario(name: &'static str, supply: Supply) -> Scenario {
    Scenario {
        name,
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows: vec![
            Row::seawall("try_acquire", seawall::check(supply, Clock::Default)),
            Row::seawall("try_acquire, exact window", seawall::check_window(supply)),
            Row::peer("tower-resilience, log", tower_resilience::service(supply, WindowType::SlidingLog)),
        ],
    }
}
