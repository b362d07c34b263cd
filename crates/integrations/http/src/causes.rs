//! What lies below an error.

use std::{error::Error, io, iter};

/// The error and all errors that it wraps, from the outside in.
///
/// `io::Error::source` skips the error that it wraps, so this walk asks for the wrapped error by `get_ref`.
pub(crate) fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |error| below(*error))
}

fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_inside_of_io_errors_is_found() {
        let inner = io::Error::new(io::ErrorKind::InvalidData, "the cause");
        let outer = io::Error::other(inner);
        let kinds: Vec<_> =
            causes(&outer).filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind).collect();
        assert_eq!(kinds, [io::ErrorKind::Other, io::ErrorKind::InvalidData]);
        assert_eq!(causes(&outer).last().map(ToString::to_string).as_deref(), Some("the cause"));
    }
}
