use std::{fmt, time::Duration};

use crate::{
    Rejection, TimedOut,
    breaker::{State, Why},
    rate::Quota,
};

/// What there is to say of an event, for an observer that serves the whole family.
#[non_exhaustive]
#[derive(Debug, Clone, Copy)]
pub struct EventFacts<'a> {
    /// What kind of policy it happened to, as in `circuit breaker`.
    pub kind: &'static str,
    /// What happened, in a word or two that are always the same.
    pub what: &'static str,
    /// How much it matters.
    pub level: Level,
    /// Why it happened; `None` where there is nothing to add.
    pub reason: Option<EventReason<'a>>,
    /// How the policy stood before and stands now, where that changed.
    pub step: Option<(PolicyState, PolicyState)>,
    /// The number of the attempt that it happened to, from 1.
    pub attempt: Option<u32>,
    /// How long until the next attempt.
    pub wait: Option<Duration>,
    /// After how long the callee, or the policy that refused, would see the call again.
    pub retry_after: Option<Duration>,
}

/// How much an event matters. In order of detail: an observer from [`Info`](Self::Info) on is told of `Warn` and `Info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Calls are refused from now on: a circuit opened.
    Warn,
    /// A policy stands otherwise than before.
    Info,
    /// It happened to one call: it was refused, retried or cut off.
    Debug,
}

/// Why something happened; `Display` says it without the policy's name.
#[non_exhaustive]
#[derive(Clone, Copy)]
pub enum EventReason<'a> {
    /// Why a circuit changed its state.
    Change(Why),
    /// Why a call was refused.
    Rejection(&'a Rejection),
    /// Why a call was cut off.
    TimedOut(&'a TimedOut),
    /// Anything else.
    Words(&'a dyn fmt::Display),
}

/// How a policy stands.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PolicyState {
    /// The state of a circuit.
    State(State),
    /// The quota of a rate limit.
    Quota(Quota),
    /// How many calls a bulkhead lets be in flight.
    Limit(usize),
}

impl<'a> EventFacts<'a> {
    /// The least that there is to say.
    pub const fn new(kind: &'static str, what: &'static str, level: Level) -> Self {
        Self { kind, what, level, reason: None, step: None, attempt: None, wait: None, retry_after: None }
    }

    /// A call was refused by a policy of that kind.
    pub fn rejected(kind: &'static str, rejection: &'a Rejection) -> Self {
        let facts = Self::new(kind, "rejected", Level::Debug).because(EventReason::Rejection(rejection));
        Self { retry_after: rejection.retry_after(), ..facts }
    }

    /// With the reason.
    #[must_use]
    pub const fn because(self, reason: EventReason<'a>) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// With how the policy stood, and stands now.
    #[must_use]
    pub const fn from_to(self, from: PolicyState, to: PolicyState) -> Self {
        Self { step: Some((from, to)), ..self }
    }

    /// With the number of the attempt.
    #[must_use]
    pub const fn at_attempt(self, attempt: u32) -> Self {
        Self { attempt: Some(attempt), ..self }
    }

    /// With how long until the next attempt, and what the callee or a policy had asked for.
    #[must_use]
    pub const fn waiting(self, wait: Duration, retry_after: Option<Duration>) -> Self {
        Self { wait: Some(wait), retry_after, ..self }
    }
}

impl EventReason<'_> {
    /// Someone said so.
    pub const BY_HAND: Self = Self::Change(Why::Manual);
}

impl fmt::Display for EventReason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change(why) => why.fmt(f),
            Self::Rejection(rejection) => rejection.why(f),
            Self::TimedOut(timed_out) => timed_out.why(f),
            Self::Words(words) => words.fmt(f),
        }
    }
}

impl fmt::Debug for EventReason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for PolicyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(state) => state.fmt(f),
            Self::Quota(quota) => quota.fmt(f),
            Self::Limit(limit) => limit.fmt(f),
        }
    }
}
