//! All five policies around one call, with room and quota for any number of them: rate limit, timeout, retry, circuit
//! breaker, bulkhead, from the outside in. Each policy is set as where it is measured by itself.

pub mod seawall;
pub mod tower;
pub mod tower_resilience;
