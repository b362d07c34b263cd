//! The picture: how calls ended, and the number of attempts, in a panel for each contender.

use std::error::Error;
use std::path::Path;

use plotters::prelude::{Color, PathElement, RGBColor, Rectangle, Text};

use super::CAPACITY;
use super::panel::{self, LEFT};
use super::record::Record;
use crate::paint::{self, Canvas, FAILED, GOOD, LINE, SICK, text};

pub(super) fn draw(path: &Path, runs: &[(&str, Record)]) -> Result<(), Box<dyn Error>> {
    paint::write(path, SIZE, |canvas| {
        let (head, rest) = canvas.split_vertically(HEAD);
        legend(&head)?;
        for (area, (name, run)) in rest.split_evenly((1, runs.len())).iter().zip(runs) {
            panel::draw(area, run, &format!("{name}: {:.2} attempts a call", run.amplification()))?;
        }
        Ok(())
    })
}

fn legend(area: &Canvas<'_>) -> Result<(), Box<dyn Error>> {
    let left = LEFT as i32;
    let swatch = |x: i32, name: &'static str, colour: RGBColor| {
        area.draw(&Rectangle::new([(x, 12), (x + 16, 24)], colour.filled()))?;
        area.draw(&Text::new(name, (x + 22, 11), text(14)))
    };
    area.draw(&Text::new("calls a second", (left, 11), text(14)))?;
    swatch(left + 120, "good", GOOD)?;
    swatch(left + 200, "failed", FAILED)?;
    swatch(left + 290, "the upstream is sick", SICK)?;
    area.draw(&PathElement::new([(left + 460, 18), (left + 484, 18)], LINE.stroke_width(2)))?;
    let attempts = format!("attempts a second at the upstream, which can answer {CAPACITY}");
    area.draw(&Text::new(attempts, (left + 490, 11), text(14)))?;
    Ok(())
}

const SIZE: (u32, u32) = (900, 320);
const HEAD: i32 = 36;
