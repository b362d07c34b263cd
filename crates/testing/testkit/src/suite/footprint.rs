//! What a call costs in memory: no allocation, and a small future.

use super::non_empty;
use crate::{FutureSize, Subject, alloc::allocations, reply::FAILED, time::ms};

/// A call that succeeds allocates nothing in any way.
pub fn a_call_that_succeeds_allocates_nothing<S: Subject>() {
    for (way, run) in S::RUNS {
        for (kind, subject) in non_empty(S::footprints()) {
            assert_eq!(run(&subject, Ok(())), Ok(()), "{kind}, {way}");
            assert_eq!(allocations(|| drop(run(&subject, Ok(())))), 0, "{kind}, {way}");
            subject.assert_idle();
        }
    }
}

/// A call that fails allocates nothing in any way.
pub fn a_call_that_fails_allocates_nothing<S: Subject>() {
    for (way, run) in S::RUNS {
        for (kind, subject) in non_empty(S::footprints()) {
            let count = allocations(|| {
                drop(run(&subject, FAILED));
                // So that windows turn and tokens come back.
                subject.advance(ms(300));
            });
            assert_eq!(count, 0, "{kind}, {way}");
            subject.assert_idle();
        }
    }
}

/// The future of each way is no larger than its bound, over small and large inner futures.
pub fn a_future_is_no_larger_than_its_bound<S: Subject>() {
    let rows = [
        (0, S::future_sizes::<0>()),
        (6, S::future_sizes::<6>()),
        (7, S::future_sizes::<7>()),
        (8, S::future_sizes::<8>()),
        (12, S::future_sizes::<12>()),
        (16, S::future_sizes::<16>()),
        (32, S::future_sizes::<32>()),
        (100, S::future_sizes::<100>()),
    ];
    for (words, sizes) in rows {
        assert!(!sizes.is_empty(), "the subject names no futures to measure");
        for FutureSize { way, size, bound } in sizes {
            assert!(size <= bound, "{way} over {words} words is {size} bytes, at most {bound} were expected");
            assert!(size >= words * size_of::<u64>(), "{way} over {words} words has no room for its inner call");
        }
    }
}
