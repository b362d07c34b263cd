//! Whole calls, whatever they meet, against a naive retry that keeps its times and its purse as plain numbers.

use crate::support;
use std::{env, time::Duration};

use crate::support::{Failed, Reply, Way, free, log};
use proptest::{collection::vec, option, prelude::*};
use seawall_bulkhead::Bulkhead;
use seawall_core::{
    Backoff, Budget, Deadline, Error, Hint, Jitter, Rejection,
    time::{Clock, Instant},
};
use seawall_rate_limit::{Quota, RateLimiter};
use seawall_retry::{Attempt, EventKind, GaveUp};
use seawall_testkit::{call::ends, clock::LeapingClock};

/// What an attempt comes to.
#[derive(Debug, Clone, Copy)]
enum End {
    Success,
    Failure(Hint),
    Rejected(Option<Duration>),
}

/// What a retry and a call are given.
#[derive(Debug, Clone)]
struct Given {
    max_attempts: u32,
    backoff: Backoff,
    max_retry_after: Duration,
    heeds: bool,
    max_rejection_wait: Duration,
    max_elapsed: Option<Duration>,
    deadline: Option<Duration>,
    min_useful: Duration,
    saved: u32,
    /// The attempts, and how long each takes; the last one again and again.
    ends: Vec<(End, Duration)>,
}

/// How a call went.
#[derive(Debug, Default, PartialEq)]
struct Went {
    attempts: u32,
    waits: Vec<Duration>,
    succeeded: bool,
    reason: Option<GaveUp>,
    retries_left: f64,
}

impl Given {
    fn end(&self, attempt: u32) -> (End, Duration) {
        self.ends[(attempt as usize - 1).min(self.ends.len() - 1)]
    }

    /// What the naive retry does. Time and the steps of the backoff begin at zero.
    fn foretell(&self) -> Went {
        let mut went = Went { retries_left: f64::from(self.saved), ..Went::default() };
        let (mut now, mut step) = (Duration::ZERO, 0);
        went.reason = loop {
            went.attempts += 1;
            let (end, takes) = self.end(went.attempts);
            now += takes;
            let last = went.attempts == self.max_attempts;
            let failed = match end {
                End::Success => {
                    went.succeeded = true;
                    break None;
                }
                _ if last => break Some(GaveUp::Attempts),
                // To a retry that heeds no rejections it is a failure that says nothing.
                End::Rejected(_) if !self.heeds => End::Failure(Hint::None),
                other => other,
            };
            let wait = match failed {
                End::Failure(Hint::Never) => break Some(GaveUp::Told),
                End::Failure(Hint::Exactly(wish) | Hint::After(wish)) if wish > self.max_retry_after => {
                    break Some(GaveUp::RetryAfter);
                }
                End::Failure(Hint::Exactly(wait)) => {
                    step = 0;
                    wait
                }
                End::Failure(Hint::After(wish)) => {
                    step += 1;
                    wish.max(self.backoff.delay(step - 1))
                }
                End::Rejected(Some(wait)) if wait <= self.max_rejection_wait => {
                    step += 1;
                    wait.max(self.backoff.delay(step - 1))
                }
                End::Rejected(_) => break Some(GaveUp::Rejected),
                _ => {
                    step += 1;
                    self.backoff.delay(step - 1)
                }
            };
            now += wait;
            if self.deadline.is_some_and(|deadline| now + self.min_useful >= deadline) {
                break Some(GaveUp::Deadline);
            }
            if self.max_elapsed.is_some_and(|most| now > most) {
                break Some(GaveUp::Elapsed);
            }
            if went.retries_left < 1.0 {
                break Some(GaveUp::Budget);
            }
            went.retries_left -= 1.0;
            went.waits.push(wait);
        };
        went
    }

