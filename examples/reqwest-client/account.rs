//! The end of each call.

use std::time::{Duration, Instant};

use reqwest::Response;
use seawall::Error;
use tower::BoxError;

use crate::upstream::{Act, Upstream};

/// The result of a call through the stack.
type Answer = Result<Response, Error<reqwest::Error>>;

/// Prints a line for each call.
pub(crate) struct Account<'a> {
    upstream: &'a Upstream,
}

/// A call that has ended.
pub(crate) struct Ended {
    what: &'static str,
    requests: (usize, usize),
    took: Duration,
    answer: Answer,
}

impl<'a> Account<'a> {
    pub(crate) fn of(upstream: &'a Upstream) -> Self {
        Self { upstream }
    }

    /// Makes a call while the upstream plays `acts`, and expects `expected` requests there.
    pub(crate) async fn call(
        &self,
        what: &'static str,
        acts: &[Act],
        requests: usize,
        call: impl Future<Output = Answer>,
    ) -> Ended {
        self.upstream.play(acts);
        let began = Instant::now();
        let answer = call.await;
        let (took, seen) = (began.elapsed(), self.upstream.requests());
        print!("  {what:24}{seen} requests in {:4} ms: ", took.as_millis());
        match &answer {
            Ok(response) => println!("{}", response.status()),
            Err(Error::Rejected(rejection)) => println!("rejected, {rejection}"),
            Err(Error::Inner(error)) => println!("failed, {error}"),
        }
        Ended { what, requests: (seen, requests), took, answer }
    }
}

impl Ended {
    pub(crate) fn took(&self) -> Duration {
        self.took
    }

    pub(crate) fn came_to(&self, status: u16) -> Result<(), BoxError> {
        let came_to = self.answer.as_ref().map(Response::status);
        self.is(came_to.is_ok_and(|came_to| came_to.as_u16() == status), "the right status")
    }

    pub(crate) fn failed(&self) -> Result<(), BoxError> {
        self.is(matches!(self.answer, Err(Error::Inner(_))), "a failure")
    }

    pub(crate) fn was_refused(&self) -> Result<(), BoxError> {
        self.is(matches!(self.answer, Err(Error::Rejected(_))), "a refusal")
    }

    fn is(&self, so: bool, what: &str) -> Result<(), BoxError> {
        let (seen, expected) = self.requests;
        claim(so && seen == expected, &format!("`{}` has {what} by {expected} requests", self.what))
    }
}

pub(crate) fn claim(holds: bool, what: &str) -> Result<(), BoxError> {
    if holds { Ok(()) } else { Err(format!("this did not happen: {what}").into()) }
}
