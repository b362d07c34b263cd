//! Tables in aligned columns.

/// Rows of text under a head; columns of numbers to the right, the others to the left.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    #[must_use]
    pub fn new<const N: usize>(head: [&str; N]) -> Self {
        Self { rows: vec![head.map(String::from).into()] }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// Prints it, and an empty line after it.
    pub fn print(&self, title: &str) {
        println!("{title}");
        let columns: Vec<(usize, bool)> = (0..self.rows[0].len()).map(|index| self.column(index)).collect();
        for row in &self.rows {
            let cells = row.iter().zip(&columns).map(|(cell, &(width, number))| {
                if number { format!("  {cell:>width$}") } else { format!("  {cell:<width$}") }
            });
            println!("{}", cells.collect::<String>().trim_end());
        }
        println!();
    }

    /// How wide a column is, and whether it is one of numbers.
    fn column(&self, index: usize) -> (usize, bool) {
        let cells = || self.rows.iter().map(|row| row[index].as_str());
        let number =
            |cell: &str| cell.is_empty() || cell.starts_with(|c: char| c.is_ascii_digit() || "+-~<>".contains(c));
        (cells().map(|cell| cell.chars().count()).max().unwrap_or(0), cells().skip(1).all(number))
    }
}

/// Nanoseconds, with as many digits as mean something.
#[must_use]
pub fn ns(value: f64) -> String {
    match value {
        v if v < 10.0 => format!("{v:.2}"),
        v if v < 100.0 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

/// A figure, and whether it keeps what was promised.
#[derive(Debug)]
pub struct Verdict {
    scenario: &'static str,
    contender: String,
    to: String,
    figure: Option<f64>,
    promise: Promise,
}

/// What was promised of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Promise {
    /// Nothing; the figure is a ratio.
    None,
    /// A ratio of costs, which must not exceed this.
    AtMost(f64),
    /// A throughput, which must reach this.
    AtLeast(f64),
    /// A difference of costs in that unit, which must not exceed this.
    AtMostOver(f64, &'static str),
}

impl Verdict {
    /// The verdict on what a contender's figure is beside `to`.
    #[must_use]
    pub fn new(scenario: &'static str, contender: &str, to: &str, figure: Option<f64>, promise: Promise) -> Self {
        Self { scenario, contender: contender.into(), to: to.into(), figure, promise }
    }

    /// Whom the contender is compared with.
    #[must_use]
    pub fn to(&self) -> &str {
        &self.to
    }

    /// The figure, the limit, and the verdict.
    #[must_use]
    pub fn cells(&self) -> [String; 3] {
        let figure = match (self.figure, self.promise) {
            (None, _) => "-".into(),
            (Some(figure), Promise::AtMostOver(_, unit)) => format!("{figure:+.2} {unit}"),
            (Some(figure), _) => format!("{figure:.3}"),
        };
        let (limit, kept) = match self.promise {
            Promise::None => return [figure, String::new(), String::new()],
            Promise::AtMost(limit) => (format!("<= {limit:.2}"), self.figure.map(|figure| figure <= limit)),
            Promise::AtLeast(limit) => (format!(">= {limit:.2}"), self.figure.map(|figure| figure >= limit)),
            Promise::AtMostOver(limit, unit) => {
                (format!("<= {limit:+.2} {unit}"), self.figure.map(|figure| figure <= limit))
            }
        };
        let word = kept.map_or("not measured", |kept| if kept { "met" } else { "not met" });
        [figure, limit, word.into()]
    }

    /// All that was promised, in one table.
    pub fn print(verdicts: &[Self]) {
        let mut table = Table::new(["contender", "scenario", "ratio", "to", "target", ""]);
        for verdict in verdicts.iter().filter(|verdict| verdict.promise != Promise::None) {
            let [figure, limit, word] = verdict.cells();
            table.row([verdict.contender.clone(), verdict.scenario.into(), figure, verdict.to.clone(), limit, word]);
        }
        table.print("what was promised");
    }
}
