use std::{any::Any, fmt, marker::PhantomData};

use http::HeaderMap;
use seawall_core::{Classify, Hint, Meaning, Outcome};
use seawall_retry::{Opaque, ShowsRejections, Visibility};

use super::Question;
use crate::{GrpcCode, pushback};

/// Classifies gRPC calls by their code: [`health`](Self::health) for a circuit breaker, and
/// [`transient`](Self::transient) for a retry. [`count_as`](Self::count_as) changes what a code counts as.
///
/// | code | health | transient |
/// |---|---|---|
/// | `UNAVAILABLE` | failure | again |
/// | `UNKNOWN`, `DEADLINE_EXCEEDED`, `INTERNAL`, `DATA_LOSS` | failure | stands |
/// | `RESOURCE_EXHAUSTED` | ignored: as 429 in HTTP | again, if it says when |
/// | `CANCELLED` | ignored: the caller gave up | stands |
/// | other codes, and `OK` | success | stands |
/// | error | failure | again |
///
/// The failures are those of linkerd's proxy. Envoy's outlier detection takes a code for the HTTP status [that stands for
/// it], which makes the same, and `UNIMPLEMENTED`, failures. That code is here as 501 is among
/// [`Statuses`](crate::Statuses).
///
/// `UNAVAILABLE` is the one code to try again without knowing the method: [gRFC A6] asks for codes of calls that were not
/// worked on, and Google's [AIP-194] takes no other. Yet a connection that breaks has it too, and then the call may have been
/// worked on; count it as a success if no method may run twice, and other codes as failures if all methods may. A server that is
/// out of something may say when it has it again, and only then is it asked again, as [OTLP] has it.
///
/// It takes `http::Response`s, of a client or server that is built on HTTP, and reads the code from the head. A head without a
/// code counts as a success, and the code comes later, in the trailers:
///
/// - Under [`hold_body`](crate::hold_body()) a circuit breaker waits for the trailers, and they decide.
/// - A retry decides when the call ends, which is at the head. [`EarlyStatusLayer`](crate::EarlyStatusLayer) below the retry
///   waits for the first frame, and moves a status that comes before any message into the head.
///
/// With the feature `tonic` it takes `tonic::Response` and `tonic::Status` as well. For rejections by policies below, see
/// [`Statuses`](crate::Statuses).
///
/// A retry that heeds pushback needs a hint beside it: see [`pushback`](crate::pushback()).
///
/// ```
/// # use std::io;
/// use seawall::{CircuitBreaker, Outcome, Retry};
/// use seawall_core::{Classify, Error};
/// use seawall_http::{GrpcCode, GrpcCodes};
///
/// let breaker = CircuitBreaker::builder("inventory").classify(GrpcCodes::health()).build();
/// let idempotent = GrpcCodes::transient().count_as(GrpcCode::DeadlineExceeded, Outcome::Failure);
/// let retry = Retry::builder("inventory").classify(idempotent).build();
/// # let _ = (breaker, retry);
///
/// let down = http::Response::builder().header("grpc-status", "14").body(()).unwrap();
/// assert_eq!(GrpcCodes::health().classify(&Ok::<_, Error<io::Error>>(down)), Outcome::Failure);
/// ```
///
/// [that stands for it]: https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
/// [gRFC A6]: https://github.com/grpc/proposal/blob/master/A6-client-retries.md#retryable-status-codes
/// [AIP-194]: https://google.aip.dev/194
/// [OTLP]: https://opentelemetry.io/docs/specs/otlp/#failures
pub struct GrpcCodes<V = ShowsRejections> {
    question: Question,
    failures: CodeSet,
    ignored: CodeSet,
    /// Failures if they say when to call again, else as they are.
    if_told: CodeSet,
    sight: PhantomData<fn() -> V>,
}

impl GrpcCodes {
    /// What a call's end says of the callee's health.
    pub const fn health() -> Self {
        let failures = CodeSet::EMPTY
            .with(GrpcCode::Unknown)
            .with(GrpcCode::DeadlineExceeded)
            .with(GrpcCode::Internal)
            .with(GrpcCode::Unavailable)
            .with(GrpcCode::DataLoss);
        let ignored = CodeSet::EMPTY.with(GrpcCode::ResourceExhausted).with(GrpcCode::Cancelled);
        Self { question: Question::Health, failures, ignored, if_told: CodeSet::EMPTY, sight: PhantomData }
    }

