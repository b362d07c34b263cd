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
            |cell: &str| cell.is_empty() || cell.starts_with(|c: char| c.is_ascii_digit() || "-~<>".contains(c));
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

/// A ratio, and whether it keeps what was promised.
#[derive(Debug)]
pub struct Verdict {
    scenario: &'static str,
    contender: String,
    to: String,
    ratio: Option<f64>,
    limit: Option<f64>,
    at_least: bool,
}

impl Verdict {
    /// A cost, which must not exceed the limit.
    #[must_use]
    pub fn at_most(scenario: &'static str, contender: &str, to: &str, ratio: Option<f64>, limit: Option<f64>) -> Self {
        Self { scenario, contender: contender.into(), to: to.into(), ratio, limit, at_least: false }
    }

    /// A throughput, which must reach the limit.
    #[must_use]
    pub fn at_least(scenario: &'static str, contender: &str, to: &str, ratio: Option<f64>, limit: Option<f64>) -> Self {
        Self { at_least: true, ..Self::at_most(scenario, contender, to, ratio, limit) }
    }

    /// The ratio, the limit, and the verdict.
    #[must_use]
    pub fn cells(&self) -> [String; 3] {
        let sign = if self.at_least { ">=" } else { "<=" };
        let limit = self.limit.map_or_else(String::new, |limit| format!("{sign} {limit:.2}"));
        let word = match (self.ratio, self.limit) {
            (_, None) => "",
            (None, _) => "not measured",
            (Some(ratio), Some(limit)) if self.at_least && ratio >= limit => "met",
            (Some(ratio), Some(limit)) if !self.at_least && ratio <= limit => "met",
            _ => "not met",
        };
        [self.ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.3}")), limit, word.into()]
    }

    /// All that was promised, in one table.
    pub fn print(verdicts: &[Self]) {
        let mut table = Table::new(["contender", "scenario", "ratio", "to", "target", ""]);
        for verdict in verdicts.iter().filter(|verdict| verdict.limit.is_some()) {
            let [ratio, limit, word] = verdict.cells();
            table.row([verdict.contender.clone(), verdict.scenario.into(), ratio, verdict.to.clone(), limit, word]);
        }
        table.print("what was promised");
    }
}
