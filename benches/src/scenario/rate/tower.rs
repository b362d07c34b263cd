//! Calls with a future: tower services, and the plain `async` forms of those who have them. Nothing was promised.

use tower_resilience_ratelimiter::WindowType;

use crate::contenders::rate::clock::Clock;
use crate::contenders::rate::{Supply, governor, leaky_bucket, seawall, tower, tower_resilience};
use crate::contenders::{AlwaysOk, bare};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![allowed(), refused()]
}

fn allowed() -> Scenario {
    let supply = Supply::Ample;
    Scenario {
        name: "rate limit, tower and futures, allowed",
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows: vec![
            Row::aside("bare service", bare::service::<AlwaysOk>()),
            Row::seawall("tower", seawall::service(supply)),
            Row::seawall("tower, own error", seawall::service_own_error(supply)),
            Row::seawall("tower, may wait", seawall::waiting_service()),
            Row::seawall("execute", seawall::execute(supply)),
            Row::seawall("acquire", seawall::acquire()),
            Row::peer("governor until_ready, quanta", governor::until_ready(Clock::Quanta)),
            Row::peer("governor until_ready, std", governor::until_ready(Clock::System)),
            Row::peer("leaky-bucket acquire_one", leaky_bucket::acquire()),
            Row::peer("tower RateLimit (not shared)", tower::service(supply)),
            Row::peer("tower-resilience, fixed", tower_resilience::service(supply, WindowType::Fixed)),
            Row::peer("tower-resilience, counter", tower_resilience::service(supply, WindowType::SlidingCounter)),
        ],
    }
}

fn refused() -> Scenario {
    let supply = Supply::Exhausted;
    Scenario {
        name: "rate limit, tower and futures, refused",
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows: vec![
            Row::aside("bare service", bare::service::<AlwaysOk>()),
            Row::seawall("tower", seawall::service(supply)),
            Row::seawall("tower, own error", seawall::service_own_error(supply)),
            Row::seawall("execute", seawall::execute(supply)),
            Row::peer("tower LoadShed, RateLimit (not shared)", tower::service(supply)),
            Row::peer("tower-resilience, fixed", tower_resilience::service(supply, WindowType::Fixed)),
            Row::peer("tower-resilience, counter", tower_resilience::service(supply, WindowType::SlidingCounter)),
        ],
    }
}
