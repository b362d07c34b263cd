use std::{error, iter};

use tonic::{Code, Status, TimeoutExpired};

use crate::GrpcCode;

/// The code of `status`, with one difference: a call that tonic itself cut off, by the timeout of an endpoint or server, is
/// `Cancelled` to tonic, as if the caller had given it up. It is a [`DeadlineExceeded`](GrpcCode::DeadlineExceeded) here, so
/// that a callee that hangs does not pass for a healthy one.
///
/// tonic lets that be told apart in the process where it happened, not on the wire.
pub fn code(status: &Status) -> GrpcCode {
    match status.code() {
        Code::Cancelled if causes(status).any(|cause| cause.is::<TimeoutExpired>()) => GrpcCode::DeadlineExceeded,
        code => code.into(),
    }
}

/// What lies below `status`, from the outside in.
pub(super) fn causes(status: &Status) -> impl Iterator<Item = &(dyn error::Error + 'static)> {
    iter::successors(error::Error::source(status), |cause| cause.source())
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
