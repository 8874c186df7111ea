//! Shares of requests (failed, or over a limit) whose counts are burstier than chance.
//!
//! Errors come in bursts, so a test that takes requests as independent (Fisher's, or a plain Wilson interval) raises
//! false alarms in up to 30 % of unchanged runs. The spread between slices (or jobs) says by how much the variance
//! exceeds the binomial one, and that factor `phi` shrinks the number of requests that count.

use std::iter::Sum;

use super::Distribution;

/// Share of runs that may miss what is called detectable.
const MISSED: f64 = 0.1;
/// Fewer pairs say too little of how much errors vary between them.
const FEWEST_STRATA: usize = 30;
/// Pseudo-observations of the prior that pairs vary as chance has it.
const PRIOR_WEIGHT: f64 = 4.0;
/// Halvings of an interval of scores or shares: enough for the last digit of a double.
const HALVINGS: u32 = 100;

/// Requests that did something, of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many did.
    pub hits: u64,
    /// How many there are.
    pub of: u64,
}

impl Count {
    /// The sum over several units.
    pub fn total(units: &[Self]) -> Self {
        units.iter().copied().sum()
    }

    /// The share; 0 where there is nothing.
    pub fn share(self) -> f64 {
        if self.of == 0 {
            return 0.0;
        }
        self.hits as f64 / self.of as f64
    }
}

impl Sum for Count {
    fn sum<I: Iterator<Item = Self>>(units: I) -> Self {
        units.fold(Self::default(), |sum, unit| Self {
            hits: sum.hits + unit.hits,
            of: sum.of + unit.of,
        })
    }
}

/// By how much counts vary more than independent requests would.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dispersion {
    /// Variance over the binomial one, at least 1.
    pub phi: f64,
    /// Degrees of freedom that it rests on.
    pub df: f64,
}

impl Dispersion {
    /// Requests that are independent of each other.
    pub const NONE: Self = Self { phi: 1.0, df: 0.0 };

    /// Pearson's chi-square of the units' counts against their own arm's share, over its degrees of freedom.
    ///
    /// An arm whose share is 0 or 1 shows no spread; with less than one degree of freedom, phi is 1.
    pub fn estimate(arms: &[&[Count]]) -> Self {
        let (mut chi_square, mut df) = (0.0, 0.0);
        for units in arms {
            let share = Count::total(units).share();
            let variance = share * (1.0 - share);
            let filled = units.iter().filter(|unit| unit.of > 0);
            df += (filled.clone().count() as f64 - 1.0).max(0.0);
            if variance > 0.0 {
                chi_square += filled
                    .map(|unit| {
                        let n = unit.of as f64;
                        let excess = unit.hits as f64 - n * share;
                        excess * excess / (n * variance)
                    })
                    .sum::<f64>();
            }
        }
        if df < 1.0 {
            return Self::NONE;
        }
        Self {
            phi: (chi_square / df).max(1.0),
            df,
        }
    }

    /// The distribution of a score: t where the dispersion had to be estimated from few units.
    pub fn distribution(self) -> Distribution {
        if self.phi > 1.0 {
            Distribution::StudentT(self.df)
        } else {
            Distribution::Normal
        }
    }

    /// Independent requests that are worth as much as `count`.
    pub fn worth(self, count: u64) -> f64 {
        count as f64 / self.phi
    }

    /// Wilson bounds of a share, each missing the true one with probability `lower_tail` and `upper_tail`.
    pub fn bounds(self, count: Count, lower_tail: f64, upper_tail: f64) -> (f64, f64) {
        let score = |tail| self.distribution().upper_quantile(tail);
        let n = self.worth(count.of);
        (
            wilson(count.share(), n, score(lower_tail)).0,
            wilson(count.share(), n, score(upper_tail)).1,
        )
    }
}

/// Wilson's score interval of a share of `n` requests (whole or not), `score` standard errors to either side.
///
/// Wilson, JASA 22 (1927); Newcombe, Statistics in Medicine 17 (1998) 857, method 3.
pub fn wilson(share: f64, n: f64, score: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let square = score * score;
    let centre = share + square / (2.0 * n);
    let half = score * libm::sqrt(share * (1.0 - share) / n + square / (4.0 * n * n));
    let scale = 1.0 + square / n;
    (
        ((centre - half) / scale).max(0.0),
        ((centre + half) / scale).min(1.0),
    )
}