    /// What the retry does.
    fn run(&self, way: Way) -> Went {
        let (clock, (log, observer)) = (LeapingClock::default(), log());
        let budget = Budget::ratio(0.0).floor(0);
        (0..self.saved).for_each(|_| budget.refund());
        let ends_with = self.clone();
        let hint = move |attempt: &Attempt, _: &Reply| match ends_with.end(attempt.number()).0 {
            End::Failure(hint) => hint,
            _ => Hint::None,
        };
        let builder = free().clock(clock.clone()).budget(budget.clone()).backoff(self.backoff.jitter(Jitter::None));
        let builder = builder.max_attempts(self.max_attempts).max_retry_after(self.max_retry_after);
        let builder = builder.max_elapsed(self.max_elapsed.unwrap_or(Duration::MAX)).min_useful(self.min_useful);
        let builder = builder.heed_rejections(self.heeds).max_rejection_wait(self.max_rejection_wait);
        let retry = builder.hint(hint).on_event(observer).build();
        let mut attempts = 0;
        let attempt = || {
            attempts += 1;
            let (end, takes) = self.end(attempts);
            clock.advance(takes);
            support::answers(reply(end, attempts))
        };
        let deadline = self.deadline.map_or(Deadline::at(Instant::MAX), |time| Deadline::after_by(time, &clock));
        let began = clock.now();
        let result = ends(deadline.scope(way.start(&retry, attempt)));
        assert_eq!(began, Instant::ORIGIN);
        let is_own = |number: &u32| matches!(self.end(*number).0, End::Failure(_));
        let (last, was_sent) = (self.end(attempts).0, (1..attempts).rev().find(is_own));
        match (last, was_sent) {
            (End::Rejected(_), Some(number)) => {
                assert_eq!(result, support::failed(number), "a rejection hides no error of an attempt that was sent");
            }
            (End::Rejected(wait), _) => {
                let rejection = result.as_ref().unwrap_err().rejection().unwrap();
                assert_eq!(rejection.retry_after(), wait);
            }
            _ => assert_eq!(result, reply(last, attempts), "it is the last one's"),
        }
        let events = log.lock().unwrap();
        let waits = |event: &EventKind| match event {
            EventKind::Retrying { wait, .. } => Some(*wait),
            _ => None,
        };
        let told: Vec<_> = events.iter().filter_map(waits).collect();
        let slept: Vec<_> = told.iter().copied().filter(|wait| *wait > Duration::ZERO).collect();
        assert_eq!(clock.take_waits(), slept);
        let recovered = events.iter().filter(|event| matches!(event, EventKind::Recovered { .. })).count();
        assert_eq!(recovered, usize::from(result.is_ok() && attempts > 1));
        drop(events);
        let reason = support::reasons(&log).first().copied();
        Went { attempts, waits: told, succeeded: result.is_ok(), reason, retries_left: budget.balance() }
    }
}

fn reply(end: End, number: u32) -> Reply {
    match end {
        End::Success => Ok(number),
        End::Failure(_) => Err(Error::Inner(Failed(number))),
        End::Rejected(wait) => Err(Error::Rejected(rejection(wait))),
    }
}

/// A real one.
fn rejection(wait: Option<Duration>) -> Rejection {
    let Some(wait) = wait else { return Bulkhead::new("full", 0).try_acquire().unwrap_err() };
    let limiter = RateLimiter::builder("l", Quota::every(wait)).clock(Instant::ORIGIN).build();
    limiter.try_acquire().unwrap();
    let rejection = limiter.try_acquire().unwrap_err();
    assert_eq!(rejection.retry_after(), Some(wait));
    rejection
}

// ===== strategies =====

/// Few different times, so that they meet.
fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![4 => (0..12_u64).prop_map(Duration::from_secs), 1 => (0..3_u64).prop_map(Duration::from_nanos)]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        1 => Just(End::Success),
        4 => Just(End::Failure(Hint::None)),
        2 => time().prop_map(|wish| End::Failure(Hint::After(wish))),
        2 => time().prop_map(|wait| End::Failure(Hint::Exactly(wait))),
        1 => Just(End::Failure(Hint::Never)),
        3 => (1..12_u64).prop_map(|wait| End::Rejected(Some(Duration::from_secs(wait)))),
        1 => Just(End::Rejected(None)),
    ]
}

fn backoff() -> impl Strategy<Value = Backoff> {
    (time(), 0..3, time()).prop_map(|(base, kind, most)| match kind {
        0 => Backoff::constant(base),
        1 => Backoff::linear(base).max(most),
        _ => Backoff::exponential(base).max(most),
    })
}

prop_compose! {
    fn given()(
        max_attempts in 1..8_u32,
        backoff in backoff(),
        max_retry_after in time(),
        heeds in any::<bool>(),
        max_rejection_wait in time(),
        max_elapsed in option::of(time()),
        deadline in option::of((1..40_u64).prop_map(Duration::from_secs)),
        min_useful in time(),
        saved in prop_oneof![0..3_u32, Just(50)],
        ends in vec((end(), time()), 1..8),
    ) -> Given {
        Given {
            max_attempts, backoff, max_retry_after, heeds, max_rejection_wait, max_elapsed, deadline, min_useful, saved, ends,
        }
    }
}

/// 2,000, or what `SEAWALL_CASES` says.
fn cases() -> u32 {
    env::var("SEAWALL_CASES").ok().map_or(2_000, |cases| cases.parse().expect("SEAWALL_CASES is a number"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_call_goes_as_the_naive_retry_says(given in given()) {
        for way in Way::ALL {
            prop_assert_eq!(given.run(way), given.foretell(), "{:?}", way);
        }
    }
}
