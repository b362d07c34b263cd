use std::{fmt, marker::PhantomData};

use http::StatusCode;
use seawall_core::{Classify, Meaning, Outcome};
use seawall_retry::{Opaque, ShowsRejections, Visibility};

use super::Question;

/// Classifies HTTP responses by their status: [`health`](Self::health) for a circuit breaker, and
/// [`transient`](Self::transient) for a retry. [`count_as`](Self::count_as) changes what a status counts as.
///
/// | status | health | transient |
/// |---|---|---|
/// | 1xx, 2xx, 3xx | success | stands |
/// | 4xx | success: the callee is there, read the request and judged it | stands |
/// | 408, 425, 429 | ignored: it did not do the work, which is the caller's doing | again |
/// | 500, 502, 503, 504 | failure | again |
/// | 501, 505 | success: it knows that it cannot do this, ever | stands |
/// | other 5xx | failure | stands |
/// | 600 to 999 | failure | again |
/// | error | failure | again |
///
/// Envoy's [outlier detection] and linkerd's proxy count 4xx as successes as well. They take all 5xx for failures; but to
/// RFC 9110, [section 15.1], 501 is as lasting an answer as 404 or 410, and go-retryablehttp leaves it out for that.
/// What others try again: botocore and the Rust SDK of AWS 500, 502, 503 and 504; .NET's standard handler and Google's
/// storage clients those and 408 and 429; 425 is made to be tried again ([RFC 8470]). A status above 599 is to be
/// taken for a server error (RFC 9110, [section 15]).
///
/// A rejection by a policy below says nothing about the callee's health. The own limit of a timeout is a failure if the call
/// had any time. A breaker counts a call as abandoned if a deadline around the timeout cut it off. To a retry rejections are failures, and it sees for itself which of them pass, and when. Errors that
/// cannot show a rejection need [`any_error`](Self::any_error): those of a plain `execute` around a client, say.
///
/// It looks at the head alone. A stream that breaks off later is not seen here. For responses of reqwest's own type there are
/// `Health` and `Transient` in the module `reqwest`.
///
/// ```
/// # use std::io;
/// use http::{Response, StatusCode};
/// use seawall::{CircuitBreaker, Outcome, Retry};
/// use seawall_core::{Classify, Error};
/// use seawall_http::Statuses;
///
/// let breaker = CircuitBreaker::builder("inventory").classify(Statuses::health()).build();
/// let retry = Retry::builder("inventory").classify(Statuses::transient()).build();
/// # let _ = (breaker, retry);
///
/// let busy: Result<_, Error<io::Error>> = Ok(Response::builder().status(503).body(()).unwrap());
/// assert_eq!(Statuses::health().classify(&busy), Outcome::Failure);
/// let ours = Statuses::health().count_as(StatusCode::SERVICE_UNAVAILABLE, Outcome::Ignored);
/// assert_eq!(ours.classify(&busy), Outcome::Ignored);
/// ```
///
/// [outlier detection]: https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier
/// [section 15]: https://www.rfc-editor.org/rfc/rfc9110.html#section-15
/// [section 15.1]: https://www.rfc-editor.org/rfc/rfc9110.html#section-15.1
/// [RFC 8470]: https://www.rfc-editor.org/rfc/rfc8470.html#section-5.2
pub struct Statuses<V = ShowsRejections> {
    question: Question,
    failures: StatusSet,
    ignored: StatusSet,
    sight: PhantomData<fn() -> V>,
}

impl Statuses {
    /// What a response says of the callee's health.
    pub const fn health() -> Self {
        let failures = StatusSet::EMPTY.with_all(500, 599).without(501).without(505);
        Self::new(Question::Health, failures, StatusSet::EMPTY.with(408).with(425).with(429))
    }

    /// Whether the same request may go well in a moment.
    pub const fn transient() -> Self {
        let rare = StatusSet::EMPTY.with(408).with(425).with(429);
        Self::new(Question::Transient, rare.with(500).with_all(502, 504), StatusSet::EMPTY)
    }

    const fn new(question: Question, failures: StatusSet, ignored: StatusSet) -> Self {
        Self { question, failures, ignored, sight: PhantomData }
    }
}

impl<V> Statuses<V> {
    /// Counts `status` as that. All from 600 on count as 500 does.
    #[must_use]
    pub const fn count_as(mut self, status: StatusCode, outcome: Outcome) -> Self {
        let status = status.as_u16();
        self.failures = self.failures.without(status);
        self.ignored = self.ignored.without(status);
        match outcome {
            Outcome::Success => {}
            Outcome::Failure => self.failures = self.failures.with(status),
            Outcome::Ignored => self.ignored = self.ignored.with(status),
        }
        self
    }

    /// For errors that cannot show whether they are a rejection by a policy below: all of them are failures.
    #[must_use]
    pub const fn any_error(self) -> Statuses<Opaque> {
        Statuses { question: self.question, failures: self.failures, ignored: self.ignored, sight: PhantomData }
    }

    /// What `status` counts as.
    pub const fn outcome(&self, status: StatusCode) -> Outcome {
        let status = status.as_u16();
        if self.failures.has(status) {
            Outcome::Failure
        } else if self.ignored.has(status) {
            Outcome::Ignored
        } else {
            Outcome::Success
        }
    }
}

impl<B, E, V: Visibility<E>> Classify<http::Response<B>, E> for Statuses<V> {
    fn classify(&self, result: &Result<http::Response<B>, E>) -> Outcome {
        match result {
            Ok(response) => self.outcome(response.status()),
            Err(error) => V::rejection(error).map_or(Outcome::Failure, |rejection| self.question.rejected(rejection)),
        }
    }