    /// Whether the same call may go well in a moment.
    pub const fn transient() -> Self {
        Self {
            question: Question::Transient,
            failures: CodeSet::EMPTY.with(GrpcCode::Unavailable),
            ignored: CodeSet::EMPTY,
            if_told: CodeSet::EMPTY.with(GrpcCode::ResourceExhausted),
            sight: PhantomData,
        }
    }
}

impl<V> GrpcCodes<V> {
    /// Counts `code` as that, whatever the server says of when to call again.
    #[must_use]
    pub const fn count_as(mut self, code: GrpcCode, outcome: Outcome) -> Self {
        self.failures = self.failures.without(code);
        self.ignored = self.ignored.without(code);
        self.if_told = self.if_told.without(code);
        match outcome {
            Outcome::Success => {}
            Outcome::Failure => self.failures = self.failures.with(code),
            Outcome::Ignored => self.ignored = self.ignored.with(code),
        }
        self
    }

    /// Counts every error as a failure, for errors that cannot show whether a policy below rejected the call.
    #[must_use]
    pub const fn any_error(self) -> GrpcCodes<Opaque> {
        let Self { question, failures, ignored, if_told, .. } = self;
        GrpcCodes { question, failures, ignored, if_told, sight: PhantomData }
    }

    /// What a call counts as that ended with `code`, and with these trailers, or this head.
    pub fn outcome(&self, code: GrpcCode, trailers: &HeaderMap) -> Outcome {
        let is_told = || matches!(pushback(trailers), Hint::Exactly(_));
        if self.failures.has(code) || (self.if_told.has(code) && is_told()) {
            Outcome::Failure
        } else if self.ignored.has(code) {
            Outcome::Ignored
        } else {
            Outcome::Success
        }
    }

    #[cfg(feature = "tonic")]
    pub(crate) const fn question(&self) -> Question {
        self.question
    }
}

impl<B, E, V: Visibility<E>> Classify<http::Response<B>, E> for GrpcCodes<V> {
    fn classify(&self, result: &Result<http::Response<B>, E>) -> Outcome {
        match result {
            Ok(response) => {
                GrpcCode::of_response(response).map_or(Outcome::Success, |code| self.outcome(code, response.headers()))
            }
            Err(error) => V::rejection(error).map_or(Outcome::Failure, |rejection| self.question.rejected(rejection)),
        }
    }

    fn verdict(&self, result: &Result<http::Response<B>, E>, noted: Option<Meaning>) -> Option<Outcome> {
        let meaning = result.as_ref().err().and_then(|error| V::meaning(error, noted));
        self.question.verdict(meaning, || self.classify(result))
    }

    /// The verdict on trailers, which are an `http::HeaderMap`.
    fn classify_end(&self, end: &dyn Any) -> Option<Outcome> {
        let trailers = end.downcast_ref::<HeaderMap>()?;
        GrpcCode::of_headers(trailers).map(|code| self.outcome(code, trailers))
    }
}

// By hand: derive would ask the same of what is only a type here.
impl<V> Clone for GrpcCodes<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for GrpcCodes<V> {}

impl<V> fmt::Debug for GrpcCodes<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcCodes")
            .field("question", &self.question)
            .field("failures", &self.failures)
            .field("ignored", &self.ignored)
            .field("if_told", &self.if_told)
            .finish()
    }
}

/// A set of codes: a bit for each.
#[derive(Clone, Copy)]
struct CodeSet(u32);

impl CodeSet {
    const EMPTY: Self = Self(0);

    const fn with(self, code: GrpcCode) -> Self {
        Self(self.0 | 1 << code.number())
    }

    const fn without(self, code: GrpcCode) -> Self {
        Self(self.0 & !(1 << code.number()))
    }

    const fn has(self, code: GrpcCode) -> bool {
        self.0 & 1 << code.number() != 0
    }
}

