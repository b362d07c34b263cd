use std::{error, io, sync::Arc};

use tonic::{Code, Status, TimeoutExpired};

use crate::GrpcCode;

/// The code of `status`, corrected if tonic made the status of an error in this process.
///
/// | tonic's error | tonic's code | the code here |
/// |---|---|---|
/// | its own timer cut the call off: the timeout of an endpoint or server, or `grpc-timeout` | `CANCELLED` | [`DeadlineExceeded`](GrpcCode::DeadlineExceeded) |
/// | the connection was lost, or closed before the call was sent | `UNKNOWN`, `CANCELLED` or `INTERNAL` | [`Unavailable`](GrpcCode::Unavailable) |
///
/// The first makes a callee that hangs different from a healthy callee. The second is how gRPC reports a connection that is gone.
/// A code that the callee sent stays, and so does the code of a stream that the callee reset. The difference is visible in the
/// process where the error occurred, not on the wire.
pub fn code(status: &Status) -> GrpcCode {
    match status.code() {
        Code::Cancelled if causes(status).any(|cause| cause.is::<TimeoutExpired>()) => GrpcCode::DeadlineExceeded,
        code @ (Code::Unknown | Code::Cancelled | Code::Internal) if is_lost(status, code) => GrpcCode::Unavailable,
        code => code.into(),
    }
}

/// The same status with its corrected [`code`]; tonic's own status is its source then.
pub(super) fn corrected(status: Status) -> Status {
    let code = code(&status).into();
    if code == status.code() {
        return status;
    }
    let (details, metadata) = (status.details().to_vec().into(), status.metadata().clone());
    let mut corrected = Status::with_details_and_metadata(code, status.message(), details, metadata);
    corrected.set_source(Arc::new(status));
    corrected
}

/// Whether a lost connection lies below a status that tonic gave this code.
fn is_lost(status: &Status, code: Code) -> bool {
    let mut is_lost = code == Code::Unknown && is_transport(status);
    for cause in causes(status) {
        if let Some(error) = cause.downcast_ref::<h2::Error>() {
            // A reset ends one stream, and its reason has a code in gRPC's specification. Anything else ends the connection.
            return error.is_go_away() || error.is_io();
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            is_lost |= error.is_canceled() || error.is_closed() || error.is_incomplete_message();
        }
        // A handler may put an I/O error of its own below `INTERNAL`.
        is_lost |= code != Code::Internal && cause.is::<io::Error>();
    }
    is_lost
}

/// Whether tonic made this status of a `transport::Error`. That type is known only with tonic's feature `transport`, so its words
/// decide.
fn is_transport(status: &Status) -> bool {
    error::Error::source(status).is_some_and(|cause| cause.to_string() == "transport error")
}

/// What lies below `status`, from the outside in.
pub(super) fn causes(status: &Status) -> impl Iterator<Item = &(dyn error::Error + 'static)> {
    error::Error::source(status).into_iter().flat_map(crate::causes::causes)
}

impl From<Code> for GrpcCode {
    fn from(code: Code) -> Self {
        let number = usize::try_from(i32::from(code)).ok();
        number.and_then(|number| Self::ALL.get(number).copied()).unwrap_or(Self::Unknown)
    }
}

impl From<GrpcCode> for Code {
    fn from(code: GrpcCode) -> Self {
        Self::from_i32(code.number().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_same_as_those_of_tonic() {
        for code in GrpcCode::ALL {
            let theirs = Code::from(code);
            assert_eq!(i32::from(theirs), i32::from(code.number()));
            assert_eq!(GrpcCode::from(theirs), code);
            let letters = |text: &str| text.replace('_', "").to_lowercase();
            assert_eq!(letters(&format!("{theirs:?}")), letters(code.name()));
        }
    }

    #[test]
    fn a_call_that_tonic_cut_off_is_not_one_that_was_given_up() {
        let cut_off = Status::from_error(Box::new(TimeoutExpired(())));
        assert_eq!((cut_off.code(), code(&cut_off)), (Code::Cancelled, GrpcCode::DeadlineExceeded));
        assert_eq!(code(&Status::cancelled("by the caller")), GrpcCode::Cancelled);
        assert_eq!(code(&Status::unavailable("")), GrpcCode::Unavailable);
    }
}
