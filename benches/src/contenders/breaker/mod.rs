//! Circuit breakers.

pub mod failsafe;
pub mod machine;
pub mod recloser;
pub mod seatbelt;
pub mod seawall;
pub mod tower_resilience;
