use std::time::Duration;

use seawall_bulkhead::Bulkhead;
use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::{Backoff, Budget, ErrIsFailure, Name, Window, breaker::Trip, lanes, time::DefaultClock};
use seawall_rate_limit::RateLimiter;
use seawall_retry::{Plan, Retry};
use seawall_timeout::Timeout;

use super::{Stack, Unlimited};

/// The policies of [`Stack::standard`], outermost first. `L` is [`RateLimiter`] after
/// [`set_rate_limit`](Stack::set_rate_limit).
pub type Standard<P = Plan, C = ErrIsFailure, L = Unlimited> =
    (L, (Timeout, (Retry<P>, (CircuitBreaker<C>, (Bulkhead, (Timeout, ()))))));

impl Stack {
    /// Returns the stack that we would run ourselves in front of a callee without special needs.
    ///
    /// | outermost first | value | why |
    /// |---|---|---|
    /// | rate limit | none, unless [`set_rate_limit`](Self::set_rate_limit) gives one | only you know how many calls your callee can take. Outside the retry: a call pays once |
    /// | timeout, of the call | 10 s | as long as a person waits (Nielsen, 1993), and room for three attempts of 3 s |
    /// | retry | 3 attempts, from 100 ms on doubling, full jitter | two more attempts survive a restart or a lost packet, and more attempts only add load (Google SRE book, ch. 22) |
    /// | longest wait for a rejection | 1 s | a call to an open circuit fails at once, and does not hold its place for 5 s. The short wait for a full bulkhead or a rate limit is worth it |
    /// | its budget | 50 + 20 % of the calls + 1 a second | Finagle's share with a smaller floor: an outage of a minute costs at most 1.3 times the load at 20 calls a second, not three times |
    /// | circuit breaker | half of 20 calls or more in 10 s failed; open for 5 s | Hystrix's defaults. Inside the retry: the breaker sees each attempt |
    /// | bulkhead | 100 in flight, 100 waiting for at most 1 s | a callee at 1000 calls a second and 100 ms has 100 in flight (Little's law). Inside the breaker: a rejected call takes no slot |
    /// | timeout, of an attempt | 3 s | inside the breaker: an attempt that hangs counts as a failure |
    ///
    /// All policies get the given name. The timeout of an attempt gets `.attempt` after the name, so that metrics and messages tell
    /// the two timeouts apart.
    ///
    /// To the retry and the breaker alike, an `Err` is a failure. If a callee's failures are responses, such as a 500, give both
    /// policies a classifier: the classifiers of `seawall-http` know HTTP and gRPC.
    ///
    /// To change a policy, give another policy in its place:
    ///
    /// ```
    /// # use std::time::Duration;
    /// use seawall::{Quota, RateLimiter, Stack, Timeout};
    ///
    /// let stack = Stack::standard("inventory")
    ///     .set_rate_limit(RateLimiter::new("inventory", Quota::per_second(50).burst(10)))
    ///     .set_attempt_timeout(Timeout::new("inventory.attempt", Duration::from_millis(500)));
    /// assert!(stack.check().is_empty());
    /// ```
    pub fn standard(name: impl Into<Name>) -> Stack<Standard> {
        Self::standard_in_lanes(name, lanes())
    }

    /// Same as [`standard`](Self::standard), with policies that count in `lanes` lanes, from 1 to 64. One lane needs the least
    /// memory, 2.5 KB for the stack, and eight need 10 KB. Choose it for stacks that you make per key or per user.
    /// Threads that use one such stack at the same time then wait for one cache line.
    pub fn standard_in_lanes(name: impl Into<Name>, lanes: usize) -> Stack<Standard> {
        let name = name.into();
        let attempt = format!("{name}.attempt");
        Stack::new()
            .with(Unlimited)
            .timeout(Timeout::new(name.clone(), Duration::from_secs(10)))
            .retry(
                Retry::builder(name.clone())
                    .max_attempts(3)
                    .backoff(Backoff::exponential(Duration::from_millis(100)).max(Duration::from_secs(10)))
                    .budget(Budget::ratio(0.2).lanes(lanes))
                    .max_rejection_wait(Duration::from_secs(1))
                    .build(),
            )
            .circuit_breaker(
                CircuitBreaker::builder(name.clone())
                    .trip(Trip::failure_rate(0.5).over(Window::time(Duration::from_secs(10))).min_calls(20))
                    .open_for(Duration::from_secs(5))
                    .lanes(lanes)
                    .build(),
            )
            .bulkhead(
                Bulkhead::builder(name, 100).max_queued(100).max_wait(Duration::from_secs(1)).lanes(lanes).build(),
            )
            .timeout(Timeout::new(attempt, Duration::from_secs(3)))
    }
}

impl<P, C, L> Stack<Standard<P, C, L>> {
    /// Sets the rate limit, which is the outermost policy.
    #[must_use]
    pub fn set_rate_limit(self, limiter: RateLimiter) -> Stack<Standard<P, C, RateLimiter>> {
        let (_, rest) = self.policies;
        Stack { policies: (limiter, rest) }
    }

    /// Replaces the limit for the whole call.
    #[must_use]
    pub fn set_timeout(self, timeout: Timeout) -> Self {
        let (limiter, (_, rest)) = self.policies;
        Self { policies: (limiter, (timeout, rest)) }
    }

    /// Replaces the retry, for example by a retry with a classifier of yours. It keeps its own settings: its
    /// [`max_rejection_wait`](seawall_retry::Builder::max_rejection_wait) says how long it waits for an open circuit.
    #[must_use]
    pub fn set_retry<Q>(self, retry: Retry<Q, DefaultClock>) -> Stack<Standard<Q, C, L>> {
        let (limiter, (timeout, (_, rest))) = self.policies;
        Stack { policies: (limiter, (timeout, (retry, rest))) }
    }

    /// Replaces the circuit breaker, for example by a breaker with a classifier of yours.
    #[must_use]
    pub fn set_circuit_breaker<D>(self, breaker: CircuitBreaker<D>) -> Stack<Standard<P, D, L>> {
        let (limiter, (timeout, (retry, (_, rest)))) = self.policies;
        Stack { policies: (limiter, (timeout, (retry, (breaker, rest)))) }
    }

    /// Replaces the bulkhead.
    #[must_use]
    pub fn set_bulkhead(self, bulkhead: Bulkhead) -> Self {
        let (limiter, (timeout, (retry, (breaker, (_, rest))))) = self.policies;
        Self { policies: (limiter, (timeout, (retry, (breaker, (bulkhead, rest))))) }
    }

    /// Replaces the limit for each attempt.
    #[must_use]
    pub fn set_attempt_timeout(self, timeout: Timeout) -> Self {
        let (limiter, (total, (retry, (breaker, (bulkhead, _))))) = self.policies;
        Self { policies: (limiter, (total, (retry, (breaker, (bulkhead, (timeout, ())))))) }
    }
}
