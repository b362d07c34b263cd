//! Which latencies are counted as one: pure functions over a bucket's number.
//!
//! Each octave (from a power of two to the next) is cut into equal steps, so that a bucket is at most so much wider than
//! it is high, however long the latency, and its number is a shift and a mask.
//!
//! Source: G. Tene, HdrHistogram (hdrhistogram.org); its octaves are there "buckets", and its steps "sub-buckets".

use std::time::Duration;

use crate::time::saturating_nanos;

/// The bucket that holds `latency`.
#[inline]
pub(super) const fn bucket_of(latency: Duration) -> usize {
    let nanos = saturating_nanos(latency);
    if nanos < 1 << LOWEST {
        return 0;
    }
    if nanos >= 1 << HIGHEST {
        return BUCKETS - 1;
    }
    let octave = nanos.ilog2();
    let step = nanos >> (octave - STEP_BITS) & (STEPS - 1);
    (1 + (octave - LOWEST) as u64 * STEPS + step) as usize
}

/// What all latencies in it are below; the first bucket begins at nothing, and the last one does not end.
pub(super) const fn upper_edge(bucket: usize) -> Duration {
    if bucket >= BUCKETS - 1 {
        return Duration::MAX;
    }
    // How many steps beyond the first bucket.
    let steps = bucket as u64;
    let (octave, step) = (steps / STEPS, steps % STEPS);
    Duration::from_nanos((STEPS + step) << (octave + (LOWEST - STEP_BITS) as u64))
}

/// One for what is below all octaves, and one for what is above.
pub(super) const BUCKETS: usize = ((HIGHEST - LOWEST) as u64 * STEPS) as usize + 2;

/// A bucket is an eighth as wide as it is high, or less: 12.5 %.
const STEP_BITS: u32 = 3;
const STEPS: u64 = 1 << STEP_BITS;

/// 1.024 us: what is shorter is not worth telling apart.
const LOWEST: u32 = 10;
/// 73 minutes. A model has one octave, so that all interleavings can be tried.
const HIGHEST: u32 = if cfg!(loom) { 11 } else { 42 };

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LAST: usize = BUCKETS - 1;

    proptest! {
        #[test]
        fn the_edge_is_above_by_an_eighth_at_most(octave in LOWEST..HIGHEST, bits in any::<u64>()) {
            let nanos = (1 << octave) | bits & ((1 << octave) - 1);
            let edge = upper_edge(bucket_of(Duration::from_nanos(nanos))).as_nanos() as u64;
            prop_assert!(nanos < edge && edge <= nanos + nanos / 8, "{nanos} {edge}");
        }
    }

    #[test]
    fn each_bucket_begins_where_the_one_before_it_ends() {
        for bucket in 0..LAST {
            let edge = upper_edge(bucket);
            assert_eq!(bucket_of(edge - Duration::from_nanos(1)), bucket, "{edge:?}");
            assert_eq!(bucket_of(edge), bucket + 1, "{edge:?}");
        }
    }

    #[test]
    fn the_ends_take_what_is_beyond_them() {
        assert_eq!((bucket_of(Duration::ZERO), bucket_of(Duration::MAX)), (0, LAST));
        assert_eq!(upper_edge(0), Duration::from_nanos(1_024));
        assert_eq!(upper_edge(LAST - 1), Duration::from_nanos(1 << 42));
        assert!(upper_edge(LAST - 1) > Duration::from_secs(3_600));
        assert_eq!(upper_edge(LAST), Duration::MAX);
    }
}
