//! The table of the second act.

use comfy_table::Table;

use super::tally::Tally;
use crate::table::{numbers, quantiles};

pub(super) fn table(sides: &[(&str, Tally)]) -> Table {
    // All sides have the same number.
    let offered = sides.first().map_or(0, |(_, side)| side.offered());
    let mut table = numbers(&[
        &format!("{offered} calls\noffered"),
        "\ngood/s",
        "\n%",
        "\nfailed",
        "\nrejected",
        "\nreached",
        "\ndead",
        "good, ms at\n50/99/99.9%",
    ]);
    for (name, side) in sides {
        table.add_row([
            (*name).to_owned(),
            format!("{:.0}", side.goodput()),
            format!("{:.0}", side.percent_of_capacity()),
            side.failed.to_string(),
            side.rejected.to_string(),
            side.reached.to_string(),
            side.dead.to_string(),
            quantiles(&side.latency, 1e6, 0),
        ]);
    }
    table
}
