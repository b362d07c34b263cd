use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::{Clock, Instant, Timeline, Timer, instant::saturating_nanos};

/// A clock that stands still until it is told to go on; clones are the same clock. For tests.
///
/// ```
/// use std::time::Duration;
/// use seawall_core::time::{Clock, ManualClock};
///
/// let clock = ManualClock::new();
/// let start = clock.now();
/// clock.advance(Duration::from_secs(365 * 86_400));
/// assert_eq!(clock.now(), start + Duration::from_secs(365 * 86_400));
/// ```
#[derive(Clone, Default)]
pub struct ManualClock(Arc<ManualTime>);

struct ManualTime {
    timeline: Timeline,
    nanos: AtomicU64,
    sleepers: Mutex<Vec<Waker>>,
}

/// Ends once its [`ManualClock`] was told to go on far enough.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Sleep {
    clock: ManualClock,
    deadline: Instant,
}

impl ManualClock {
    /// A clock that stands at its origin.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on by `by`, at most to [`Instant::MAX`], and wakes who slept.
    pub fn advance(&self, by: Duration) {
        let step = saturating_nanos(by);
        let forward = |nanos: u64| Some(nanos.saturating_add(step));
        self.0.nanos.fetch_update(Ordering::AcqRel, Ordering::Acquire, forward).ok();
        // The early ones look at the clock, and sleep on.
        let sleepers = mem::take(&mut *self.0.sleepers.lock().unwrap_or_else(PoisonError::into_inner));
        sleepers.into_iter().for_each(Waker::wake);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        Instant::from_nanos(self.0.nanos.load(Ordering::Acquire))
    }

    fn timeline(&self) -> Timeline {
        self.0.timeline
    }
}

// By hand: each clock has a timeline of its own.
impl Default for ManualTime {
    fn default() -> Self {
        Self { timeline: Timeline::new(), nanos: AtomicU64::default(), sleepers: Mutex::default() }
    }
}

impl Timer for ManualClock {
    type Sleep = Sleep;

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep { clock: self.clone(), deadline }
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.now()).finish()
    }
}

// ===== impl Sleep =====

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // First the waker, then the look at the clock: an `advance` between the two must not go unheard.
        let mut sleepers = self.clock.0.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        if !sleepers.iter().any(|waker| waker.will_wake(cx.waker())) {
            sleepers.push(cx.waker().clone());
        }
        drop(sleepers);
        if self.clock.now() >= self.deadline { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Wake;

    struct Flag(AtomicU64);

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_sleeper_is_woken_and_ends_at_its_deadline() {
        let clock = ManualClock::new();
        let mut sleep = clock.sleep_until(clock.now() + Duration::from_secs(2));
        let flag = Arc::new(Flag(AtomicU64::new(0)));
        let waker = Waker::from(flag.clone());
        let mut cx = Context::from_waker(&waker);
        assert!(Pin::new(&mut sleep).poll(&mut cx).is_pending());
        clock.advance(Duration::from_secs(1));
        assert_eq!(flag.0.load(Ordering::Relaxed), 1);
        assert!(Pin::new(&mut sleep).poll(&mut cx).is_pending());
        clock.advance(Duration::from_secs(1));
        assert_eq!(flag.0.load(Ordering::Relaxed), 2);
        assert!(Pin::new(&mut sleep).poll(&mut cx).is_ready());
    }

    #[test]
    fn it_stops_at_the_end_of_time() {
        let clock = ManualClock::new();
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Instant::MAX);
    }
}
