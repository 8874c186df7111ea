//! Latencies as the few counters that counted any: what everything that reads and adds up latencies works on.
//!
//! A slice of a hundred requests fills a hundred of a histogram's 22,000 counters, and a result holds thousands of
//! such slices. What is read of the counters is what the crate `hdrhistogram` reads of them, to the last bit.

use std::borrow::Cow;

use super::layout::Resolution;

/// A counter and what it counted in one number, the counter above: in the order of these numbers are the latencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Bucket(u64);

/// Bits of a count, which leaves enough for the number of a counter.
const COUNT_BITS: u32 = 48;
/// The most that one counter counts: a thousand times what a whole run may.
const MOST: u64 = (1 << COUNT_BITS) - 1;

impl Bucket {
    fn new(counter: u32, count: u64) -> Self {
        Self(u64::from(counter) << COUNT_BITS | count.min(MOST))
    }

    fn counter(self) -> u32 {
        // Cannot fail: sixteen bits are left.
        u32::try_from(self.0 >> COUNT_BITS).unwrap_or(u32::MAX)
    }

    fn count(self) -> u64 {
        self.0 & MOST
    }

    fn and(self, count: u64) -> Self {
        Self::new(self.counter(), self.count().saturating_add(count))
    }
}

/// Counters that counted, in ascending order, none of them zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sparse {
    resolution: Resolution,
    counted: Vec<Bucket>,
    total: u64,
}

impl Sparse {
    /// No latency.
    pub(super) fn new(resolution: Resolution) -> Self {
        Self {
            resolution,
            counted: Vec::new(),
            total: 0,
        }
    }

    /// So many counters that count are expected.
    pub(super) fn with_capacity(resolution: Resolution, counters: usize) -> Self {
        Self {
            counted: Vec::with_capacity(counters),
            ..Self::new(resolution)
        }
    }

    pub(super) fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// How many latencies there are.
    pub(super) fn count(&self) -> u64 {
        self.total
    }

