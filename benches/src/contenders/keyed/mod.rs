//! Rate limits by key. All keys are held from the beginning, none is idle while it is measured, and each call is one of
//! them, drawn at random.

use crate::contenders::rate::{HOUR, Supply};
use crate::contenders::{AlwaysOk, Answer, Make, Run, bodies, served};

pub mod governor;
pub mod seawall;

pub use crate::contenders::rate::clock::Clock;

/// A key is drawn, and the operation made.
#[must_use]
pub fn drawn(keys: u64) -> Make {
    bodies(
        || (),
        move |()| {
            let mut draw = Draw::new(keys);
            served(move |request, seen| {
                std::hint::black_box(draw.next());
                seen.result::<AlwaysOk, _>(|| AlwaysOk::answer(request));
            })
        },
    )
}

/// The keys in a row, and nothing beside them.
#[must_use]
pub fn alone(keys: u64) -> Make {
    holding(move || (0..keys).collect::<Vec<u64>>(), move |all| all.len() as u64 == keys)
}

/// A body that only holds what it was made with, and whether that is whole.
fn holding<T: Send + 'static>(
    make: impl Fn() -> T + 'static,
    is_whole: impl Fn(&T) -> bool + Clone + Send + 'static,
) -> Make {
    Box::new(move |threads| {
        assert_eq!(threads, 1, "it is not shared");
        let (held, is_whole) = (make(), is_whole.clone());
        let run: Run = Box::new(move |_| assert!(is_whole(&held), "keys were lost"));
        vec![run]
    })
}

/// Draws keys from those below a number, all as likely.
struct Draw {
    state: u64,
    keys: u64,
}

impl Draw {
    fn new(keys: u64) -> Self {
        // Two threads must not draw the same.
        static DRAWS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        Self { state: DRAWS.fetch_add(1, std::sync::atomic::Ordering::Relaxed).wrapping_mul(MULTIPLIER), keys }
    }

    /// A linear congruential generator, by its upper half: as good as it has to be, in a nanosecond.
    #[inline(always)]
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT);
        ((self.state >> 32) * self.keys) >> 32
    }
}

// D. Knuth, MMIX.
const MULTIPLIER: u64 = 6_364_136_223_846_793_005;
const INCREMENT: u64 = 1_442_695_040_888_963_407;

/// How many calls a key has at once: more than a run makes, and as one is given back an hour later, it is idle in no run.
const BURST: u32 = 1_000_000;
