//! The scenarios of `compare` that one thread runs, under criterion: for a look at one of them, or to compare two
//! versions of seawall. Each contender has the machine to itself for a while; `compare` takes turns and is fairer.

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use seawall_benches::scenario::{self, Kind};

mod group;

fn breaker(criterion: &mut Criterion) {
    let scenarios = scenario::breakers();
    let alone = scenarios.iter().filter(|scenario| scenario.kind == Kind::Alone);
    alone.for_each(|scenario| group::measure(criterion, scenario));
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = breaker
}
criterion_main!(benches);
