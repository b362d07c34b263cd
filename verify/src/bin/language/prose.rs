//! The words of comments and pages, without code.

/// A word of prose.
#[derive(Debug, PartialEq)]
pub(crate) struct Word {
    /// In lower case. A piece of code is [`CODE`].
    pub(crate) text: String,
    pub(crate) line: usize,
    /// Whether a punctuation mark or the end of a paragraph follows.
    pub(crate) ends: bool,
}

/// Stands for a piece of code in a sentence.
pub(crate) const CODE: &str = "`";

/// Returns the words of a Markdown page.
pub(crate) fn of_page(text: &str) -> Vec<Word> {
    words(text.lines())
}

/// Returns the words of a Rust file's comments.
pub(crate) fn of_comments(text: &str) -> Vec<Word> {
    words(text.lines().map(comment))
}

/// Returns the comment of a line, or an empty text.
fn comment(line: &str) -> &str {
    if let Some(comment) = line.trim_start().strip_prefix("//") {
        return comment.trim_start_matches(['/', '!']);
    }
    let is_outside_strings = |at: &usize| line[..*at].matches('"').count() % 2 == 0;
    line.find(" // ").filter(is_outside_strings).map_or("", |at| &line[at + 4..])
}

fn words<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Word> {
    let mut words = Words::default();
    let mut is_block = false;
    for (line, text) in (1..).zip(lines) {
        let is_fence = text.trim_start().starts_with("```");
        if is_fence || is_block || text.trim().is_empty() {
            words.end();
            // A comment that ends inside a block of code ends the block.
            is_block = if is_fence { !is_block } else { is_block && !text.is_empty() };
        } else {
            words.line(line, text);
        }
    }
    words.end();
    words.found
}

#[derive(Default)]
struct Words {
    found: Vec<Word>,
    is_code: bool,
}

impl Words {
    fn line(&mut self, line: usize, text: &str) {
        if text.trim_start().starts_with(['-', '*', '#', '|']) {
            self.end();
        }
        for (index, part) in text.split('`').enumerate() {
            if index > 0 {
                self.is_code = !self.is_code;
                if self.is_code {
                    self.push(line, CODE);
                }
            }
            if !self.is_code {
                self.prose(line, &without_targets(part));
            }
        }
    }

    fn prose(&mut self, line: usize, text: &str) {
        for piece in text.split_inclusive(|character: char| !is_of_word(character)) {
            let word = piece.trim_end_matches(|character: char| !is_of_word(character));
            if !word.is_empty() {
                self.push(line, word);
            }
            if piece.ends_with(['.', ',', ';', ':', '!', '?', '(', ')', '|']) {
                self.mark();
            }
        }
    }

    fn push(&mut self, line: usize, word: &str) {
        self.found.push(Word { text: word.to_lowercase(), line, ends: false });
    }

    fn mark(&mut self) {
        if let Some(last) = self.found.last_mut() {
            last.ends = true;
        }
    }

    fn end(&mut self) {
        self.is_code = false;
        self.mark();
    }
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || ['\'', '-', '_'].contains(&character)
}

/// Removes the targets of links.
fn without_targets(text: &str) -> String {
    let mut parts = text.split("](");
    let mut kept = parts.next().unwrap_or("").to_owned();
    for part in parts {
        kept.push(']');
        kept.push_str(part.split_once(')').map_or("", |(_, rest)| rest));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(words: &[Word]) -> Vec<&str> {
        words.iter().map(|word| word.text.as_str()).collect()
    }

    #[test]
    fn code_is_no_prose() {
        let page = "One `call of\nit` is [made](of/them.md).\n\n```rust\nlet one = 1;\n```\nIt ends.";
        let words = of_page(page);
        assert_eq!(texts(&words), ["one", CODE, "is", "made", "it", "ends"]);
        assert_eq!(words.iter().map(|word| word.line).collect::<Vec<_>>(), [1, 1, 2, 2, 7, 7]);
        assert_eq!(words.iter().filter(|word| word.ends).count(), 2);
    }

    #[test]
    fn only_comments_of_a_rust_file_count() {
        let file =
            "/// Says why.\nlet url = \"http:// where\"; // The callee.\n//! ```\n//! where\nfn nobody() {}\n// Yes";
        assert_eq!(texts(&of_comments(file)), ["says", "why", "the", "callee", "yes"]);
    }
}