    fn verdict(&self, result: &Result<http::Response<B>, E>, noted: Option<Meaning>) -> Option<Outcome> {
        let meaning = result.as_ref().err().and_then(|error| V::meaning(error, noted));
        self.question.verdict(meaning, || self.classify(result))
    }
}

// By hand: derive would ask the same of what is only a type here.
impl<V> Clone for Statuses<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Statuses<V> {}

impl<V> fmt::Debug for Statuses<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statuses")
            .field("question", &self.question)
            .field("failures", &self.failures)
            .field("ignored", &self.ignored)
            .finish()
    }
}

/// A set of statuses: a bit for each from 100 to 599.
#[derive(Clone, Copy)]
struct StatusSet([u64; 8]);

impl StatusSet {
    const EMPTY: Self = Self([0; 8]);

    const fn with(mut self, status: u16) -> Self {
        let (word, bit) = Self::place(status);
        self.0[word] |= bit;
        self
    }

    const fn without(mut self, status: u16) -> Self {
        let (word, bit) = Self::place(status);
        self.0[word] &= !bit;
        self
    }

    const fn with_all(mut self, mut status: u16, last: u16) -> Self {
        while status <= last {
            self = self.with(status);
            status += 1;
        }
        self
    }

    const fn has(&self, status: u16) -> bool {
        let (word, bit) = Self::place(status);
        self.0[word] & bit != 0
    }

    const fn place(status: u16) -> (usize, u64) {
        // What is not a status is to be taken for a server error (RFC 9110, section 15).
        let status = if status >= 600 { 500 } else { status };
        let index = status.saturating_sub(100);
        ((index / 64) as usize, 1 << (index % 64))
    }
}

impl fmt::Debug for StatusSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries((100..600).filter(|&status| self.has(status))).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{io, time::Duration};

    use proptest::prelude::*;
    use seawall_core::{Error, Name, TimedOut};

    use super::*;

    type Answered = Result<http::Response<()>, Error<io::Error>>;

    fn answered(status: u16) -> Answered {
        Ok(http::Response::builder().status(status).body(()).expect("a response"))
    }

    fn timed_out(limit: Duration) -> Answered {
        Err(Error::Rejected(TimedOut::new(Name::from("t"), limit, limit).into()))
    }

    fn outcome(number: u16) -> StatusCode {
        StatusCode::from_u16(number).expect("a status")
    }

    #[test]
    fn health_is_a_matter_of_what_the_callee_could_do() {
        let naive = |status: u16| match status {
            408 | 425 | 429 => Outcome::Ignored,
            501 | 505 => Outcome::Success,
            500.. => Outcome::Failure,
            _ => Outcome::Success,
        };
        for status in 100..=999 {
            assert_eq!(Statuses::health().classify(&answered(status)), naive(status), "{status}");
        }
    }

    #[test]
    fn what_may_pass_is_transient() {
        for status in 100..=999 {
            let is_transient = matches!(status, 408 | 425 | 429 | 500 | 502..=504 | 600..);
            let outcome = Statuses::transient().classify(&answered(status));
            assert_eq!(outcome == Outcome::Failure, is_transient, "{status}");
        }
    }

    #[test]
    fn an_error_is_a_failure() {
        let reset: Answered = Err(Error::Inner(io::ErrorKind::ConnectionReset.into()));
        let plain: Result<http::Response<()>, io::Error> = Err(io::ErrorKind::ConnectionReset.into());
        for statuses in [Statuses::health(), Statuses::transient()] {
            assert_eq!(statuses.classify(&reset), Outcome::Failure);
            assert_eq!(statuses.any_error().classify(&plain), Outcome::Failure);
        }
    }

    #[test]
    fn a_rejection_from_below_is_no_failure_of_the_callee_but_for_a_timeout() {
        let health = Statuses::health();
        for rejection in crate::testing::rejections() {
            let is_timeout = matches!(rejection, seawall_core::Rejection::TimedOut(_));
            let expected = if is_timeout { Outcome::Failure } else { Outcome::Ignored };
            let result: Answered = Err(Error::Rejected(rejection));
            assert_eq!(health.classify(&result), expected, "{result:?}");
            assert_eq!(Statuses::transient().classify(&result), Outcome::Failure, "{result:?}");
            assert_eq!(health.any_error().classify(&result), Outcome::Failure, "{result:?}");
        }
        assert_eq!(health.classify(&timed_out(Duration::from_nanos(1))), Outcome::Failure);
        assert_eq!(health.classify(&timed_out(Duration::ZERO)), Outcome::Ignored);
    }

    #[test]
    fn its_debug_text_shows_the_sets() {
        let text = format!("{:?}", Statuses::transient());
        assert!(text.contains("Transient") && text.contains("{408, 425, 429, 500, 502, 503, 504}"), "{text}");
    }

    proptest! {
        #[test]
        fn a_status_counts_as_it_was_last_told(
            told in proptest::collection::vec((100..1000_u16, 0..3_usize), 0..40),
            asked in 100..1000_u16,
        ) {
            let outcomes = [Outcome::Success, Outcome::Failure, Outcome::Ignored];
            let mut statuses = Statuses::health();
            for &(status, number) in &told {
                statuses = statuses.count_as(outcome(status), outcomes[number]);
            }
            let place = |status: u16| if status > 599 { 500 } else { status };
            let last = told.iter().rev().find(|(status, _)| place(*status) == place(asked));
            let expected = last.map_or(Statuses::health().outcome(outcome(asked)), |&(_, number)| outcomes[number]);
            prop_assert_eq!(statuses.outcome(outcome(asked)), expected);
        }
    }
}
