//! The picture: both runs under each other on one time axis, and the breaker's state as a band below.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use plotters::prelude::{ChartBuilder, Color, PathElement, RGBColor, Rectangle, Text};

use super::panel::{self, LEFT, RIGHT};
use super::record::{Gate, Record};
use crate::paint::{self, Canvas, text};

pub(super) fn draw(path: &Path, bare: &Record, breaker: &Record) -> Result<(), Box<dyn Error>> {
    paint::write(path, SIZE, |canvas| paint(canvas, bare, breaker))
}

fn paint(canvas: &Canvas<'_>, bare: &Record, breaker: &Record) -> Result<(), Box<dyn Error>> {
    let (head, rest) = canvas.split_vertically(HEAD);
    let (top, rest) = rest.split_vertically(PANEL);
    let (bottom, band) = rest.split_vertically(PANEL);

    legend(&head)?;
    let highest = panel::highest(bare).max(panel::highest(breaker));
    let reached = |run: &Record| format!("{} calls reached the sick upstream", run.sick().reached);
    panel::draw(&top, bare, &format!("bare: {}", reached(bare)), highest)?;
    panel::draw(&bottom, breaker, &format!("with the breaker: {}", reached(breaker)), highest)?;
    states(&band, breaker)
}

/// Two lines of swatches: what the areas are, and what the band is.
fn legend(area: &Canvas<'_>) -> Result<(), Box<dyn Error>> {
    let row = |y: i32, title: &'static str, swatches: &[(&'static str, RGBColor)]| {
        area.draw(&Text::new(title, (LEFT as i32, y - 7), text(14)))?;
        for (column, &(name, colour)) in swatches.iter().enumerate() {
            let x = LEFT as i32 + 140 + column as i32 * 120;
            area.draw(&Rectangle::new([(x, y - 6), (x + 16, y + 6)], colour.filled()))?;
            area.draw(&Text::new(name, (x + 22, y - 7), text(14)))?;
        }
        Ok::<_, Box<dyn Error>>(())
    };
    row(18, "answers a second", &[("good", paint::GOOD), ("failed", paint::FAILED), ("rejected", paint::REJECTED)])?;
    row(40, "breaker's state", &[("closed", CLOSED), ("half-open", HALF_OPEN), ("open", OPEN)])?;
    let x = LEFT as i32 + 500;
    area.draw(&PathElement::new([(x, 18), (x + 24, 18)], paint::LINE.stroke_width(2)))?;
    area.draw(&Text::new("requests a second at the upstream", (x + 30, 11), text(14)))?;
    area.draw(&Rectangle::new([(x, 34), (x + 24, 46)], paint::SICK.filled()))?;
    area.draw(&Text::new("the upstream is sick", (x + 30, 33), text(14)))?;
    Ok(())
}

/// The breaker's state over the same time as the panels above, with the axis of all three.
fn states(area: &Canvas<'_>, run: &Record) -> Result<(), Box<dyn Error>> {
    let end = run.script.length().as_secs_f64();
    let mut chart = ChartBuilder::on(area)
        .margin_right(RIGHT)
        .x_label_area_size(SIZE.1 as i32 - HEAD - 2 * PANEL - STATES)
        .y_label_area_size(LEFT)
        .build_cartesian_2d(0.0..end, 0.0..1.0)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .y_labels(0)
        .x_labels(11)
        .x_label_formatter(&|second| format!("{second:.1}").trim_end_matches(".0").to_owned())
        .x_desc("seconds into the run")
        .label_style(text(14))
        .axis_desc_style(text(14))
        .draw()?;
    area.draw(&Text::new("state", (8, STATES / 2 - 8), text(14)))?;
    let mut spans = spans(run);
    // Brief spans last, and never too narrow to see.
    spans.sort_by_key(|span| span.gate == Gate::HalfOpen);
    chart.draw_series(spans.iter().map(|span| {
        let (colour, least) = match span.gate {
            Gate::Closed => (CLOSED, 0.0),
            Gate::Open => (OPEN, 0.0),
            Gate::HalfOpen => (HALF_OPEN, end / 300.0),
        };
        let (from, until) = (span.from.as_secs_f64(), span.until.as_secs_f64());
        Rectangle::new([(from, 0.0), (until.max(from + least).min(end), 1.0)], colour.filled())
    }))?;
    Ok(())
}

struct Span {
    gate: Gate,
    from: Duration,
    until: Duration,
}

fn spans(run: &Record) -> Vec<Span> {
    let mut spans = vec![Span { gate: Gate::Closed, from: Duration::ZERO, until: run.script.length() }];
    for change in &run.changes {
        let last = spans.last_mut().expect("a run has a span from the start");
        last.until = change.at;
        spans.push(Span { gate: change.to, from: change.at, until: run.script.length() });
    }
    spans
}

const SIZE: (u32, u32) = (900, 600);
const HEAD: i32 = 56;
const PANEL: i32 = 234;
const STATES: i32 = 34;

const CLOSED: RGBColor = RGBColor(0x4c, 0xa9, 0x7a);
const HALF_OPEN: RGBColor = RGBColor(0xf2, 0xb1, 0x34);
const OPEN: RGBColor = RGBColor(0xb2, 0x2b, 0x3a);
