//! Two threads on one limiter.

use tower_resilience_ratelimiter::WindowType;

use crate::contenders::rate::clock::Clock;
use crate::contenders::rate::{Supply, governor, leaky_bucket, seawall, tower_resilience};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("rate limit, two threads, allowed", Supply::Ample, Some(0.8)),
        scenario("rate limit, two threads, refused", Supply::Exhausted, None),
    ]
}

fn scenario(name: &'static str, supply: Supply, promised: Option<f64>) -> Scenario {
    let ours = |form: &str, make, peer| {
        let row = Row::seawall(form, make);
        match promised {
            Some(limit) => row.within(limit, Against::Row(peer)),
            None => row.versus(Against::Row(peer)),
        }
    };
    let peer = |name: &str, make| Row::peer(name, make).versus(Against::Row(QUANTA));
    let resilience = tower_resilience::service(supply, WindowType::Fixed);
    Scenario {
        name,
        kind: Kind::Shared,
        reference: Against::Row(QUANTA),
        rows: vec![
            ours("try_acquire", seawall::check(supply, Clock::Default), STD),
            ours("try_acquire, SystemClock", seawall::check(supply, Clock::System), STD),
            ours("try_acquire, quanta", seawall::check(supply, Clock::Quanta), QUANTA),
            Row::seawall("try_acquire, FastClock", seawall::check(supply, Clock::Coarse)).versus(Against::Row(UPKEEP)),
            Row::seawall("tower", seawall::service(supply)),
            peer(QUANTA, governor::check(supply, Clock::Quanta)),
            peer(STD, governor::check(supply, Clock::System)),
            peer(UPKEEP, governor::check(supply, Clock::Coarse)),
            peer("leaky-bucket", leaky_bucket::check(supply, true)),
            peer("tower-resilience, fixed", resilience),
        ],
    }
}

const QUANTA: &str = "governor, quanta";
const STD: &str = "governor, std";
const UPKEEP: &str = "governor, upkeep";
