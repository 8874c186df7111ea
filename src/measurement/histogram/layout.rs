//! The layout of counters: `HdrHistogram`'s layout for 1 µs to 10 min at three or at two significant digits.
//!
//! The first counters take one value each, and from half of them on, each further half takes twice as many.

/// The smallest latency, in microseconds.
pub(super) const LOWEST_US: u64 = 1;
/// The largest latency, in microseconds; what takes longer counts as this.
pub(super) const HIGHEST_US: u64 = 600_000_000;
/// The first power of two that no counter takes any more.
const BEYOND_US: u64 = 1 << 30;

/// The precision of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    /// To three digits, everywhere but where the next is said.
    Fine,
    /// To two digits, which a baseline and the parts of a latency are kept at: a third of the size.
    Coarse,
}

impl Resolution {
    /// Significant digits.
    pub(super) const fn digits(self) -> u8 {
        match self {
            Self::Fine => 3,
            Self::Coarse => 2,
        }
    }

    /// The resolution of so many digits, where it is one of ours.
    pub(super) fn from_digits(digits: u64) -> Option<Self> {
        let mut all = [Self::Fine, Self::Coarse].into_iter();
        all.find(|resolution| u64::from(resolution.digits()) == digits)
    }

    /// Bits of half the counters that take one value each.
    const fn half_bits(self) -> u32 {
        match self {
            Self::Fine => 10,
            Self::Coarse => 7,
        }
    }

    /// How many counters there are.
    pub(super) const fn counters(self) -> u32 {
        (BEYOND_US.ilog2() - self.half_bits() + 1) << self.half_bits()
    }

    /// The counter that takes a latency.
    pub(super) fn counter(self, micros: u64) -> u32 {
        let micros = micros.min(BEYOND_US - 1);
        let shift = (micros | 1).ilog2().saturating_sub(self.half_bits());
        let counter = (u64::from(shift) << self.half_bits()) + (micros >> shift);
        u32::try_from(counter).unwrap_or(u32::MAX)
    }

    /// By how many bits the latencies that a counter takes are alike.
    fn shift(self, counter: u32) -> u32 {
        (counter >> self.half_bits()).saturating_sub(1)
    }

    /// The shortest latency that a counter takes.
    pub(super) fn shortest(self, counter: u32) -> u64 {
        let shift = self.shift(counter);
        u64::from(counter - (shift << self.half_bits())) << shift
    }

    /// The longest latency that a counter takes.
    pub(super) fn longest(self, counter: u32) -> u64 {
        self.shortest(counter) + (1 << self.shift(counter)) - 1
    }

    /// The latency in the middle of those that a counter takes.
    pub(super) fn middle(self, counter: u32) -> u64 {
        self.shortest(counter) + (1 << self.shift(counter) >> 1)
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;

    use super::*;

    #[test]
    fn counters_take_what_hdrhistograms_take() {
        for resolution in [Resolution::Fine, Resolution::Coarse] {
            let theirs =
                Histogram::<u64>::new_with_bounds(LOWEST_US, HIGHEST_US, resolution.digits())
                    .unwrap();
            assert_eq!(resolution.counters() as usize, theirs.distinct_values());
            let mut micros = 0;
            for counter in 0..resolution.counters() {
                let (shortest, longest) =
                    (resolution.shortest(counter), resolution.longest(counter));
                assert_eq!(shortest, micros, "no latency is left out");
                assert_eq!(shortest, theirs.lowest_equivalent(longest));
                assert_eq!(longest, theirs.highest_equivalent(shortest));
                assert_eq!(
                    resolution.middle(counter),
                    theirs.median_equivalent(shortest)
                );
                for within in [shortest, resolution.middle(counter), longest] {
                    assert_eq!(resolution.counter(within), counter, "{within}");
                }
                micros = longest + 1;
            }
            assert_eq!(micros, BEYOND_US);
            assert_eq!(resolution.counter(u64::MAX), resolution.counters() - 1);
        }
    }

    #[test]
    fn only_two_resolutions_are_ours() {
        for (digits, resolution) in [
            (0, None),
            (1, None),
            (2, Some(Resolution::Coarse)),
            (3, Some(Resolution::Fine)),
            (4, None),
            (u64::MAX, None),
        ] {
            assert_eq!(Resolution::from_digits(digits), resolution);
        }
    }
}
