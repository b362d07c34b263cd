use seawall_core::{Classify, Hint, Meaning, Outcome, Rejection, RetryAfter};
use seawall_retry::Attempt;
use tonic::Response;

use super::{AsStatus, code};
use crate::{GrpcCodes, pushback};

/// What a failed call says of when to call again: its pushback.
///
/// It is of the shape that a retry's `hint` asks for. Of a rejection by a policy of this process it says when that passes.
pub fn hint<T, E: AsStatus>(_: &Attempt, result: &Result<T, E>) -> Hint {
    let Err(error) = result else { return Hint::None };
    match (error.rejection(), error.as_status()) {
        // It ran, and took too long: a failure as any.
        (Some(Rejection::TimedOut(_)), _) => Hint::None,
        (Some(rejection), _) => RetryAfter::retry_after(rejection),
        (None, Some(status)) => pushback(status.metadata().as_ref()),
        (None, None) => Hint::None,
    }
}

impl<T, E: AsStatus, V> Classify<Response<T>, E> for GrpcCodes<V> {
    fn classify(&self, result: &Result<Response<T>, E>) -> Outcome {
        let Err(error) = result else { return Outcome::Success };
        match (error.rejection(), error.as_status()) {
            (Some(rejection), _) => self.question().rejected(rejection),
            (None, Some(status)) => self.outcome(code(status), status.metadata().as_ref()),
            (None, None) => Outcome::Failure,
        }
    }

    fn verdict(&self, result: &Result<Response<T>, E>, noted: Option<Meaning>) -> Option<Outcome> {
        let shown = result.as_ref().err().and_then(AsStatus::rejection);
        self.question().verdict(shown.map(Rejection::meaning).or(noted), || self.classify(result))
    }
}

#[cfg(test)]
mod tests {
    use std::{error, time::Duration};

    use seawall_core::Error;
    use tonic::{Code, Status, TimeoutExpired};

    use super::*;
    use crate::{GrpcCode, GrpcResponder, PUSHBACK, pushback_value, testing::rejections, tonic::into_status};

    fn failed<E>(error: E) -> Result<Response<()>, E> {
        Err(error)
    }

    fn said<E: AsStatus>(error: E) -> Hint {
        hint(&Attempt::FIRST, &failed(error))
    }

    fn pushed_back(code: Code, wait: Option<Duration>) -> Status {
        let mut status = Status::new(code, "");
        status.metadata_mut().as_mut().insert(PUSHBACK, pushback_value(wait));
        status
    }

    #[test]
    fn a_status_counts_as_its_code_does_in_a_response() {
        for code in GrpcCode::ALL {
            for wait in [None, Some(None), Some(Some(Duration::from_millis(3)))] {
                let status = wait.map_or(Status::new(code.into(), ""), |wait| pushed_back(code.into(), wait));
                for codes in [GrpcCodes::health(), GrpcCodes::transient()] {
                    let expected = codes.outcome(code, status.metadata().as_ref());
                    assert_eq!(codes.classify(&failed(status.clone())), expected, "{status:?}");
                    assert_eq!(codes.classify(&failed(Error::Inner(status.clone()))), expected, "{status:?}");
                    let boxed: Box<dyn error::Error + Send + Sync> = status.clone().into();
                    assert_eq!(codes.classify(&failed(boxed)), expected, "{status:?}");
                }
            }
        }
        let ok: Result<_, Status> = Ok(Response::new(()));
        assert_eq!(GrpcCodes::health().classify(&ok), Outcome::Success);
        assert_eq!(GrpcCodes::transient().classify(&ok), Outcome::Success);
    }

    #[test]
    fn a_callee_that_hangs_is_not_well() {
        let cut_off = || Status::from_error(Box::new(TimeoutExpired(())));
        assert_eq!(GrpcCodes::health().classify(&failed(cut_off())), Outcome::Failure);
        assert_eq!(GrpcCodes::health().classify(&failed(Status::cancelled("by the caller"))), Outcome::Ignored);
    }

    #[test]
    fn a_rejection_counts_as_one_though_it_became_a_status() {
        for rejection in rejections() {
            for question in [GrpcCodes::health(), GrpcCodes::transient()] {
                let expected = question.question().rejected(&rejection);
                assert_eq!(question.classify(&failed(Error::<Status>::Rejected(rejection.clone()))), expected);
                let status = into_status(Error::Rejected(rejection.clone()));
                assert_eq!(question.classify(&failed(status.clone())), expected, "{status:?}");
                let boxed: Box<dyn error::Error + Send + Sync> = rejection.clone().into();
                assert_eq!(question.classify(&failed(boxed)), expected);
            }
        }
    }

    #[test]
    fn an_error_of_another_kind_is_a_failure_that_says_nothing() {
        let other = || -> Box<dyn error::Error + Send + Sync> { "reset".into() };
        assert_eq!(GrpcCodes::health().classify(&failed(other())), Outcome::Failure);
        assert_eq!(said(other()), Hint::None);
    }

    #[test]
    fn pushback_is_heeded_as_it_is() {
        let said = |wait| said(pushed_back(Code::Unavailable, wait));
        assert_eq!(said(Some(Duration::from_millis(250))), Hint::Exactly(Duration::from_millis(250)));
        assert_eq!(said(Some(Duration::from_secs(61))), Hint::Exactly(Duration::from_secs(61)));
        assert_eq!(said(None), Hint::Never);
        assert_eq!(super::hint(&Attempt::FIRST, &failed(Status::unavailable(""))), Hint::None);
        assert_eq!(hint(&Attempt::FIRST, &Ok::<(), Status>(())), Hint::None);
    }

    #[test]
    fn a_rejection_of_this_process_says_when_it_passes_itself() {
        for rejection in rejections() {
            let expected = match &rejection {
                Rejection::TimedOut(_) => Hint::None,
                rejection => rejection.retry_after().map_or(Hint::Never, Hint::After),
            };
            assert_eq!(said(GrpcResponder::new().status(&rejection)), expected, "{rejection}");
            assert_eq!(said(Error::<Status>::Rejected(rejection)), expected);
        }
    }
}
