use crate::{
    line::CacheAligned,
    sync::{AtomicU64, Ordering},
};

/// Counts what many threads do, exactly, and without one line of memory that all of them wait for.
///
/// The first threads have a cell each, where they store; the later ones share one, where they add.
#[derive(Debug)]
pub(crate) struct Counter {
    own: Box<[CacheAligned<AtomicU64>]>,
    /// Not aligned: few threads come here, or the counter is to be small.
    shared: AtomicU64,
}

impl Counter {
    /// A single lane is shared, because any thread may come.
    pub(crate) fn new(lanes: usize) -> Self {
        let own = if lanes == 1 { 0 } else { lanes };
        Self { own: (0..own).map(|_| CacheAligned(AtomicU64::new(0))).collect(), shared: AtomicU64::new(0) }
    }

    /// `thread` is as of [`Caller::lane`](crate::Caller::lane).
    #[inline]
    pub(crate) fn add_one(&self, thread: usize) {
        match self.own.get(thread) {
            Some(cell) => cell.store(cell.load(Ordering::Relaxed) + 1, Ordering::Relaxed),
            None => {
                self.shared.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn sum(&self) -> u64 {
        let own: u64 = self.own.iter().map(|cell| cell.load(Ordering::Relaxed)).sum();
        own + self.shared.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_with_lanes_of_their_own_or_shared() {
        let counter = Counter::new(2);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let counter = &counter;
                scope.spawn(move || (0..10_000).for_each(|_| counter.add_one(thread)));
            }
        });
        assert_eq!(counter.sum(), 40_000);
    }
}
