//! The table of the second act, for 80 columns.

use comfy_table::Table;

use super::CAPACITY;
use super::load::Guard;
use super::tally::Tally;
use crate::report::numbers;

pub(super) fn table(sides: &[(Guard, Tally)]) -> Table {
    let names: Vec<String> = sides.iter().map(|(guard, _)| guard.to_string()).collect();
    let header: Vec<&str> = ["ten times the capacity"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let mut table = numbers(&header);
    let mut row = |name: &str, tell: &dyn Fn(&Tally) -> String| {
        table.add_row([name.to_owned()].into_iter().chain(sides.iter().map(|(_, tally)| tell(tally))));
    };
    row("calls offered", &|side| side.offered().to_string());
    row("good answers/s", &|side| format!("{:.0}", side.goodput()));
    row("  percent of the capacity", &|side| format!("{:.0}", 100.0 * side.goodput() / f64::from(CAPACITY)));
    row("failed", &|side| side.failed.to_string());
    row("rejected", &|side| side.rejected.to_string());
    row("reached the upstream", &|side| side.reached.to_string());
    row("answers that were dead", &|side| side.dead.to_string());
    row("latency of good ones, p50/p99, ms", &|side| {
        let at = |quantile| side.latency.value_at_quantile(quantile) as f64 / 1e3;
        if side.latency.is_empty() { "-".into() } else { format!("{:.0}/{:.0}", at(0.5), at(0.99)) }
    });
    table
}
