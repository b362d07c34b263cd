//! One run in the picture: how its calls ended, and how many requests the upstream saw.

use std::error::Error;

use plotters::prelude::{AreaSeries, ChartBuilder, Color, LineSeries, Rectangle, Text, WHITE};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::record::{Counts, Record};
use crate::paint::{Canvas, FAILED, GOOD, LINE, REJECTED, SICK, text};

pub(super) fn draw(area: &Canvas<'_>, run: &Record, title: &str, highest: f64) -> Result<(), Box<dyn Error>> {
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 17))
        .margin_right(RIGHT)
        .margin_bottom(8)
        .y_label_area_size(LEFT)
        .build_cartesian_2d(0.0..run.script.length().as_secs_f64(), 0.0..highest * HEADROOM)?;

    let sick = || run.script.illnesses().map(|number| run.script.phases()[number]);
    chart.draw_series(sick().map(|phase| {
        let (from, until) = (phase.from.as_secs_f64(), phase.until.as_secs_f64());
        Rectangle::new([(from, 0.0), (until, highest * HEADROOM)], SICK.filled())
    }))?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .disable_x_axis()
        .light_line_style(WHITE.mix(0.0))
        .y_labels(5)
        .y_label_formatter(&|rate| format!("{rate:.0}"))
        .label_style(text(14))
        .draw()?;

    // Stacked by painting the tallest first.
    chart.draw_series(AreaSeries::new(line(run, Counts::calls), 0.0, REJECTED.filled()))?;
    chart.draw_series(AreaSeries::new(line(run, |counts| counts.good + counts.failed), 0.0, FAILED.filled()))?;
    chart.draw_series(AreaSeries::new(line(run, |counts| counts.good), 0.0, GOOD.filled()))?;
    chart.draw_series(LineSeries::new(line(run, |counts| counts.reached), LINE.stroke_width(2)))?;

    // Over the mesh, because its lines could cross the names out.
    let top = highest * HEADROOM;
    chart.draw_series(sick().map(|phase| {
        let (from, until) = (phase.from.as_secs_f64(), phase.until.as_secs_f64());
        Rectangle::new([(from, top * 0.9), (until, top)], SICK.filled())
    }))?;
    let centred = text(15).pos(Pos::new(HPos::Center, VPos::Top));
    chart.draw_series(sick().map(|phase| {
        let middle = (phase.from + phase.until).as_secs_f64() / 2.0;
        Text::new(phase.mood.to_string(), (middle, top * 0.985), centred.clone())
    }))?;
    Ok(())
}

/// The highest rate of all slices of the run, a second.
pub(super) fn highest(run: &Record) -> f64 {
    line(run, |counts| counts.calls().max(counts.reached)).map(|(_, rate)| rate).fold(0.0, f64::max)
}

/// A rate over the run, one point in the middle of each slice.
fn line(run: &Record, count: impl Fn(&Counts) -> u64) -> impl Iterator<Item = (f64, f64)> {
    let width = run.slice().as_secs_f64();
    run.slices
        .iter()
        .enumerate()
        .map(move |(number, counts)| ((number as f64 + 0.5) * width, count(counts) as f64 / width))
}

pub(super) const LEFT: u32 = 56;
pub(super) const RIGHT: u32 = 20;
/// Room above the tallest slice for the names of the phases.
const HEADROOM: f64 = 1.2;
