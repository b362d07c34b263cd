use reqwest::{Response, StatusCode};
use seawall_core::{Classify, Error, Meaning, Outcome, Rejection};

use super::lasting::{is_callers, is_undecodable};
use crate::Statuses;

/// What a result says of the callee's health: a classifier for breakers.
///
/// The table is in the [module](super)'s page. It classifies results of `send()`, as they are and within
/// [`seawall_core::Error`]. Where a call gives something else than the response, its errors can be judged alone:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use seawall::{CircuitBreaker, Outcome, State, Trip};
/// use seawall_http::reqwest::Health;
///
/// let breaker = CircuitBreaker::builder("inventory")
///     .trip(Trip::consecutive(1))
///     .classify(|result: &Result<String, reqwest::Error>| match result {
///         Ok(_) => Outcome::Success,
///         Err(error) => Health.of_error(error),
///     })
///     .build();
/// let client = reqwest::Client::new();
/// let get = |url: &str| client.get(url).send();
/// let call = breaker.execute(|| async { get("no url").await?.error_for_status()?.text().await });
/// assert!(call.await.is_err());
/// assert_eq!(breaker.state(), State::Closed); // it was our mistake
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Health;

impl Health {
    /// What a status says.
    pub fn of_status(self, status: StatusCode) -> Outcome {
        Statuses::health().outcome(status)
    }

    /// What an error says.
    pub fn of_error(self, error: &reqwest::Error) -> Outcome {
        match error.status() {
            Some(status) => self.of_status(status),
            None if is_callers(error) || is_undecodable(error) => Outcome::Ignored,
            None => Outcome::Failure,
        }
    }
}

impl Classify<Response, reqwest::Error> for Health {
    fn classify(&self, result: &Result<Response, reqwest::Error>) -> Outcome {
        match result {
            Ok(response) => self.of_status(response.status()),
            Err(error) => self.of_error(error),
        }
    }
}

impl Classify<Response, Error<reqwest::Error>> for Health {
    fn classify(&self, result: &Result<Response, Error<reqwest::Error>>) -> Outcome {
        match result {
            Ok(response) => self.of_status(response.status()),
            Err(Error::Inner(error)) => self.of_error(error),
            // The callee had it, and took too long.
            Err(Error::Rejected(Rejection::TimedOut(_))) => Outcome::Failure,
            // The callee has not seen it.
            Err(Error::Rejected(_)) => Outcome::Ignored,
        }
    }

    // The error shows what it is, so no note is needed.
    fn verdict(&self, result: &Result<Response, Error<reqwest::Error>>, _: Option<Meaning>) -> Option<Outcome> {
        match result {
            Err(Error::Rejected(rejection)) => rejection.meaning().outcome(),
            _ => Some(self.classify(result)),
        }
    }
}