/// The lower bound of `share - base` by Newcombe's hybrid score, `score` standard errors down.
///
/// Newcombe, Statistics in Medicine 17 (1998) 873, method 10. Each share comes with its number of requests.
pub fn newcombe_lower((share, n): (f64, f64), (base, base_n): (f64, f64), score: f64) -> f64 {
    let down = share - wilson(share, n, score).0;
    let up = wilson(base, base_n, score).1 - base;
    share - base - libm::sqrt(down * down + up * up)
}

/// The change of a share between two arms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShareChange {
    /// Before.
    pub base: Count,
    /// Now.
    pub current: Count,
    /// Of both arms together.
    pub dispersion: Dispersion,
    /// Probability of as much more or more now if nothing changed, pair by pair; none without enough pairs.
    pub stratified_p: Option<f64>,
}

impl ShareChange {
    /// The estimated difference of the shares, above 0 where there is more now.
    pub fn difference(self) -> f64 {
        self.current.share() - self.base.share()
    }

    /// The bound that the true difference lies below with probability `tail`, at most one half.
    pub fn lower(self, tail: f64) -> f64 {
        let score = self.dispersion.distribution().upper_quantile(tail);
        newcombe_lower(self.arm(self.current), self.arm(self.base), score)
    }

    /// The bound that the true difference lies above with probability `tail`, at most one half.
    pub fn upper(self, tail: f64) -> f64 {
        -self.swapped().lower(tail)
    }

    /// The smallest level at which the lower bound of the difference exceeds `null`; against no change at all, by pairs
    /// where there are enough.
    pub fn p_above(self, null: f64) -> f64 {
        if let (Some(p), true) = (self.stratified_p, null <= 0.0) {
            return p;
        }
        if self.difference() < null {
            return 1.0 - self.swapped().p_above(-null);
        }
        let clears =
            |score| newcombe_lower(self.arm(self.current), self.arm(self.base), score) > null;
        // The bound falls as the score grows, down to at most 0 at an infinite one.
        let mut high = 1.0;
        while clears(high) && high < 1e6 {
            high *= 2.0;
        }
        self.dispersion
            .distribution()
            .tail(threshold(0.0, high, |score| !clears(score)))
    }

    /// The difference that a test of level `alpha` against `null` would have found with 90 % probability, had the base
    /// been as it is; none where not even a failure of all requests would have been.
    pub fn detectable(self, null: f64, alpha: f64) -> Option<f64> {
        let distribution = self.dispersion.distribution();
        let score = distribution.upper_quantile(alpha);
        let missed = distribution.upper_quantile(MISSED);
        let (base, base_n) = self.arm(self.base);
        let n = self.dispersion.worth(self.current.of);
        // The draw that 90 % of runs exceed must still clear the null.
        let caught = |difference: f64| {
            let share = (base + difference).min(1.0);
            let (unlucky, _) = wilson(share, n, missed);
            newcombe_lower((unlucky, n), (base, base_n), score) > null
        };
        let highest = 1.0 - base;
        caught(highest).then(|| threshold(0.0, highest, caught))
    }

    fn arm(self, count: Count) -> (f64, f64) {
        (count.share(), self.dispersion.worth(count.of))
    }

    fn swapped(self) -> Self {
        Self {
            base: self.current,
            current: self.base,
            stratified_p: None,
            ..self
        }
    }
}

/// Hits of the second arm beyond its part of those of both, summed over pairs.
///
/// Cochran, Biometrics 10 (1954) 417; Mantel and Haenszel, JNCI 22 (1959) 719. What makes errors more frequent for a while
/// meets both arms of a pair, and cancels; what pairs vary by themselves widens the variance.
#[derive(Clone, Copy, Debug)]
struct Stratified {
    excess: f64,
    variance: f64,
    dispersion: f64,
    df: f64,
}

