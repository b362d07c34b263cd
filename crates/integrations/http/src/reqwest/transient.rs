use reqwest::{Response, StatusCode};
use seawall_core::{Classify, Error, Outcome};

use super::lasting::{is_callers, is_refused_handshake, is_undecodable};
use crate::Statuses;

/// Whether a failed call may well succeed a moment later: a classifier for retries.
///
/// The table is in the [module](super)'s page. A failure is what is to be tried again; a result that stands is a success here,
/// whatever it is to the caller. Where a call gives something else than the response, [`of_error`](Self::of_error) judges its
/// errors alone, as [`Health::of_error`](super::Health::of_error) does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Transient;

impl Transient {
    /// Whether to try again after a status.
    pub fn of_status(self, status: StatusCode) -> Outcome {
        again_if(Statuses::transient().outcome(status) == Outcome::Failure)
    }

    /// Whether to try again after an error.
    pub fn of_error(self, error: &reqwest::Error) -> Outcome {
        match error.status() {
            Some(status) => self.of_status(status),
            None => again_if(!(is_callers(error) || is_undecodable(error) || is_refused_handshake(error))),
        }
    }
}

impl Classify<Response, reqwest::Error> for Transient {
    fn classify(&self, result: &Result<Response, reqwest::Error>) -> Outcome {
        match result {
            Ok(response) => self.of_status(response.status()),
            Err(error) => self.of_error(error),
        }
    }
}

impl Classify<Response, Error<reqwest::Error>> for Transient {
    fn classify(&self, result: &Result<Response, Error<reqwest::Error>>) -> Outcome {
        match result {
            Ok(response) => self.of_status(response.status()),
            Err(Error::Inner(error)) => self.of_error(error),
            // The retry itself knows which of these to wait out.
            Err(Error::Rejected(_)) => Outcome::Failure,
        }
    }
}

fn again_if(transient: bool) -> Outcome {
    if transient { Outcome::Failure } else { Outcome::Success }
}
