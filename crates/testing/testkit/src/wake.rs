//! Wakers that do more than to wake a task.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Wake, Waker},
};

/// Counts how often its waker is woken. Clones share the count.
#[derive(Debug, Clone, Default)]
pub struct CountingWaker(Arc<Count>);

#[derive(Debug, Default)]
struct Count(AtomicU32);

impl CountingWaker {
    /// Returns the waker that this counts.
    pub fn waker(&self) -> Waker {
        Waker::from(self.0.clone())
    }

    /// Returns how often the waker was woken.
    pub fn woken(&self) -> u32 {
        self.0.0.load(Ordering::SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Returns a waker that runs `f` each time it is woken.
pub fn calling_waker(f: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Calls(f)))
}

/// Returns a waker that panics with "a waker" when it is woken.
pub fn panicking_waker() -> Waker {
    calling_waker(|| panic!("a waker"))
}

struct Calls<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for Calls<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

impl<F> fmt::Debug for Calls<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").finish_non_exhaustive()
    }
}
