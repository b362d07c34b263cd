//! The clocks that limiters read.

use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use governor::clock::{QuantaInstant, QuantaUpkeepClock};
use seawall::time::{self, DefaultClock, FastClock, Instant, SystemClock};

use crate::contenders::{AlwaysOk, Answer, Make, bodies, served};

/// The clock that a limiter reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clock {
    /// seawall's default: tokio's clock.
    Default,
    /// The system's precise clock: `Instant`.
    System,
    /// quanta's clock, as governor reads it.
    Quanta,
    /// A coarse clock. seawall: the system's; governor: quanta's, which a thread updates.
    Coarse,
}

/// A seawall clock over quanta: read and scaled as governor's is.
#[derive(Clone, Debug, Default)]
pub struct Quanta(quanta::Clock);

impl time::Clock for Quanta {
    #[inline]
    fn now(&self) -> Instant {
        Instant::from_nanos(self.0.delta_as_nanos(0, self.0.raw()))
    }
}

/// The operation, and a clock read before it.
#[must_use]
pub fn read(clock: Clock) -> Make {
    match clock {
        Clock::Default => reading(DefaultClock::default),
        Clock::System => reading(|| SystemClock),
        Clock::Quanta => reading(Quanta::default),
        Clock::Coarse => reading(|| FastClock),
    }
}

fn reading<K: time::Clock + Send + 'static>(clock: fn() -> K) -> Make {
    bodies(
        move || clock,
        |clock| {
            let clock = clock();
            served(move |request, seen| {
                black_box(clock.now());
                seen.result::<AlwaysOk, _>(|| AlwaysOk::answer(request));
            })
        },
    )
}

/// governor's coarse clock. There is one at a time in a process, and its thread runs for as long as somebody has it: not
/// while others are measured.
#[derive(Clone, Debug)]
pub struct Upkept {
    clock: QuantaUpkeepClock,
    _shared: Arc<QuantaUpkeepClock>,
}

impl Upkept {
    pub(in crate::contenders) fn new() -> Self {
        static SHARED: Mutex<Weak<QuantaUpkeepClock>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let clock = shared.upgrade().unwrap_or_else(|| Arc::new(start()));
        *shared = Arc::downgrade(&clock);
        Self { clock: QuantaUpkeepClock::clone(&clock), _shared: clock }
    }
}

impl governor::clock::Clock for Upkept {
    type Instant = QuantaInstant;

    #[inline]
    fn now(&self) -> QuantaInstant {
        self.clock.now()
    }
}

fn start() -> QuantaUpkeepClock {
    loop {
        match QuantaUpkeepClock::from_interval(TICK) {
            Ok(clock) => return clock,
            // The former thread is just ending.
            Err(_) => thread::yield_now(),
        }
    }
}

/// The tick of the kernel's coarse clock at 250 Hz.
const TICK: Duration = Duration::from_millis(4);
