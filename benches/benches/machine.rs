//! The bare machine under criterion: the scenarios of `compare` whose name begins with "machine".

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use seawall_benches::scenario;

mod group;

fn machine(criterion: &mut Criterion) {
    scenario::machine().iter().for_each(|scenario| group::measure(criterion, scenario));
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = machine
}
criterion_main!(benches);
