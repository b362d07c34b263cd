use std::{
    cell::Cell,
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Where random numbers come from: each thread's own generator, or one that begins at a seed and is shared by clones.
#[derive(Debug, Clone, Default)]
pub struct Chance(Option<Arc<Sequence>>);

#[derive(Debug)]
struct Sequence {
    seed: u64,
    drawn: AtomicU64,
}

impl Chance {
    /// Other numbers in each thread, in each run.
    pub const fn new() -> Self {
        Self(None)
    }

    /// The same numbers in each run.
    pub fn seeded(seed: u64) -> Self {
        Self(Some(Arc::new(Sequence { seed, drawn: AtomicU64::new(0) })))
    }

    /// A number that is uniform over all of `u64`.
    pub fn draw(&self) -> u64 {
        match &self.0 {
            Some(sequence) => random(sequence.seed, sequence.drawn.fetch_add(1, Ordering::Relaxed)),
            // A thread that ends draws the same number again and again, which harms nobody.
            None => THREAD.try_with(Thread::draw).unwrap_or_default(),
        }
    }
}

struct Thread {
    seed: u64,
    drawn: Cell<u64>,
}

impl Thread {
    fn draw(&self) -> u64 {
        self.drawn.set(self.drawn.get().wrapping_add(1));
        random(self.seed, self.drawn.get())
    }
}

thread_local! {
    static THREAD: Thread = Thread { seed: RandomState::new().build_hasher().finish(), drawn: Cell::new(0) };
}

/// A random number that follows from `seed` and `step` (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", 2014; the mixer is Stafford's variant 13).
pub(crate) fn random(seed: u64, step: u64) -> u64 {
    let mut z = seed.wrapping_add(step.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn random_numbers_spread() {
        let (mut low, mut seen) = (0, HashSet::new());
        for step in 0..10_000 {
            let value = random(7, step);
            low += usize::from(value < u64::MAX / 2);
            seen.insert(value);
        }
        assert_eq!(seen.len(), 10_000);
        assert!((4_700..5_300).contains(&low), "{low}");
        assert_ne!(random(7, 1), random(8, 1));
    }

    #[test]
    fn a_seed_gives_the_same_numbers_and_clones_go_on_with_them() {
        let (one, two) = (Chance::seeded(3), Chance::seeded(3));
        let clone = one.clone();
        assert_eq!([one.draw(), clone.draw()], [two.draw(), two.draw()]);
    }

    #[test]
    fn threads_draw_different_numbers() {
        let here: HashSet<_> = (0..100).map(|_| Chance::new().draw()).collect();
        let there = std::thread::spawn(|| (0..100).map(|_| Chance::new().draw()).collect::<HashSet<_>>());
        assert_eq!((here.len(), here.intersection(&there.join().expect("it does not panic")).count()), (100, 0));
    }
}
