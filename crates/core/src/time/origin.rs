use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use super::instant::saturating_nanos;

/// The nanoseconds from the process's origin to `instant`.
///
/// One origin serves all policies, so that their instants compare. It lies long before the first use: a paused tokio
/// clock stands still at the moment its runtime was built, which may be before anyone asked for the time.
#[inline]
pub(super) fn nanos_since(instant: Instant) -> u64 {
    saturating_nanos(instant.saturating_duration_since(*ORIGIN.get_or_init(before_now)))
}

/// The instant `nanos` after the process's origin.
#[cfg(feature = "tokio")]
pub(super) fn instant_at(nanos: u64) -> Instant {
    let origin = *ORIGIN.get_or_init(before_now);
    // Where the system's clock cannot say so late a time, 30 years are as good as never.
    origin.checked_add(Duration::from_nanos(nanos)).unwrap_or_else(|| Instant::now() + 365 * 30 * DAY)
}

fn before_now() -> Instant {
    let now = Instant::now();
    // Some systems count from their start and cannot say earlier times: then as early as they can.
    [1_000 * DAY, DAY, DAY / 24, DAY / 1_440].iter().find_map(|&age| now.checked_sub(age)).unwrap_or(now)
}

static ORIGIN: OnceLock<Instant> = OnceLock::new();

const DAY: Duration = Duration::from_secs(86_400);
