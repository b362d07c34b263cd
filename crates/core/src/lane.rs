use std::{
    cell::Cell,
    collections::BTreeSet,
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
};

/// The number of this thread: small, and no other living thread's. It is what [`Caller::lane`](crate::Caller::lane) asks
/// for.
///
/// A thread is numbered when it first asks, with the least number that is free, and gives its number back when it ends.
/// So the threads of a service, which live long, have small numbers, however many short-lived ones come and go.
#[inline]
pub fn current_lane() -> usize {
    LANE.with(|lane| {
        let number = lane.get();
        if number == UNNUMBERED { number_thread(lane) } else { number }
    })
}

/// How many lanes are worth having: more than threads can run at once, as threads are numbered as they come, and two busy
/// ones should not meet. From 8 to 32.
pub fn lanes() -> usize {
    static LANES: OnceLock<usize> = OnceLock::new();
    *LANES.get_or_init(|| (4 * thread::available_parallelism().map_or(2, NonZeroUsize::get)).clamp(8, 32))
}

#[cold]
fn number_thread(lane: &Cell<usize>) -> usize {
    // A thread that is ending has given its number back, and shares the last one with its like.
    let number = OWNER.try_with(|owner| owner.0).unwrap_or(ENDING);
    lane.set(number);
    number
}

thread_local! {
    // Apart from its owner, as a value without a destructor is cheaper to look at.
    static LANE: Cell<usize> = const { Cell::new(UNNUMBERED) };
    static OWNER: Owner = Owner(numbers().take());
}

struct Owner(usize);

impl Drop for Owner {
    fn drop(&mut self) {
        LANE.set(UNNUMBERED);
        numbers().free.insert(self.0);
    }
}

struct LaneNumbers {
    next: usize,
    free: BTreeSet<usize>,
}

impl LaneNumbers {
    fn take(&mut self) -> usize {
        self.free.pop_first().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }
}

fn numbers() -> MutexGuard<'static, LaneNumbers> {
    static NUMBERS: Mutex<LaneNumbers> = Mutex::new(LaneNumbers { next: 0, free: BTreeSet::new() });
    // No code that can panic runs under this lock.
    NUMBERS.lock().unwrap_or_else(PoisonError::into_inner)
}

const UNNUMBERED: usize = usize::MAX;
const ENDING: usize = usize::MAX - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn living_threads_have_numbers_of_their_own() {
        let barrier = Barrier::new(4);
        let mut numbers: Vec<usize> = thread::scope(|scope| {
            let number = || {
                let number = current_lane();
                barrier.wait();
                assert_eq!(current_lane(), number);
                number
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(number)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 4);
    }

    #[test]
    fn numbers_stay_small_however_many_threads_come_and_go() {
        let highest = (0..200).map(|_| thread::spawn(current_lane).join().unwrap()).max().unwrap();
        assert!(highest < 100, "{highest}");
    }

    #[test]
    fn a_thread_that_is_ending_gives_no_number_away() {
        struct AsksLate;
        impl Drop for AsksLate {
            fn drop(&mut self) {
                assert!(current_lane() == ENDING || OWNER.try_with(|_| ()).is_ok());
            }
        }
        thread_local!(static LATE: AsksLate = const { AsksLate });
        thread::spawn(|| {
            LATE.with(|_| ());
            current_lane()
        })
        .join()
        .unwrap();
    }
}
