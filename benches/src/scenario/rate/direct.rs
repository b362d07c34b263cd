//! The bare check, one thread. Each of ours is measured by the governor that reads the same clock.

use crate::contenders::rate::clock::{self, Clock};
use crate::contenders::rate::{Supply, governor, leaky_bucket, seawall};
use crate::contenders::{AlwaysOk, bare};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("rate limit, direct, allowed", Supply::Ample),
        scenario("rate limit, direct, refused", Supply::Exhausted),
    ]
}

fn scenario(name: &'static str, supply: Supply) -> Scenario {
    let seawall = |clock| seawall::check(supply, clock);
    let governor = |clock| governor::check(supply, clock);
    Scenario {
        name,
        kind: Kind::Alone,
        reference: Against::Row(QUANTA),
        rows: vec![
            Row::aside("bare call", bare::call::<AlwaysOk>()),
            Row::aside("bare call, std clock read", clock::read(Clock::System)).versus(Against::Row(STD)),
            Row::aside("bare call, quanta read", clock::read(Clock::Quanta)),
            Row::aside("bare call, FastClock read", clock::read(Clock::Coarse)).versus(Against::Row(UPKEEP)),
            Row::seawall("try_acquire", seawall(Clock::Default)).within(1.0, Against::Row(STD)),
            Row::seawall("try_acquire, SystemClock", seawall(Clock::System)).within(1.0, Against::Row(STD)),
            Row::seawall("try_acquire, quanta", seawall(Clock::Quanta)).within(1.0, Against::Row(QUANTA)),
            Row::seawall("try_acquire, FastClock", seawall(Clock::Coarse)).versus(Against::Row(UPKEEP)),
            Row::seawall("execute_blocking", seawall::blocking(supply)).versus(Against::Row(STD)),
            Row::peer(QUANTA, governor(Clock::Quanta)),
            Row::peer(STD, governor(Clock::System)).versus(Against::Row(STD)),
            Row::peer_with_fast_clock(UPKEEP, governor(Clock::Coarse)).versus(Against::Row(UPKEEP)),
            Row::peer("leaky-bucket", leaky_bucket::check(supply, true)).versus(Against::Row(STD)),
            Row::peer("leaky-bucket, not fair", leaky_bucket::check(supply, false)).versus(Against::Row(STD)),
        ],
    }
}

const QUANTA: &str = "governor, quanta";
const STD: &str = "governor, std";
const UPKEEP: &str = "governor, upkeep";
