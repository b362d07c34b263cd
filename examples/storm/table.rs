//! Tables of numbers, for 80 columns.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use hdrhistogram::Histogram;

/// Names in the first column, numbers in all others.
pub(crate) fn numbers(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// At 50, 99 and 99.9 percent.
pub(crate) fn quantiles(nanos: &Histogram<u64>, nanos_in_unit: f64, decimals: usize) -> String {
    if nanos.is_empty() {
        return NONE.into();
    }
    let at = |quantile| nanos.value_at_quantile(quantile) as f64 / nanos_in_unit;
    format!("{:.decimals$}/{:.decimals$}/{:.decimals$}", at(0.5), at(0.99), at(0.999))
}

pub(crate) const NONE: &str = "-";
