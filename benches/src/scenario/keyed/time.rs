//! A check of a key drawn at random. Each of ours is measured by the governor that reads the same clock.

use super::{FEW, MANY};
use crate::contenders::keyed::{self, Clock, governor, seawall};
use crate::contenders::rate::Supply;
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        allowed("keyed rate limit, 1000 keys, allowed", Kind::Alone, FEW),
        refused(),
        allowed("keyed rate limit, 10^6 keys, allowed", Kind::Large, MANY),
        shared("keyed rate limit, two threads, 1000 keys", FEW),
        shared("keyed rate limit, two threads, 10^6 keys", MANY),
    ]
}

fn allowed(name: &'static str, kind: Kind, keys: u64) -> Scenario {
    let seawall = |clock| seawall::check(Supply::Ample, clock, keys);
    let governor = |clock| governor::check(Supply::Ample, clock, keys);
    Scenario {
        name,
        kind,
        reference: Against::Row(QUANTA),
        rows: vec![
            Row::aside("bare call, key drawn", keyed::drawn(keys)),
            Row::seawall("try_acquire", seawall(Clock::Default)).within(1.0, Against::Row(STD)),
            Row::seawall("try_acquire, SystemClock", seawall(Clock::System)).within(1.0, Against::Row(STD)),
            Row::seawall("try_acquire, quanta", seawall(Clock::Quanta)).within(1.0, Against::Row(QUANTA)),
            Row::seawall("try_acquire, FastClock", seawall(Clock::Coarse)).versus(Against::Row(UPKEEP)),
            Row::peer(QUANTA, governor(Clock::Quanta)),
            Row::peer(STD, governor(Clock::System)),
            Row::peer_with_fast_clock(UPKEEP, governor(Clock::Coarse)),
            Row::peer("governor hashmap, quanta", governor::check_hashmap(Supply::Ample, keys)),
        ],
    }
}

fn refused() -> Scenario {
    let supply = Supply::Exhausted;
    Scenario {
        name: "keyed rate limit, 1000 keys, refused",
        kind: Kind::Alone,
        reference: Against::Row(QUANTA),
        rows: vec![
            Row::aside("bare call, key drawn", keyed::drawn(FEW)),
            Row::seawall("try_acquire", seawall::check(supply, Clock::Default, FEW)).versus(Against::Row(STD)),
            Row::seawall("try_acquire, quanta", seawall::check(supply, Clock::Quanta, FEW)),
            Row::peer(QUANTA, governor::check(supply, Clock::Quanta, FEW)),
            Row::peer(STD, governor::check(supply, Clock::System, FEW)),
        ],
    }
}

fn shared(name: &'static str, keys: u64) -> Scenario {
    let supply = Supply::Ample;
    Scenario {
        name,
        kind: Kind::Shared,
        reference: Against::Row(QUANTA),
        rows: vec![
            Row::seawall("try_acquire", seawall::check(supply, Clock::Default, keys)).within(1.0, Against::Row(STD)),
            Row::seawall("try_acquire, quanta", seawall::check(supply, Clock::Quanta, keys))
                .within(1.0, Against::Row(QUANTA)),
            Row::peer(QUANTA, governor::check(supply, Clock::Quanta, keys)),
            Row::peer(STD, governor::check(supply, Clock::System, keys)),
            Row::peer("governor hashmap, quanta", governor::check_hashmap(supply, keys)),
        ],
    }
}

const QUANTA: &str = "governor dashmap, quanta";
const STD: &str = "governor dashmap, std";
const UPKEEP: &str = "governor dashmap, upkeep";