impl fmt::Debug for CodeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(GrpcCode::ALL.iter().filter(|code| self.has(**code))).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use http::HeaderValue;
    use seawall_core::{Error, Rejection};

    use super::*;
    use crate::PUSHBACK;

    type Answered = Result<http::Response<()>, Error<io::Error>>;

    fn ended(code: GrpcCode, pushback: Option<&'static str>) -> Answered {
        let mut response = http::Response::builder().header("grpc-status", u16::from(code.number()));
        if let Some(pushback) = pushback {
            response = response.header(PUSHBACK, HeaderValue::from_static(pushback));
        }
        Ok(response.body(()).expect("a response"))
    }

    #[test]
    fn health_is_a_matter_of_what_the_callee_could_do() {
        for code in GrpcCode::ALL {
            let expected = match code.name() {
                "UNKNOWN" | "DEADLINE_EXCEEDED" | "INTERNAL" | "UNAVAILABLE" | "DATA_LOSS" => Outcome::Failure,
                "RESOURCE_EXHAUSTED" | "CANCELLED" => Outcome::Ignored,
                _ => Outcome::Success,
            };
            for pushback in [None, Some("10"), Some("-1")] {
                assert_eq!(GrpcCodes::health().classify(&ended(code, pushback)), expected, "{code} {pushback:?}");
            }
        }
    }

    #[test]
    fn only_what_was_not_worked_on_is_transient() {
        for code in GrpcCode::ALL {
            for (pushback, is_told) in [(None, false), (Some("0"), true), (Some("-1"), false), (Some("x"), false)] {
                let is_transient = code == GrpcCode::Unavailable || (code == GrpcCode::ResourceExhausted && is_told);
                let outcome = GrpcCodes::transient().classify(&ended(code, pushback));
                assert_eq!(outcome == Outcome::Failure, is_transient, "{code} {pushback:?}");
            }
        }
    }

    #[test]
    fn a_code_counts_as_it_was_last_told() {
        for code in GrpcCode::ALL {
            let mut codes = GrpcCodes::transient();
            for outcome in [Outcome::Failure, Outcome::Ignored, Outcome::Success, Outcome::Ignored, Outcome::Failure] {
                codes = codes.count_as(code, outcome);
                for pushback in [None, Some("1"), Some("-1")] {
                    assert_eq!(codes.classify(&ended(code, pushback)), outcome, "{code} {pushback:?}");
                }
                let others = GrpcCode::ALL.into_iter().filter(|other| *other != code);
                for other in others {
                    let unchanged = GrpcCodes::transient().classify(&ended(other, None));
                    assert_eq!(codes.classify(&ended(other, None)), unchanged, "{other} with {code}");
                }
            }
        }
    }

    #[test]
    fn a_head_without_a_code_is_a_success() {
        let streaming: Answered = Ok(http::Response::new(()));
        assert_eq!(GrpcCodes::health().classify(&streaming), Outcome::Success);
        let proxy: Answered = Ok(http::Response::builder().status(502).body(()).expect("a response"));
        assert_eq!(GrpcCodes::health().classify(&proxy), Outcome::Failure);
        assert_eq!(GrpcCodes::transient().classify(&proxy), Outcome::Failure);
    }

    #[test]
    fn errors_and_rejections_count_as_they_do_in_http() {
        let reset: Answered = Err(Error::Inner(io::ErrorKind::ConnectionReset.into()));
        assert_eq!(GrpcCodes::health().classify(&reset), Outcome::Failure);
        assert_eq!(GrpcCodes::transient().classify(&reset), Outcome::Failure);
        let plain: Result<http::Response<()>, io::Error> = Err(io::ErrorKind::ConnectionReset.into());
        assert_eq!(GrpcCodes::health().any_error().classify(&plain), Outcome::Failure);
        for rejection in crate::testing::rejections() {
            let is_timeout = matches!(rejection, Rejection::TimedOut(_));
            let expected = if is_timeout { Outcome::Failure } else { Outcome::Ignored };
            let result: Answered = Err(Error::Rejected(rejection));
            assert_eq!(GrpcCodes::health().classify(&result), expected, "{result:?}");
            assert_eq!(GrpcCodes::transient().classify(&result), Outcome::Failure, "{result:?}");
        }
    }

    #[test]
    fn its_debug_text_shows_the_sets() {
        let text = format!("{:?}", GrpcCodes::transient());
        assert!(text.contains("failures: {Unavailable}") && text.contains("if_told: {ResourceExhausted}"), "{text}");
    }
}
