//! The rejection in an error of any type is found, and a report of the error says nothing twice.

use std::{error, fmt, io, time::Duration};

use seawall_core::{AsRejection, Error, Rejection, TimedOut};

type Boxed = Box<dyn error::Error + Send + Sync>;

fn rejection() -> Rejection {
    TimedOut::new("slow".into(), Duration::from_secs(1), Duration::from_secs(1)).into()
}

/// An error of a user, with a cause.
#[derive(Debug)]
struct Context(Boxed);

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot load the stock")
    }
}

impl error::Error for Context {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.0)
    }
}

/// An error that is its own cause.
#[derive(Debug)]
struct Circular;

impl fmt::Display for Circular {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("circular")
    }
}

impl error::Error for Circular {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(self)
    }
}

/// An error whose cause cannot be asked for.
#[derive(Debug)]
struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("panics")
    }
}

impl error::Error for Panics {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        panic!("no source")
    }
}

/// What a report prints: the error and its causes.
fn report(error: &(dyn error::Error + 'static)) -> Vec<String> {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect()
}

fn rejected<E: From<Rejection>>() -> E {
    rejection().into()
}

#[test]
fn a_rejection_is_found_in_an_error_of_any_type_however_deep() {
    let errors: [Boxed; 8] = [
        Box::new(rejection()),
        Box::new(rejected::<Error<io::Error>>()),
        Box::new(rejected::<Error<fmt::Error>>()),
        Box::new(Error::Inner(rejected::<Error<io::Error>>())),
        Box::new(io::Error::other(rejected::<Error<io::Error>>())),
        Box::new(io::Error::other(io::Error::other(rejection()))),
        Box::new(Context(Box::new(rejected::<Error<io::Error>>()))),
        Box::new(Context(Box::new(io::Error::other(Context(Box::new(rejected::<Error<Context>>())))))),
    ];
    for error in errors {
        assert_eq!(Rejection::find(&*error), Some(&rejection()), "{error:?}");
        assert_eq!(error.as_rejection(), Some(&rejection()), "{error:?}");
        let error: Box<dyn error::Error> = error;
        assert_eq!(error.as_rejection(), Some(&rejection()), "{error:?}");
    }
}

#[test]
fn an_error_without_a_rejection_shows_none() {
    let inner = || Error::Inner(io::Error::other("down"));
    let errors: [Boxed; 4] =
        [Boxed::from("down"), Box::new(inner()), Box::new(Context(Box::new(inner()))), Box::new(Circular)];
    for error in errors {
        assert_eq!(Rejection::find(&*error), None, "{error:?}");
    }
}

#[test]
fn a_report_says_nothing_twice() {
    let error = Context(Box::new(rejected::<Error<io::Error>>()));
    assert_eq!(report(&error), ["cannot load the stock", "timeout `slow`: not done in 1s"]);
    assert!(Rejection::find(&error).is_some());
    assert_eq!(report(&error).len(), 2, "a search changes nothing");
}

#[test]
fn a_search_that_panics_changes_nothing() {
    let searched = std::panic::catch_unwind(|| Rejection::find(&Panics).is_some());
    assert!(searched.is_err());
    assert_eq!(report(&rejected::<Error<io::Error>>()).len(), 1);
}
