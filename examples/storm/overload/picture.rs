//! The picture: the use of the upstream's work, in a panel for each side.

use std::error::Error;
use std::path::Path;

use plotters::prelude::{Color, PathElement, RGBColor, Rectangle, Text};

use super::panel::{self, LEFT};
use super::tally::Tally;
use crate::paint::{self, Canvas, FAILED, GOOD, LINE, text};

pub(super) fn draw(path: &Path, sides: &[(&str, Tally)]) -> Result<(), Box<dyn Error>> {
    paint::write(path, SIZE, |canvas| {
        let (head, rest) = canvas.split_vertically(HEAD);
        legend(&head)?;
        let panels = rest.split_evenly((sides.len().div_ceil(COLUMNS), COLUMNS));
        for (area, (name, tally)) in panels.iter().zip(sides) {
            let title = format!("{name}: {:.0} % of the capacity", tally.percent_of_capacity());
            panel::draw(area, tally, &title)?;
        }
        Ok(())
    })
}

fn legend(area: &Canvas<'_>) -> Result<(), Box<dyn Error>> {
    let left = LEFT as i32;
    let swatch = |x: i32, y: i32, name: &'static str, colour: RGBColor| {
        area.draw(&Rectangle::new([(x, y - 6), (x + 16, y + 6)], colour.filled()))?;
        area.draw(&Text::new(name, (x + 22, y - 7), text(14)))
    };
    area.draw(&Text::new("answers a second", (left, 11), text(14)))?;
    swatch(left + 140, 18, "good: in time", GOOD)?;
    swatch(left + 280, 18, "dead: no client waited for them any more", FAILED)?;
    area.draw(&PathElement::new([(left + 560, 18), (left + 584, 18)], LINE.stroke_width(2)))?;
    area.draw(&Text::new("the upstream's capacity", (left + 590, 11), text(14)))?;
    let offered = "the load is ten times as high, 2000 a second; a client gives up after 200 ms";
    area.draw(&Text::new(offered, (left, 33), text(14)))?;
    Ok(())
}

const SIZE: (u32, u32) = (900, 540);
const HEAD: i32 = 60;
const COLUMNS: usize = 3;
