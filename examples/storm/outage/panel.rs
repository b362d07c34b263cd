//! One contender in the picture.

use std::error::Error;
use std::time::Duration;

use plotters::prelude::{AreaSeries, ChartBuilder, Color, IntoFont, LineSeries, Rectangle, WHITE};

use super::OFFERED;
use super::record::Record;
use crate::paint::{Canvas, FAILED, GOOD, LINE, SICK, text};

pub(super) fn draw(area: &Canvas<'_>, run: &Record, title: &str) -> Result<(), Box<dyn Error>> {
    let (end, highest) = (run.script.end.as_secs_f64(), HIGHEST * f64::from(OFFERED));
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15).into_font())
        .margin_right(14)
        .margin_bottom(6)
        .x_label_area_size(40)
        .y_label_area_size(LEFT)
        .build_cartesian_2d(0.0..end, 0.0..highest)?;
    let (from, until) = (run.script.outage.start.as_secs_f64(), run.script.outage.end.as_secs_f64());
    chart.draw_series([Rectangle::new([(from, 0.0), (until, highest)], SICK.filled())])?;
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
    let good = rates(&run.good, run.script.end);
    let ended =
        rates(&run.failed, run.script.end).zip(good.clone()).map(|((at, failed), (_, good))| (at, failed + good));
    chart.draw_series(AreaSeries::new(ended, 0.0, FAILED.filled()))?;
    chart.draw_series(AreaSeries::new(good, 0.0, GOOD.filled()))?;
    chart.draw_series(LineSeries::new(rates(&run.reached, run.script.end), LINE.stroke_width(2)))?;
    Ok(())
}

/// How many a second, one point in the middle of each slice.
fn rates(times: &[Duration], end: Duration) -> impl Iterator<Item = (f64, f64)> + Clone + use<> {
    let width = end.as_secs_f64() / SLICES as f64;
    let mut slices = [0_u32; SLICES];
    for at in times {
        if let Some(count) = slices.get_mut((at.as_secs_f64() / width) as usize) {
            *count += 1;
        }
    }
    slices.into_iter().enumerate().map(move |(number, count)| ((number as f64 + 0.5) * width, f64::from(count) / width))
}

pub(super) const LEFT: u32 = 48;
const SLICES: usize = 50;
/// Three attempts for each call, and some room.
const HIGHEST: f64 = 3.5;
