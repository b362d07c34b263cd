//! How often each habit is in the files.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use crate::{
    habits::{HABITS, Habit},
    prose::{CODE, Word},
};

/// The uses in one file.
pub(crate) struct FileReport {
    file: PathBuf,
    words: usize,
    /// For each use: the habit's index, the line, and the words around.
    uses: Vec<(usize, usize, String)>,
}

impl FileReport {
    pub(crate) fn new(file: PathBuf, words: &[Word]) -> Self {
        let mut uses = Vec::new();
        for (index, habit) in HABITS.iter().enumerate() {
            uses.extend(habit.find(words).map(|at| (index, words[at].line, around(words, at))));
        }
        uses.sort_by_key(|(_, line, _)| *line);
        Self { file, words: words.iter().filter(|word| word.text != CODE).count(), uses }
    }
}

fn around(words: &[Word], at: usize) -> String {
    let texts = words[at.saturating_sub(3)..words.len().min(at + 4)].iter().map(|word| word.text.as_str());
    texts.collect::<Vec<_>>().join(" ")
}

/// Writes each use, the files with the most uses first.
pub(crate) fn list(reports: &mut [FileReport], to: &mut impl Write) -> io::Result<()> {
    reports.sort_by_key(|report| std::cmp::Reverse(report.uses.len()));
    for report in reports.iter().filter(|report| !report.uses.is_empty()) {
        writeln!(to, "{}: {} in {} words", report.file.display(), report.uses.len(), report.words)?;
        for (index, line, around) in &report.uses {
            writeln!(to, "  {}:{line}: {} ({around})", report.file.display(), HABITS[*index].name)?;
        }
    }
    Ok(())
}

/// Prints how often each habit is in all files, and returns whether each is within its limit.
pub(crate) fn summarize(reports: &[FileReport]) -> bool {
    let words: usize = reports.iter().map(|report| report.words).sum();
    println!("{words} words of comments and pages");
    let mut is_plain = true;
    for (index, habit) in HABITS.iter().enumerate() {
        let uses = reports.iter().flat_map(|report| &report.uses).filter(|(own, ..)| *own == index).count();
        let rate = rate(uses, words);
        let verdict = if is_within(habit, rate) { "" } else { ": too many" };
        println!(
            "{:8}{uses:6}, {rate:.2} in 1000 (at most {}; write {}){verdict}",
            habit.name, habit.limit, habit.instead
        );
        is_plain &= is_within(habit, rate);
    }
    is_plain
}

#[allow(clippy::cast_precision_loss, reason = "no project has 2^52 words")]
fn rate(uses: usize, words: usize) -> f64 {
    1000.0 * uses as f64 / words.max(1) as f64
}

fn is_within(habit: &Habit, rate: f64) -> bool {
    rate <= habit.limit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prose;

    #[test]
    fn a_report_has_the_lines_of_its_uses() {
        let words = prose::of_page("It waits.\nThe end of it, where\n`it` ends.");
        let report = FileReport::new(PathBuf::from("page.md"), &words);
        let lines: Vec<_> = report.uses.iter().map(|(index, line, _)| (HABITS[*index].name, *line)).collect();
        assert_eq!(report.words, 8);
        assert_eq!(lines, [("where", 2), ("of it", 2)]);
    }

    #[test]
    fn a_limit_of_zero_allows_nothing() {
        let plain = FileReport::new(PathBuf::new(), &prose::of_page("The caller waits."));
        let strange = FileReport::new(PathBuf::new(), &prose::of_page("Somebody waits."));
        assert!(summarize(&[plain]));
        assert!(!summarize(&[strange]));
    }
}