    /// Memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Bucket>() * self.counted.capacity()
    }

    /// Gives back memory that is not used.
    pub(super) fn fit(&mut self) {
        self.counted.shrink_to_fit();
    }

    /// Adds what a counter counted that is not below the last one.
    pub(super) fn push(&mut self, counter: u32, count: u64) {
        if count == 0 {
            return;
        }
        self.total = self.total.saturating_add(count);
        match self.counted.last_mut() {
            Some(last) if last.counter() >= counter => *last = last.and(count),
            Some(_) | None => self.counted.push(Bucket::new(counter, count)),
        }
    }

    /// Latencies in microseconds with how often each was seen, in ascending order.
    pub(super) fn from_micros(
        resolution: Resolution,
        latencies: impl IntoIterator<Item = (u64, u64)>,
    ) -> Self {
        let latencies = latencies.into_iter();
        let mut sparse = Self::with_capacity(resolution, latencies.size_hint().0);
        for (micros, count) in latencies {
            sparse.push(resolution.counter(micros), count);
        }
        sparse
    }

    /// The counters that counted, with what they did.
    pub(super) fn counters(&self) -> impl Iterator<Item = (u32, u64)> {
        let counted = self.counted.iter();
        counted.map(|counted| (counted.counter(), counted.count()))
    }

    /// The longest latency of each counter that counted, with what it did.
    pub(super) fn longest(&self) -> impl Iterator<Item = (u64, u64)> {
        self.counters()
            .map(|(counter, count)| (self.resolution.longest(counter), count))
    }

    /// The shortest latency of each counter that counted, with what it did.
    pub(super) fn shortest(&self) -> impl Iterator<Item = (u64, u64)> {
        self.counters()
            .map(|(counter, count)| (self.resolution.shortest(counter), count))
    }

    /// The same latencies at another resolution; of a coarser one the counters that take their shortest.
    fn at(&self, resolution: Resolution) -> Cow<'_, Self> {
        if self.resolution == resolution {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self::from_micros(resolution, self.shortest()))
    }

    /// The same latencies at two significant digits, each as its counter's longest.
    pub(super) fn to_coarse(&self) -> Self {
        Self::from_micros(Resolution::Coarse, self.longest())
    }

    /// Adds all latencies of `other`, at this resolution.
    pub(super) fn add(&mut self, other: &Self) {
        let other = other.at(self.resolution);
        self.total = self.total.saturating_add(other.total);
        let mut theirs = other.counted.iter().peekable();
        let mut both = Vec::with_capacity(self.counted.len() + other.counted.len());
        for own in &self.counted {
            while let Some(below) = theirs.next_if(|it| it.counter() < own.counter()) {
                both.push(*below);
            }
            let same = theirs.next_if(|it| it.counter() == own.counter());
            both.push(same.map_or(*own, |same| own.and(same.count())));
        }
        both.extend(theirs);
        self.counted = both;
    }

    /// All latencies of several, at the resolution of the first. Every counter between the shortest and the longest has a
    /// place of its own for it: of many that is far quicker than adding one by one.
    pub(super) fn sum(all: &[Cow<'_, Self>]) -> Self {
        let resolution = all.first().map_or(Resolution::Fine, |it| it.resolution);
        let at_one: Vec<_> = all.iter().map(|one| one.at(resolution)).collect();
        let first = at_one.iter().filter_map(|one| one.counted.first()).min();
        let last = at_one.iter().filter_map(|one| one.counted.last()).max();
        let (Some(first), Some(last)) = (first, last) else {
            return Self::new(resolution);
        };
        let (first, last) = (first.counter(), last.counter());
        let mut places = vec![0_u64; (last - first) as usize + 1];
        for (counter, count) in at_one.iter().flat_map(|one| one.counters()) {
            let place = &mut places[(counter - first) as usize];
            *place = place.saturating_add(count);
        }
        let mut sum = Self::with_capacity(resolution, places.iter().filter(|n| **n > 0).count());
        for (counter, count) in (first..=last).zip(places) {
            sum.push(counter, count);
        }
        sum
    }

    /// These latencies less those of `part`; none where they are not all among them.
    pub(super) fn without(&self, part: &Self) -> Option<Self> {
        let part = part.at(self.resolution);
        let mut rest = Self::with_capacity(self.resolution, self.counted.len());
        let mut parts = part.counters().peekable();
        for (counter, count) in self.counters() {
            let less = parts.next_if(|(own, _)| *own == counter);
            let less = less.map_or(0, |(_, count)| count);
            rest.push(counter, count.checked_sub(less)?);
        }
        parts.next().is_none().then_some(rest)
    }

    /// The latency below which a share `q` in [0, 1] lies, in microseconds; 0 of none.
    pub(super) fn quantile(&self, q: f64) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count, and at least one"
        )]
        let rank = {
            let share = if q > 1.0 { 1.0 } else { q };
            ((share * self.total as f64).ceil() as u64).max(1)
        };
        let mut so_far = 0_u64;
        for (counter, count) in self.counters() {
            so_far = so_far.saturating_add(count);
            if so_far >= rank {
                return if q == 0.0 {
                    self.resolution.shortest(counter)
                } else {
                    self.resolution.longest(counter)
                };
            }
        }
        self.max()
    }

    /// The mean in microseconds; 0 of none.
    pub(super) fn mean(&self) -> f64 {
        let total = self.total as f64;
        // In the order and with the rounding of the crate `hdrhistogram`.
        self.counters().fold(0.0, |mean, (counter, count)| {
            mean + self.resolution.middle(counter) as f64 * count as f64 / total
        })
    }

    /// The longest latency in microseconds; 0 of none.
    pub(super) fn max(&self) -> u64 {
        let last = self.counted.last();
        last.map_or(0, |last| self.resolution.longest(last.counter()))
    }

    /// How many latencies are in counters above that of `micros`.
    pub(super) fn count_over(&self, micros: u64) -> u64 {
        let limit = self.resolution.counter(micros);
        let counted = &self.counted;
        let first = counted.partition_point(|counted| counted.counter() <= limit);
        counted[first..].iter().map(|own| own.count()).sum()
    }
}
