//! Counts the allocations of a thread, and the bytes that it holds.
#![allow(unsafe_code, reason = "`GlobalAlloc` is an unsafe trait; the system's allocator does all the work")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// An allocator that counts the allocations of each thread. [`count_allocations!`](crate::count_allocations) installs it.
#[derive(Debug, Clone, Copy, Default)]
pub struct CountingAllocator;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    // Below zero if the thread frees what another thread allocated.
    static HELD: Cell<i64> = const { Cell::new(0) };
}

// SAFETY: the system's allocator does all the work. The counter is a plain cell of the thread, and allocates nothing itself.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        HELD.set(HELD.get() + layout.size() as i64);
        // SAFETY: the caller keeps the promises of `alloc`, which are the same here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.set(HELD.get() - layout.size() as i64);
        // SAFETY: the caller keeps the promises of `dealloc`, which are the same here.
        unsafe { System.dealloc(block, layout) }
    }
}

/// How often [`allocations`] runs its closure.
pub const RUNS: u64 = 100;

/// Returns how often this thread allocates in [`RUNS`] runs of `f`.
///
/// `f` runs another time before, because the first run may set up what all later runs use.
///
/// # Panics
///
/// If the test binary does not count allocations.
pub fn allocations(mut f: impl FnMut()) -> u64 {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(ALLOCATIONS.get(), before + 1, "add `seawall_testkit::count_allocations!();` to the test binary");
    f();
    let before = ALLOCATIONS.get();
    (0..RUNS).for_each(|_| f());
    ALLOCATIONS.get() - before
}

/// Returns what `f` makes, and how many bytes it holds beside its own size.
///
/// # Panics
///
/// If the test binary does not count allocations.
pub fn held<T>(f: impl FnOnce() -> T) -> (T, i64) {
    let before = HELD.get();
    let block = std::hint::black_box(Box::new([1_u8; 64]));
    assert_eq!(HELD.get(), before + 64, "add `seawall_testkit::count_allocations!();` to the test binary");
    drop(block);
    let made = f();
    (made, HELD.get() - before)
}

/// Makes the test binary count its allocations. Write it once, in the `main.rs` of the tests.
#[macro_export]
macro_rules! count_allocations {
    () => {
        #[global_allocator]
        static COUNTING_ALLOCATOR: $crate::alloc::CountingAllocator = $crate::alloc::CountingAllocator;
    };
}
