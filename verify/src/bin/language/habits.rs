//! Habits that make a sentence hard to read.

use crate::prose::Word;

/// A habit, and how often the project may have it.
pub(crate) struct Habit {
    pub(crate) name: &'static str,
    /// What to write instead.
    pub(crate) instead: &'static str,
    /// The most uses in 1,000 words.
    pub(crate) limit: f64,
    begins: fn(&[Word]) -> bool,
}

impl Habit {
    /// Returns where in `words` the habit is.
    pub(crate) fn find<'a>(&self, words: &'a [Word]) -> impl Iterator<Item = usize> + 'a {
        let begins = self.begins;
        (0..words.len()).filter(move |at| begins(&words[*at..]))
    }
}

pub(crate) const HABITS: [Habit; 4] = [
    Habit { name: "one", instead: "the noun", limit: 3.0, begins: is_pronoun },
    Habit { name: "where", instead: "if, when", limit: 2.0, begins: |words| is(words, &["where"]) },
    Habit {
        name: "nobody",
        instead: "the actor: the caller, the thread",
        limit: 0.0,
        begins: |words| is(words, &["nobody", "somebody", "someone", "whoever", "anybody"]),
    },
    Habit { name: "of it", instead: "its, their, the noun", limit: 0.5, begins: is_possession },
];

fn is(words: &[Word], wanted: &[&str]) -> bool {
    words.first().is_some_and(|word| wanted.contains(&word.text.as_str()))
}

/// "of it" and "of them", inside a sentence or at its end.
fn is_possession(words: &[Word]) -> bool {
    is(words, &["of"]) && !words[0].ends && is(&words[1..], &["it", "them"])
}

/// "one" without its noun: as "one that waits", or at the end of a sentence. "One of the two" and "one call" are numbers.
fn is_pronoun(words: &[Word]) -> bool {
    if is(words, &["ones", "one's"]) {
        return true;
    }
    let is_number = is(words.get(1..).unwrap_or(&[]), &["or"]) && is(words.get(2..).unwrap_or(&[]), &["more", "two"]);
    is(words, &["one"]) && !is_number && (words[0].ends || is(&words[1..], NOT_A_NOUN))
}

#[rustfmt::skip]
const NOT_A_NOUN: &[&str] = &[
    "a", "after", "also", "and", "are", "as", "at", "before", "but", "by", "can", "cannot", "could", "did", "do", "does", "for", "from",
    "goes", "had", "has", "have", "if", "in", "inside", "is", "it", "may", "might", "must", "nor", "not", "on", "or", "should", "so",
    "than", "that", "the", "then", "they", "to", "too", "was", "were", "when", "where", "which", "while", "who", "whose", "will", "with",
    "without", "would",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prose;

    fn count(name: &str, text: &str) -> usize {
        let habit = HABITS.iter().find(|habit| habit.name == name).expect("the habit has this name");
        habit.find(&prose::of_page(text)).count()
    }

    #[test]
    fn a_pronoun_has_no_noun() {
        assert_eq!(count("one", "A call, or one that waits. The last one, then the first ones. No one."), 4);
        assert_eq!(count("one", "One call has one of two permits, one or more, `one` and one `Pass`."), 0);
    }

    #[test]
    fn a_possession_may_be_on_two_lines() {
        assert_eq!(count("of it", "The length of\nit. A part of them."), 2);
        assert_eq!(count("of it", "Of its length. What it is made of: it, and them. `of it`"), 0);
    }

    #[test]
    fn an_actor_has_a_name() {
        assert_eq!(count("nobody", "Nobody waits, where the caller knows whoever calls."), 2);
        assert_eq!(count("where", "Nobody waits, where the caller knows whoever calls."), 1);
    }
}
