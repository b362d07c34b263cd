//! Retries of calls that succeed at the first attempt.

use std::time::Duration;

pub mod backon;
pub mod bare;
pub mod seatbelt;
pub mod seawall;
pub mod tokio_retry2;
pub mod tower;
pub mod tower_resilience;

/// Attempts, the first included.
const ATTEMPTS: usize = 3;

/// The first pause.
const PAUSE: Duration = Duration::from_millis(50);

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(2);
