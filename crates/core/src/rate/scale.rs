/// Turns time into what a quota has produced by then, and back, without a division and without drift.
///
/// What a bucket holds is counted in *units*, 2^`unit_bits` of them to a permit, and not in nanoseconds: 7 million
/// permits a second are one in 142.857.. ns, and to round that for each permit would be off by 5 * 10^-3. Here a permit
/// costs a whole number of units, and the rate is rounded once, in the 63rd bit or so of [`mul`](Self::mul).
///
/// Units are as small as 60 bits for some years of them allow: between half a nanosecond's worth and one; more only
/// where the burst alone is worth years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scale {
    /// Units a nanosecond, times 2^`MUL_BITS`.
    pub(crate) mul: u64,
    /// Nanoseconds a unit, times 2^`inv_bits`; the inverse of `mul`, to start a search at.
    pub(crate) inv: u64,
    pub(crate) inv_bits: u8,
    pub(crate) unit_bits: u8,
}

impl Scale {
    /// For `count` permits in `period` nanoseconds, at most one a nanosecond, and a bucket for `burst` of them.
    /// Where none pass, it is as for one.
    pub(crate) const fn new(count: u32, period: u64, burst: u32) -> Self {
        let (count, burst) = (if count == 0 { 1 } else { count }, if burst == 0 { 1 } else { burst });
        // The largest for which a nanosecond makes at most two units, and a full bucket is at most 2^58.
        let mut unit_bits = 58 - burst.ilog2() as u8 - !burst.is_power_of_two() as u8;
        while (count as u128) << unit_bits > 2 * period as u128 {
            unit_bits -= 1;
        }
        let units = (count as u128) << unit_bits;
        let mul = (((units << MUL_BITS) + period as u128 / 2) / period as u128) as u64;
        // 1 / mul, as large as fits below 2^63.
        let inv_bits = mul.ilog2() as u8;
        let inv = ((1u128 << (MUL_BITS + inv_bits as u32)) / mul as u128) as u64;
        Self { mul, inv, inv_bits, unit_bits }
    }

    /// How many units that many permits are.
    #[inline]
    pub(crate) const fn units(self, permits: u32) -> u64 {
        (permits as u64) << self.unit_bits
    }

    /// How many whole permits those units are.
    #[inline]
    pub(crate) const fn permits(self, units: u64) -> u64 {
        units >> self.unit_bits
    }

    /// The units produced in the first `nanos` nanoseconds of a bucket's time, which are below [`RANGE`](Self::RANGE).
    #[inline]
    pub(crate) const fn produced(self, nanos: u64) -> u64 {
        ((nanos as u128 * self.mul as u128) >> MUL_BITS) as u64
    }

    /// The first nanosecond by which that many units have been produced: at it they have, one earlier they have not.
    /// `u64::MAX` if that is more than 292 years.
    #[inline]
    pub(crate) const fn reached(self, units: u64) -> u64 {
        let nanos = (units as u128 * self.inv as u128) >> self.inv_bits;
        if nanos > u64::MAX as u128 / 2 {
            return u64::MAX;
        }
        let mut nanos = nanos as u64;
        // `inv` is rounded down, so the search begins at most a few below, and never above.
        while self.produced(nanos) < units {
            nanos += 1;
        }
        nanos
    }

    /// A nanosecond's worth of units, rounded up; less than a permit's.
    #[inline]
    pub(crate) const fn slack(self) -> u64 {
        let permit = self.units(1);
        if permit > 2 { 2 } else { permit - 1 }
    }

    /// A bucket's time is below this: 4.5 years.
    pub(crate) const RANGE: u64 = 1 << 57;
}

const MUL_BITS: u32 = 62;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any count, period and burst that a quota may have.
    fn numbers() -> impl Strategy<Value = (u32, u64, u32)> {
        let period = prop_oneof![1..=366 * 86_400_000_000_000_u64, 1..=2_000_000_000_u64, Just(1_000_000_000)];
        let skewed = || prop_oneof![Just(1), Just(u32::MAX), 1..=1_000_u32, 1..=u32::MAX];
        (skewed(), period, skewed()).prop_map(|(count, period, burst)| {
            (count.min(period as u32 | 1).min(u32::try_from(period).unwrap_or(u32::MAX)), period, burst)
        })
    }

    proptest! {
        #[test]
        fn everything_fits(((count, period, burst), nanos) in (numbers(), 0..Scale::RANGE)) {
            let scale = Scale::new(count, period, burst);
            prop_assert!(scale.units(burst) <= 1 << 58);
            prop_assert!(scale.produced(nanos) <= 1 << 58);
            prop_assert_eq!(scale.permits(scale.units(burst)), u64::from(burst));
        }

        #[test]
        fn the_rate_is_off_by_less_than_a_billionth((count, period, burst) in numbers()) {
            let scale = Scale::new(count, period, burst);
            let nanos = Scale::RANGE - 1;
            // In units, exactly, and the last unit is rounded.
            let exact = nanos as u128 * ((count as u128) << scale.unit_bits) / period as u128;
            let off = exact.abs_diff(scale.produced(nanos) as u128);
            prop_assert!(off <= 1 + exact / 1_000_000_000, "{off} of {exact}");
        }

        #[test]
        fn what_is_reached_then_is_not_reached_a_nanosecond_earlier(
            ((count, period, burst), units) in (numbers(), 0..1_u64 << 58),
        ) {
            let scale = Scale::new(count, period, burst);
            let units = units.min(scale.produced(Scale::RANGE - 1));
            let nanos = scale.reached(units);
            prop_assert!(scale.produced(nanos) >= units);
            prop_assert!(nanos == 0 || scale.produced(nanos - 1) < units);
        }
    }

    #[test]
    fn rates_that_governor_rounds_are_held() {
        // One permit in 142.857.. ns and in 1.666.. ns.
        for count in [7_000_000, 600_000_000] {
            let scale = Scale::new(count, 1_000_000_000, 1);
            let hour = 3_600_000_000_000;
            let permits = scale.permits(scale.produced(hour));
            assert!(
                permits.abs_diff(u64::from(count) * 3_600) <= 1 + u64::from(count) * 3_600 / 1_000_000_000,
                "{permits}"
            );
        }
    }
}