impl Stratified {
    /// None where no pair has a hit, or every request is one.
    fn new(pairs: impl Iterator<Item = [Count; 2]>) -> Option<Self> {
        let pairs = pairs.map(|[base, current]| {
            let (hits, of) = (
                (base.hits + current.hits) as f64,
                (base.of + current.of) as f64,
            );
            let part = current.of as f64 / of;
            let excess = current.hits as f64 - hits * part;
            (
                excess,
                hits * part * (1.0 - part) * (of - hits) / (of - 1.0),
            )
        });
        let pairs: Vec<(f64, f64)> = pairs.filter(|(_, variance)| *variance > 0.0).collect();
        let excess: f64 = pairs.iter().map(|(excess, _)| excess).sum();
        let variance: f64 = pairs.iter().map(|(_, variance)| variance).sum();
        let rest = pairs.iter().map(|(d, v)| d - excess * v / variance);
        let squares: f64 = rest.map(|rest| rest * rest).sum();
        let df = PRIOR_WEIGHT + pairs.len() as f64 - 1.0;
        let between = pairs.len() as f64 * squares / variance;
        (variance > 0.0).then(|| Self {
            excess,
            variance,
            dispersion: ((PRIOR_WEIGHT + between) / df).max(1.0),
            df,
        })
    }

    fn t(self) -> f64 {
        // Half a hit, since hits are counted.
        (self.excess - 0.5) / libm::sqrt(self.dispersion * self.variance)
    }

    fn p(self) -> f64 {
        Distribution::StudentT(self.df).tail(self.t())
    }
}

/// Probability of as many more hits or more in the second arm, pair by pair, if nothing changed; none with fewer than 30
/// pairs, or where there is nothing to test.
pub fn stratified_p(pairs: &[[Count; 2]]) -> Option<f64> {
    let filled = pairs
        .iter()
        .filter(|arms| arms.iter().all(|count| count.of > 0));
    (filled.clone().count() >= FEWEST_STRATA)
        .then(|| Stratified::new(filled.copied()))
        .flatten()
        .map(Stratified::p)
}

