use std::{
    any,
    cell::Cell,
    hash::{Hash, Hasher},
    mem,
};

use super::Meaning;

/// A moment on this thread, taken before a call is polled.
///
/// A policy that makes an error of a rejection [notes](note_rejection) what the error means. A policy around the call asks
/// its mark for the [meaning](Self::meaning) of the error that the poll returned. The answer is for errors of any type, so
/// a call by `execute` needs no bound on its error.
///
/// The note names the error's type and its variant. A mark ignores notes from before it was taken. So the error of another
/// type, of another variant, or from another thread has no meaning, and counts as the call's own.
///
/// ```
/// use seawall_core::{CircuitOpen, Error, Mark, Meaning, Outcome, Rejection, TimedOut, note_rejection};
/// # use std::{io, time::Duration};
///
/// let rejection: Rejection = TimedOut::new("slow".into(), Duration::from_secs(1), Duration::from_secs(1)).into();
/// let mark = Mark::here();
/// let error: Error<io::Error> = rejection.clone().into();
/// note_rejection(&error, rejection.meaning());
/// assert_eq!(mark.meaning(&error), Some(Meaning::TimedOut));
/// assert_eq!(mark.meaning(&Error::Inner(io::Error::other("down"))), None);
/// assert_eq!(Mark::here().meaning(&error), None);
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use = "a mark is asked after the poll"]
pub struct Mark(u32);

/// What the last rejection on this thread was made into.
#[derive(Clone, Copy)]
struct Note {
    type_name: &'static str,
    variant: u64,
    meaning: Meaning,
}

// Neither needs to be dropped, so each access is a plain load or store.
thread_local! {
    static COUNT: Cell<u32> = const { Cell::new(0) };
    static NOTE: Cell<Option<Note>> = const { Cell::new(None) };
}

/// Notes that `error` was made of a rejection with this meaning.
///
/// A policy calls it when its call ends with the error. A later note on the same thread replaces it.
#[cold]
pub fn note_rejection<E>(error: &E, meaning: Meaning) {
    NOTE.set(Some(Note { type_name: any::type_name::<E>(), variant: variant(error), meaning }));
    COUNT.set(COUNT.get().wrapping_add(1));
}

impl Mark {
    /// Takes a mark.
    #[inline]
    pub fn here() -> Self {
        Self(COUNT.get())
    }

    /// Returns the meaning of `error`, if a policy noted it after the mark was taken.
    #[inline]
    pub fn meaning<E>(self, error: &E) -> Option<Meaning> {
        if COUNT.get() == self.0 { None } else { noted(error) }
    }

    /// Keeps the note if it is about `error`, and removes it otherwise.
    ///
    /// A policy that returns its inner call's error unchanged calls it, so that no older note is taken for a note about
    /// this error.
    pub fn keep<E>(self, error: &E) {
        if self.meaning(error).is_none() {
            NOTE.set(None);
        }
    }

    /// Wraps `error`, and carries the note over to the result.
    pub fn wrap<E, W>(self, error: E, wrap: impl FnOnce(E) -> W) -> W {
        let meaning = self.meaning(&error);
        let wrapped = wrap(error);
        match meaning {
            Some(meaning) => note_rejection(&wrapped, meaning),
            None => NOTE.set(None),
        }
        wrapped
    }
}

#[cold]
fn noted<E>(error: &E) -> Option<Meaning> {
    let note = NOTE.get()?;
    let same = note.type_name == any::type_name::<E>() && note.variant == variant(error);
    same.then_some(note.meaning)
}

/// Returns the number of an enum's variant; the same number for all values of other types.
fn variant<E>(error: &E) -> u64 {
    let mut hasher = Plain(0);
    mem::discriminant(error).hash(&mut hasher);
    hasher.finish()
}

/// A hasher that keeps an integer as it is.
struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{error, io};

    use super::*;
    use crate::{Error, Rejection, TimedOut};

    type Boxed = Box<dyn error::Error + Send + Sync>;

    fn rejection() -> Rejection {
        TimedOut::new("t".into(), std::time::Duration::from_secs(1), std::time::Duration::from_secs(1)).into()
    }

    fn noted_error<E: From<Rejection>>() -> E {
        let error = E::from(rejection());
        note_rejection(&error, rejection().meaning());
        error
    }

    #[test]
    fn a_mark_knows_what_was_noted_after_it() {
        let before = Mark::here();
        let error = noted_error::<Error<io::Error>>();
        let after = Mark::here();
        assert_eq!(before.meaning(&error), Some(Meaning::TimedOut));
        assert_eq!(after.meaning(&error), None);
    }

    #[test]
    fn another_variant_is_not_what_was_noted() {
        let mark = Mark::here();
        noted_error::<Error<io::Error>>();
        assert_eq!(mark.meaning(&Error::Inner(io::Error::other("down"))), None);
    }

    #[test]
    fn another_type_is_not_what_was_noted() {
        let mark = Mark::here();
        let error = noted_error::<Error<io::Error>>();
        assert_eq!(mark.meaning(&Error::<u8>::Rejected(rejection())), None);
        assert_eq!(mark.meaning(&Some(error)), None);
    }

    #[test]
    fn a_wrapped_error_keeps_its_meaning() {
        let mark = Mark::here();
        let error = mark.wrap(noted_error::<Error<io::Error>>(), Error::Inner);
        assert_eq!(mark.meaning(&error), Some(Meaning::TimedOut));
        let twice = mark.wrap(error, Error::Inner);
        assert_eq!(mark.meaning(&twice), Some(Meaning::TimedOut));
    }

    #[test]
    fn an_older_note_is_not_about_the_error_that_a_policy_passes_on() {
        let outer = Mark::here();
        drop(noted_error::<Boxed>());
        // The call of another policy begins, and fails by itself.
        let inner = Mark::here();
        let error = Boxed::from("down");
        inner.keep(&error);
        assert_eq!(outer.meaning(&error), None);

        drop(noted_error::<Boxed>());
        let inner = Mark::here();
        let error = inner.wrap(Boxed::from("down"), Error::Inner);
        assert_eq!(outer.meaning(&error), None);
    }

    #[test]
    fn another_thread_has_notes_of_its_own() {
        let mark = Mark::here();
        let error = std::thread::spawn(noted_error::<Error<()>>).join().expect("it does not panic");
        assert_eq!(mark.meaning(&error), None);
    }
}
