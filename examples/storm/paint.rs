//! What the pictures share.

use std::error::Error;
use std::fs;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, IntoDrawingArea, IntoFont, RGBColor, SVGBackend, TextStyle, WHITE};

pub(crate) type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Writes what `paint` draws, as an SVG.
pub(crate) fn write(
    path: &Path,
    size: (u32, u32),
    paint: impl FnOnce(&Canvas<'_>) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut svg = String::new();
    let canvas = SVGBackend::with_string(&mut svg, size).into_drawing_area();
    canvas.fill(&WHITE)?;
    paint(&canvas)?;
    canvas.present()?;
    drop(canvas);
    let cannot = |error| format!("cannot write {}: {error}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(cannot)?;
    }
    Ok(fs::write(path, svg).map_err(cannot)?)
}

pub(crate) fn text(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

pub(crate) const GOOD: RGBColor = RGBColor(0x8c, 0xcf, 0xa8);
pub(crate) const FAILED: RGBColor = RGBColor(0xe0, 0x6c, 0x5f);
pub(crate) const REJECTED: RGBColor = RGBColor(0xc4, 0xc9, 0xd1);
/// The colour behind the areas while an upstream is sick.
pub(crate) const SICK: RGBColor = RGBColor(0xfd, 0xec, 0xd2);
/// The colour of lines over the areas.
pub(crate) const LINE: RGBColor = RGBColor(0x1d, 0x35, 0x57);
const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
