//! The table of the third act.

use comfy_table::Table;

use super::record::Record;
use crate::table::numbers;

pub(super) fn table(runs: &[(&str, Record)]) -> Table {
    let mut table = numbers(&[
        "",
        "in outage\ncalls",
        "\nattempts",
        "\nratio",
        "good/s\nbefore",
        "\nat the end",
        "back\nafter ms",
        "after it\ndead",
    ]);
    for (name, run) in runs {
        let (calls, attempts) = run.outage();
        let never = || format!("not in {}", (run.script.end - run.script.outage.end).as_millis());
        table.add_row([
            (*name).to_owned(),
            calls.to_string(),
            attempts.to_string(),
            format!("{:.2}", run.amplification()),
            format!("{:.0}", run.goodput(run.script.before())),
            format!("{:.0}", run.goodput(run.script.at_the_end())),
            run.back().map_or_else(never, |time| time.as_millis().to_string()),
            run.dead_after_outage().to_string(),
        ]);
    }
    table
}
