//! How much memory something holds.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// The system's allocator, which counts while [`held`] runs: for a program's `#[global_allocator]`.
#[derive(Debug)]
pub struct Counting;

/// Makes something, and says how many bytes of the heap it holds, by what was asked of the allocator.
///
/// # Panics
///
/// If the program's allocator is not [`Counting`].
pub fn held<T>(make: impl FnOnce() -> T) -> (T, u64) {
    LIVE.store(0, Ordering::Relaxed);
    COUNTING.store(true, Ordering::Relaxed);
    let made = make();
    let probe = Box::new(0_u8);
    COUNTING.store(false, Ordering::Relaxed);
    let bytes = LIVE.load(Ordering::Relaxed);
    drop(probe);
    assert!(bytes > 0, "the program's allocator is not the one that counts");
    (made, bytes.unsigned_abs() - 1)
}

fn count(bytes: i64) {
    // A load, where nothing is counted: contenders that allocate are measured with it.
    if COUNTING.load(Ordering::Relaxed) {
        LIVE.fetch_add(bytes, Ordering::Relaxed);
    }
}

const fn size(layout: Layout) -> i64 {
    layout.size() as i64
}

// SAFETY: all work is the system allocator's; the counts are plain atomics, and allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(size(layout));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(size(layout));
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size as i64 - size(layout));
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-size(layout));
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

static COUNTING: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicI64 = AtomicI64::new(0);
