use std::{cell::Cell, error, io, iter};

use super::Rejection;

// An `Error<E>` prints its rejection itself, so its `source` skips the rejection: a report must not say the same twice. A
// search that met only the `dyn Error` could not name `E`. So the search asks each error for its source while this is set, and
// an `Error<E>` then gives its rejection.
thread_local! {
    static SEARCHES: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread searches for a rejection.
pub(crate) fn searches() -> bool {
    SEARCHES.get()
}

impl Rejection {
    /// Returns the rejection in `error`, which can be a rejection, an [`Error<E>`](crate::Error) with any `E`, or an error
    /// that has one of them in its chain of sources.
    ///
    /// Use it for an error whose type you do not know, such as a `Box<dyn Error>`. It looks at 64 errors at most.
    ///
    /// ```
    /// use seawall_core::{Error, Rejection, TimedOut};
    /// # use std::{error, io, time::Duration};
    ///
    /// let timed_out = TimedOut::new("slow".into(), Duration::from_secs(1), Duration::from_secs(1));
    /// let error: Error<io::Error> = Rejection::from(timed_out).into();
    /// let boxed: Box<dyn error::Error> = Box::new(io::Error::other(error));
    /// assert_eq!(Rejection::find(&*boxed).unwrap().policy(), "slow");
    /// ```
    pub fn find<'a>(error: &'a (dyn error::Error + 'static)) -> Option<&'a Self> {
        iter::successors(Some(error), |error| below(*error)).take(MAX_DEPTH).find_map(|error| error.downcast_ref())
    }
}

/// Returns the error that `error` wraps.
fn below<'a>(error: &'a (dyn error::Error + 'static)) -> Option<&'a (dyn error::Error + 'static)> {
    // `io::Error::source` skips the error that it wraps.
    if let Some(wrapped) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return Some(wrapped);
    }
    let _searching = Searching::begin();
    error.source()
}

/// Ends the search when it is dropped, also if a user's `source` panics.
struct Searching {
    before: bool,
}

impl Searching {
    fn begin() -> Self {
        Self { before: SEARCHES.replace(true) }
    }
}

impl Drop for Searching {
    fn drop(&mut self) {
        SEARCHES.set(self.before);
    }
}

/// How many errors a search looks at: an error can be its own source.
const MAX_DEPTH: usize = 64;
