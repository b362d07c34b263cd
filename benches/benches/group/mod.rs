use std::time::Instant;

use criterion::Criterion;
use seawall_benches::scenario::Scenario;

/// A scenario as a group: each contender a benchmark.
pub(crate) fn measure(criterion: &mut Criterion, scenario: &Scenario) {
    let mut group = criterion.benchmark_group(scenario.name);
    for row in &scenario.rows {
        group.bench_function(row.name.as_str(), |bencher| {
            let mut run = row.one();
            bencher.iter_custom(|calls| {
                let begun = Instant::now();
                run(calls);
                begun.elapsed()
            });
        });
    }
    group.finish();
}
