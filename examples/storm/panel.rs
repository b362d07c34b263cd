//! One run in the picture: how its calls ended, and how many requests the upstream saw.

use std::error::Error;

use plotters::prelude::{
    AreaSeries, ChartBuilder, Color, IntoFont, LineSeries, RGBColor, Rectangle, Text, TextStyle, WHITE,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::picture::Canvas;
use crate::record::{Counts, Record};

pub(crate) fn draw(area: &Canvas<'_>, run: &Record, title: &str, highest: f64) -> Result<(), Box<dyn Error>> {
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
    chart.draw_series(LineSeries::new(line(run, |counts| counts.reached), REACHED.stroke_width(2)))?;

    // Over the mesh, or one of its lines may cross the names out.
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

/// The most that any slice of the run saw, a second.
pub(crate) fn highest(run: &Record) -> f64 {
    line(run, |counts| counts.calls().max(counts.reached)).map(|(_, rate)| rate).fold(0.0, f64::max)
}

pub(crate) fn text(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

/// A rate over the run, one point in the middle of each slice.
fn line(run: &Record, count: impl Fn(&Counts) -> u64) -> impl Iterator<Item = (f64, f64)> {
    let width = run.slice().as_secs_f64();
    run.slices
        .iter()
        .enumerate()
        .map(move |(number, counts)| ((number as f64 + 0.5) * width, count(counts) as f64 / width))
}

pub(crate) const LEFT: u32 = 56;
pub(crate) const RIGHT: u32 = 20;
/// Room above the tallest slice for the names of the phases.
const HEADROOM: f64 = 1.2;

pub(crate) const GOOD: RGBColor = RGBColor(0x8c, 0xcf, 0xa8);
pub(crate) const FAILED: RGBColor = RGBColor(0xe0, 0x6c, 0x5f);
pub(crate) const REJECTED: RGBColor = RGBColor(0xc4, 0xc9, 0xd1);
pub(crate) const REACHED: RGBColor = RGBColor(0x1d, 0x35, 0x57);
pub(crate) const SICK: RGBColor = RGBColor(0xfd, 0xec, 0xd2);
const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
