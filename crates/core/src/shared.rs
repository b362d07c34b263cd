use std::{
    fmt,
    ops::Deref,
    sync::{Arc, Weak},
};

use crate::lane::current_lane;

/// A value shared by many threads that do not fight over its reference count.
///
/// A call that outlives the borrow of its policy must own a share of it, and two threads that count one number up and
/// down spend more on that than on all else. So there is a count for each lane, a lane being a group of threads:
/// [`hold`](Self::hold) takes a share by the count of the thread's own lane. Clones of the whole use one count.
pub struct Shared<T> {
    value: Arc<T>,
    lanes: Arc<[Arc<CountLane<T>>]>,
}

/// A handle on a [`Shared`] value that does not keep the value.
pub struct WeakShared<T> {
    // The shares that calls hold do not keep these.
    lanes: Weak<[Arc<CountLane<T>>]>,
}

/// A share of a [`Shared`] value, taken by the count of one lane.
pub struct Held<T>(Arc<CountLane<T>>);

/// Padded, so that the counts of two lanes lie 128 bytes apart, and never in one cache line.
struct CountLane<T> {
    value: Arc<T>,
    _padding: [u64; 13],
}

impl<T> Shared<T> {
    /// Shares `value`, with `lanes` reference counts, rounded up to a power of two.
    pub fn new(value: T, lanes: usize) -> Self {
        let value = Arc::new(value);
        let lanes = (0..lanes.next_power_of_two())
            .map(|_| Arc::new(CountLane { value: value.clone(), _padding: [0; 13] }))
            .collect();
        Self { value, lanes }
    }

    /// A number that all clones have in common, and no other value that lives has.
    pub fn id(&self) -> usize {
        // Of the list of lanes, which is never empty of bytes as a value may be.
        Arc::as_ptr(&self.lanes).cast::<u8>() as usize
    }

    /// A share that outlives this borrow.
    #[inline]
    pub fn hold(&self) -> Held<T> {
        Held(self.lanes[current_lane() & (self.lanes.len() - 1)].clone())
    }

    /// A handle that does not keep the value.
    pub fn downgrade(&self) -> WeakShared<T> {
        WeakShared { lanes: Arc::downgrade(&self.lanes) }
    }
}

impl<T> WeakShared<T> {
    /// The value, if a [`Shared`] still has it. A [`Held`] share does not count: it is a call's, not a policy's.
    pub fn upgrade(&self) -> Option<Shared<T>> {
        let lanes = self.lanes.upgrade()?;
        let value = lanes.first()?.value.clone();
        Some(Shared { value, lanes })
    }
}

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
        &self.0.value
    }
}

// By hand: derive would ask for `T: Clone`.
impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), lanes: self.lanes.clone() }
    }
}

impl<T> Clone for WeakShared<T> {
    fn clone(&self) -> Self {
        Self { lanes: self.lanes.clone() }
    }
}

impl<T> fmt::Debug for WeakShared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakShared").finish_non_exhaustive()
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
    fn a_weak_handle_finds_the_whole_and_does_not_keep_it() {
        let shared = Shared::new(String::from("kept"), 3);
        let weak = shared.downgrade();
        let found = weak.upgrade().expect("the whole is there");
        drop(shared);
        assert_eq!(*found, "kept");
        let held = found.hold();
        drop(found);
        assert!(weak.upgrade().is_none(), "a share of a call is not the whole");
        assert_eq!(*held, "kept");
    }
}
