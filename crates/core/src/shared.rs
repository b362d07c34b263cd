use std::{cell::Cell, fmt, ops::Deref, sync::Arc};

/// A value shared by many threads that do not fight over its reference count.
///
/// A call that outlives the borrow of its policy must own a share of it, and two threads that count one number up and
/// down spend more on that than on all else. So there is a count for each lane, a lane being a group of threads:
/// [`hold`](Self::hold) takes a share by the count of the thread's own lane. Clones of the whole use one count.
pub struct Shared<T> {
    value: Arc<T>,
    lanes: Arc<[Arc<Lane<T>>]>,
}

/// A share of a [`Shared`] value, taken by the count of one lane.
pub struct Held<T>(Arc<Lane<T>>);

/// Aligned, so that the counts of two lanes never lie in one cache line.
#[repr(align(128))]
struct Lane<T>(Arc<T>);

impl<T> Shared<T> {
    /// Shares `value`, with `lanes` reference counts, rounded up to a power of two.
    pub fn new(value: T, lanes: usize) -> Self {
        let value = Arc::new(value);
        let lanes = (0..lanes.next_power_of_two()).map(|_| Arc::new(Lane(value.clone()))).collect();
        Self { value, lanes }
    }

    /// A share that outlives this borrow.
    #[inline]
    pub fn hold(&self) -> Held<T> {
        Held(self.lanes[current_lane() & (self.lanes.len() - 1)].clone())
    }
}

/// The lane of this thread. Threads are numbered as they first ask, so few threads have lanes of their own.
#[inline]
pub fn current_lane() -> usize {
    LANE.with(|lane| {
        let number = lane.get();
        if number == UNNUMBERED { number_thread(lane) } else { number }
    })
}

#[cold]
fn number_thread(lane: &Cell<usize>) -> usize {
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed) & (usize::MAX >> 1);
    lane.set(number);
    number
}

thread_local! {
    static LANE: Cell<usize> = const { Cell::new(UNNUMBERED) };
}

static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

const UNNUMBERED: usize = usize::MAX;

impl<T> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Deref for Held<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0.0
    }
}

// By hand: derive would ask for `T: Clone`.
impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), lanes: self.lanes.clone() }
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Debug> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_outlives_the_whole() {
        let shared = Shared::new(String::from("kept"), 3);
        let held = shared.hold();
        drop(shared);
        assert_eq!(*held, "kept");
    }

    #[test]
    fn threads_have_lanes_of_their_own() {
        let here = current_lane();
        assert_eq!(current_lane(), here);
        assert_ne!(std::thread::spawn(current_lane).join().unwrap(), here);
    }
}
