//! How much memory something holds, and how often some is asked for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// The system's allocator, which counts while [`held`] or [`allocations`] runs: for a program's `#[global_allocator]`.
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

/// How many blocks of memory this thread asks for while it runs that.
///
/// # Panics
///
/// If the program's allocator is not [`Counting`].
pub fn allocations(run: impl FnOnce()) -> u64 {
    BLOCKS.set(Some(0));
    run();
    drop(black_box(Box::new(0_u8)));
    let blocks = BLOCKS.take().unwrap_or(0);
    blocks.checked_sub(1).expect("the program's allocator is not the one that counts")
}

fn count_block() {
    if let Some(blocks) = BLOCKS.get() {
        BLOCKS.set(Some(blocks + 1));
    }
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
        count_block();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(size(layout));
        count_block();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size as i64 - size(layout));
        count_block();
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-size(layout));
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

thread_local! {
    // Without a destructor, and made at compile time: to look at it allocates nothing.
    static BLOCKS: Cell<Option<u64>> = const { Cell::new(None) };
}

static COUNTING: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicI64 = AtomicI64::new(0);