/// Where a condition that is false at `low` becomes true on the way to `high`, which it may not do.
fn threshold(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const Z95: f64 = 1.959_963_984_540_054;

    fn count(hits: u64, of: u64) -> Count {
        Count { hits, of }
    }

    #[test]
    fn wilson_gives_the_published_intervals() {
        // Newcombe (1998) 857, table I, method 3.
        for (hits, of, lower, upper) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let ours = wilson(count(hits, of).share(), of as f64, Z95);
            assert!((ours.0 - lower).abs() < 5e-5, "{hits}/{of}: {ours:?}");
            assert!((ours.1 - upper).abs() < 5e-5, "{hits}/{of}: {ours:?}");
        }
    }

    #[test]
    fn newcombe_gives_the_published_intervals() {
        // Newcombe (1998) 873, table II, method 10.
        for (current, base, lower, upper) in [
            ((56, 70), (48, 80), 0.0524, 0.3339),
            ((9, 10), (3, 10), 0.1705, 0.8090),
            ((5, 56), (0, 29), -0.0381, 0.1926),
            ((0, 10), (0, 20), -0.1611, 0.2775),
            ((0, 10), (0, 10), -0.2775, 0.2775),
            ((10, 10), (0, 20), 0.6791, 1.0),
        ] {
            let change = ShareChange {
                base: count(base.0, base.1),
                current: count(current.0, current.1),
                dispersion: Dispersion::NONE,
                stratified_p: None,
            };
            let ours = (change.lower(0.025), change.upper(0.025));
            assert!((ours.0 - lower).abs() < 5e-5, "{current:?}: {ours:?}");
            assert!((ours.1 - upper).abs() < 5e-5, "{current:?}: {ours:?}");
        }
    }

    #[test]
    fn even_counts_are_independent_and_bursts_are_not() {
        let even = [count(10, 1000), count(11, 1000), count(9, 1000)];
        assert!((Dispersion::estimate(&[&even]).phi - 1.0).abs() < 1e-12);
        let bursts = [count(0, 1000), count(30, 1000), count(0, 1000)];
        // Share .01: (10^2 + 20^2 + 10^2) / 9.9 over 2 degrees of freedom.
        let dispersion = Dispersion::estimate(&[&bursts]);
        assert!((dispersion.phi - 600.0 / 9.9 / 2.0).abs() < 1e-12);
        assert!((dispersion.df - 2.0).abs() < 1e-12);
    }

    #[test]
    fn the_degrees_of_freedom_of_two_arms_add_up() {
        let base = [count(1, 100); 4];
        let current = [count(0, 100), count(40, 100), count(0, 0)];
        assert!((Dispersion::estimate(&[&base, &current]).df - 4.0).abs() < 1e-12);
    }

    #[test]
    fn no_spread_is_seen_in_all_none_or_one_unit() {
        for units in [&[count(0, 10); 5][..], &[count(10, 10); 5], &[count(3, 10)]] {
            assert!((Dispersion::estimate(&[units]).phi - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_p_value_is_where_the_bound_meets_the_null() {
        for dispersion in [Dispersion::NONE, Dispersion { phi: 3.0, df: 14.0 }] {
            let change = ShareChange {
                base: count(16, 16_000),
                current: count(60, 16_000),
                dispersion,
                stratified_p: None,
            };
            for null in [0.0, 0.0005] {
                let p = change.p_above(null);
                assert!((change.lower(p) - null).abs() < 1e-12, "{p}");
            }
        }
    }

    #[test]
    fn what_can_be_detected_is_significant_with_room_to_spare() {
        let change = ShareChange {
            base: count(16, 16_000),
            current: count(16, 16_000),
            dispersion: Dispersion::NONE,
            stratified_p: None,
        };
        let detectable = change.detectable(0.0, 0.01).unwrap();
        assert!(detectable > 0.001 && detectable < 0.004, "{detectable}");
    }

    #[test]
    fn pairs_of_errors_give_the_golden_vectors() {
        let pairs = |counts: &[[u64; 4]]| {
            let pairs = counts.iter().copied();
            let pairs = pairs.map(|[x, n, y, m]| [count(x, n), count(y, m)]);
            Stratified::new(pairs).unwrap()
        };
        let grown = pairs(&[
            [0, 100, 1, 100],
            [1, 100, 3, 100],
            [0, 100, 2, 100],
            [0, 100, 4, 100],
            [1, 100, 2, 100],
        ]);
        let close = |value: f64, expected: f64| libm::fabs(value / expected - 1.0) < 1e-5;
        assert!(
            close(grown.excess, 5.0) && close(grown.variance, 3.459_80),
            "{grown:?}"
        );
        assert!(
            close(grown.dispersion, 1.0) && close(grown.df, 8.0),
            "{grown:?}"
        );
        assert!(
            close(grown.t(), 2.419_29) && close(grown.p(), 0.020_948_4),
            "{grown:?}"
        );
        let alike = pairs(&[[1, 250, 0, 250], [0, 250, 1, 250], [0, 250, 0, 250]]);
        assert!(
            close(alike.dispersion, 1.2) && close(alike.df, 5.0),
            "{alike:?}"
        );
        assert!(
            close(alike.t(), -0.645_497) && close(alike.p(), 0.726_473),
            "{alike:?}"
        );
    }

    #[test]
    fn pairs_are_tested_from_thirty_on_where_something_failed() {
        let pair = [count(0, 50), count(2, 50)];
        assert_eq!(stratified_p(&[pair; 29]), None);
        assert!(stratified_p(&[pair; 30]).unwrap() < 1e-6);
        assert_eq!(stratified_p(&[[count(0, 50); 2]; 30]), None);
        assert_eq!(stratified_p(&[[count(50, 50); 2]; 30]), None);
        // A pair without requests in one arm says nothing.
        assert_eq!(stratified_p(&[[count(0, 0), count(2, 50)]; 40]), None);
    }

    proptest! {
           #[test]
           fn p2_swapping_the_arms_mirrors(a in 0u64..50, b in 0u64..50, phi in 1.0..5.0_f64) {
               let dispersion = Dispersion { phi, df: 10.0 };
               let there = ShareChange { base: count(a, 60), current: count(b, 90), dispersion, stratified_p: None };
               let back = ShareChange { base: count(b, 90), current: count(a, 60), dispersion, stratified_p: None };
               prop_assert!((there.lower(0.025) + back.upper(0.025)).abs() < 1e-12);
               prop_assert!((there.p_above(0.0) + back.p_above(0.0) - 1.0).abs() < 1e-9);
           }

           #[test]
           fn more_errors_never_raise_p(a in 0u64..50, b in 0u64..50) {
               let p = |hits| ShareChange {
                   base: count(a, 500),
                   current: count(hits, 500),
                   dispersion: Dispersion::NONE,
    stratified_p: None,
               }.p_above(0.0);
               prop_assert!(p(b + 1) <= p(b) + 1e-12);
           }
       }
}
