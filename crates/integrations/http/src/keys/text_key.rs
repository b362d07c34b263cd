use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    num::NonZeroU64,
};

/// A text of any length as a key of eight bytes, or that there was none.
///
/// It is a hash with a secret of its maker's: so a long text costs no memory, what is a password stays in none, and nobody
/// can choose texts that fall together. Any two do so with a probability of 2⁻⁶⁴, and then share a limit; among 100,000
/// keys there are two such in one of 3,000,000,000 processes.
///
/// Keys can be compared if the same maker made them, or a clone of it; not across processes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TextKey(Option<NonZeroU64>);

impl TextKey {
    /// The key of all requests that have no text. Compare with it to give those a quota of their own.
    pub const ABSENT: Self = Self(None);
}

/// Makes keys; clones make the same.
#[derive(Clone)]
pub(super) struct Maker(RandomState);

impl Maker {
    pub(super) fn new() -> Self {
        Self(RandomState::new())
    }

    pub(super) fn make(&self, text: &[u8]) -> TextKey {
        TextKey(Some(NonZeroU64::new(self.0.hash_one(text)).unwrap_or(NonZeroU64::MIN)))
    }
}

// By hand, so that no two texts can be seen to be near each other, and nothing of the secret.
impl fmt::Debug for TextKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(hash) => write!(f, "TextKey({hash:016x})"),
            None => f.write_str("TextKey(absent)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_small_and_the_same_for_the_same_text() {
        let maker = Maker::new();
        let long = vec![b'x'; 10_000];
        assert_eq!(size_of::<TextKey>(), 8);
        assert_eq!(maker.make(&long), maker.clone().make(&long));
        assert_ne!(maker.make(&long), maker.make(&long[1..]));
        assert_ne!(maker.make(b""), TextKey::ABSENT);
    }

    #[test]
    fn each_maker_has_a_secret_of_its_own() {
        assert_ne!(Maker::new().make(b"a"), Maker::new().make(b"a"));
    }

    #[test]
    fn it_shows_nothing_of_the_text() {
        let shown = format!("{:?} {:?}", Maker::new().make(b"secret"), TextKey::ABSENT);
        assert!(!shown.contains("secret") && shown.ends_with("TextKey(absent)"), "{shown}");
        assert_eq!(shown.len(), "TextKey(0123456789abcdef) TextKey(absent)".len());
    }
}
