use ::tokio::time;

use super::{Clock, Instant, Timer, origin};

/// The clock of tokio: the system's, unless the runtime's time is paused (`tokio::time::pause`), which it then obeys.
///
/// It works outside of a runtime too; only [`sleep_until`](Timer::sleep_until) needs one. Without tokio's feature
/// `test-util` a read is the same code as a read of the system's clock; with it, a read also looks for a paused
/// runtime.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioClock;

impl Clock for TokioClock {
    #[inline]
    fn now(&self) -> Instant {
        Instant::from_nanos(origin::nanos_since(time::Instant::now().into_std()))
    }
}

impl Timer for TokioClock {
    type Sleep = time::Sleep;

    /// # Panics
    ///
    /// Outside of a tokio runtime with its time driver.
    fn sleep_until(&self, deadline: Instant) -> time::Sleep {
        time::sleep_until(origin::instant_at(deadline.as_nanos()).into())
    }
}
