//! One side in the picture.

use std::error::Error;

use plotters::prelude::{AreaSeries, ChartBuilder, Color, IntoFont, LineSeries, WHITE};

use super::CAPACITY;
use super::tally::{Slice, Tally};
use crate::paint::{Canvas, FAILED, GOOD, LINE, text};

pub(super) fn draw(area: &Canvas<'_>, side: &Tally, title: &str) -> Result<(), Box<dyn Error>> {
    let (end, capacity) = (side.time.as_secs_f64(), f64::from(CAPACITY));
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15).into_font())
        .margin_right(14)
        .margin_bottom(6)
        .x_label_area_size(40)
        .y_label_area_size(LEFT)
        .build_cartesian_2d(0.0..end, 0.0..capacity * HEADROOM)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE.mix(0.0))
        .x_labels(5)
        .y_labels(5)
        .x_label_formatter(&|second| format!("{second:.1}").trim_end_matches(".0").to_owned())
        .y_label_formatter(&|rate| format!("{rate:.0}"))
        .x_desc("seconds")
        .label_style(text(13))
        .axis_desc_style(text(13))
        .draw()?;
    // Stacked by painting the taller first.
    chart.draw_series(AreaSeries::new(line(side, |slice| slice.good + slice.dead), 0.0, FAILED.filled()))?;
    chart.draw_series(AreaSeries::new(line(side, |slice| slice.good), 0.0, GOOD.filled()))?;
    chart.draw_series(LineSeries::new([(0.0, capacity), (end, capacity)], LINE.stroke_width(2)))?;
    Ok(())
}

/// A rate over the run, level in each slice.
fn line(side: &Tally, count: impl Fn(&Slice) -> u64) -> impl Iterator<Item = (f64, f64)> {
    let width = side.time.as_secs_f64() / side.slices.len() as f64;
    side.slices
        .iter()
        .enumerate()
        .map(move |(number, slice)| (number as f64 * width, count(slice) as f64 / width))
        .flat_map(move |(from, rate)| [(from, rate), (from + width, rate)])
}

pub(super) const LEFT: u32 = 48;
/// Slices differ by a few answers.
const HEADROOM: f64 = 1.3;
