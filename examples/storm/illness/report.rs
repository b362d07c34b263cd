//! The tables at the end.

use std::time::Duration;

use comfy_table::Table;

use super::record::{Gate, Record};
use crate::table::{NONE, numbers, quantiles};

/// Both runs, side by side.
pub(super) fn summary(bare: &Record, breaker: &Record) -> Table {
    let mut table = numbers(&["both runs", "bare", "breaker"]);
    let mut row = |name: &str, tell: &dyn Fn(&Record) -> String| {
        table.add_row([name.to_owned(), tell(bare), tell(breaker)]);
    };
    row("calls", &|run| run.total().calls().to_string());
    row("turns missed, the worker still waiting", &|run| run.missed.to_string());
    row("goodput, answers/s", &|run| format!("{:.0}", run.total().good as f64 / run.script.length().as_secs_f64()));
    row("  while healthy, once recovered", &|run| format!("{:.0}", run.healthy_goodput()));
    row("failed", &|run| run.total().failed.to_string());
    row("  500/timeout/reset/other", &|run| {
        let faults = run.faults;
        format!("{}/{}/{}/{}", faults.status, faults.timed_out, faults.reset, faults.other)
    });
    row("rejected", &|run| run.total().rejected.to_string());
    row("latency of calls sent, p50/p99/p99.9, ms", &|run| quantiles(&run.sent, 1e6, 1));
    row("latency of rejections, p50/p99/p99.9, us", &|run| quantiles(&run.refused, 1e3, 1));
    row("calls that reached the sick upstream", &|run| run.sick().reached.to_string());
    let illnesses: Vec<_> = bare.script.illnesses().collect();
    let names: Vec<_> = illnesses.iter().map(|&number| bare.script.phases()[number].mood.to_string()).collect();
    let names = names.join("/");
    row(&format!("ms to open, {names}"), &|run| times(illnesses.iter().map(|&number| run.time_to_open(number))));
    row(&format!("ms to recover, {names}"), &|run| times(illnesses.iter().map(|&number| run.time_to_recover(number))));
    row("times opened", &|run| run.openings().to_string());
    table
}

/// The counts of each phase of the script, for both sides.
pub(super) fn phases(bare: &Record, breaker: &Record) -> Table {
    let mut table = numbers(&[
        "phase",
        "bare\ngood",
        "\nfailed",
        "\nreached",
        "breaker\ngood",
        "\nfailed",
        "\nrejected",
        "\nreached",
    ]);
    for (number, phase) in bare.script.phases().iter().enumerate() {
        let (left, right) = (bare.phases[number], breaker.phases[number]);
        table.add_row([
            phase.mood.to_string(),
            left.good.to_string(),
            left.failed.to_string(),
            left.reached.to_string(),
            right.good.to_string(),
            right.failed.to_string(),
            right.rejected.to_string(),
            right.reached.to_string(),
        ]);
    }
    table
}

/// Why the breaker opened: each reason once for a phase, with its number.
pub(super) fn openings(breaker: &Record) -> Vec<String> {
    let mut reasons: Vec<(usize, &str, u32)> = Vec::new();
    for change in breaker.changes.iter().filter(|change| change.to == Gate::Open) {
        let phase = breaker.script.phase_at(change.at);
        match reasons.iter_mut().find(|(seen, why, _)| (*seen, *why) == (phase, change.why.as_str())) {
            Some((_, _, times)) => *times += 1,
            None => reasons.push((phase, &change.why, 1)),
        }
    }
    let moods = breaker.script.phases();
    reasons.into_iter().map(|(phase, why, times)| format!("{:8} {times:3} x  {why}", moods[phase].mood)).collect()
}

fn times(times: impl Iterator<Item = Option<Duration>>) -> String {
    let times: Vec<_> = times.collect();
    if times.iter().all(Option::is_none) {
        return NONE.into();
    }
    let tell = |time: &Option<Duration>| time.map_or(NONE.into(), |time| time.as_millis().to_string());
    times.iter().map(tell).collect::<Vec<_>>().join("/")
}
