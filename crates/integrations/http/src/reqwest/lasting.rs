use std::{error, io};

use crate::causes::causes;

/// Whether the request could not be built, or the client follows no further redirect: it would be the same with any callee.
pub(super) fn is_callers(error: &reqwest::Error) -> bool {
    error.is_builder() || error.is_redirect()
}

/// Whether the body came whole, and does not decode: the callee did its work.
pub(super) fn is_undecodable(error: &reqwest::Error) -> bool {
    // reqwest says "decode" of a body that broke off, too.
    error.is_decode() && !error.is_timeout() && !causes(error).skip(1).any(breaks_off)
}

/// Whether the two sides could not agree on a TLS connection: a certificate that is not trusted, say. A moment later the
/// handshake ends the same way.
pub(super) fn is_refused_handshake(error: &reqwest::Error) -> bool {
    // rustls fails with `InvalidData`, and with the kind of the I/O error if the connection was lost. The platforms' TLS libraries
    // have types of their own, which only their words show.
    error.is_connect() && causes(error).any(|cause| is_invalid_data(cause) || says_certificate(cause))
}

/// Whether this cause of a decoding error is a body that broke off.
fn breaks_off(cause: &(dyn error::Error + 'static)) -> bool {
    let by_io = |error: &io::Error| {
        // A wrapper says nothing by itself: what it wraps follows.
        let is_wrapper = error.kind() == io::ErrorKind::Other && error.get_ref().is_some();
        !is_wrapper && !matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
    };
    cause.is::<hyper::Error>()
        || cause.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_body)
        || cause.downcast_ref::<io::Error>().is_some_and(by_io)
}

fn is_invalid_data(cause: &(dyn error::Error + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::InvalidData)
}

fn says_certificate(cause: &(dyn error::Error + 'static)) -> bool {
    cause.to_string().to_ascii_lowercase().contains("certificate")
}
