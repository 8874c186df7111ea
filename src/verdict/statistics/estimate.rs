//! The change of a log-quantile with its uncertainty: moderated (shrunken-variance) t.
//!
//! A sample of few units has a wild variance. Both estimators shrink it towards a prior, as if [`PRIOR_WEIGHT`] more
//! observations had been made of it: five lucky quiet pairs then cannot give a tiny standard error, and few units keep
//! their power.

use super::Distribution;

/// Pseudo-observations that the prior variance weighs as much as (`d0`).
pub const PRIOR_WEIGHT: f64 = 4.0;
/// Share of pairs that is trimmed at either end, so that a burst in one slice does not decide.
const TRIM: f64 = 0.2;
/// Fewer pairs than these are not trimmed: too little would remain.
const TRIMMED_FROM: usize = 6;
/// Pairs up to which more of them are advised: a job of an hour at five seconds each.
pub const MOST_PAIRS: usize = 340;
/// Parallel jobs up to which more of them are advised.
const MOST_CANDIDATES: usize = 10;
/// Power at which the minimum detectable effect is computed.
const POWER: f64 = 0.9;

/// An estimated logarithm of a ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Degrees of freedom of the standard error.
    pub df: f64,
}

impl Estimate {
    /// Moderated Yuen estimate of the mean of paired log-ratios, trimmed by a fifth at either end from six pairs on.
    ///
    /// None without at least two differences. `prior_sd` is the standard deviation that one paired log-ratio is expected
    /// to have. Yuen (1974) for the trimmed mean and its error, Smyth (2004) for the moderation.
    pub fn from_pairs(differences: &[f64], prior_sd: f64) -> Option<Self> {
        let sorted = sorted(differences);
        let count = sorted.len();
        if count < 2 {
            return None;
        }
        let cut = trimmed(count);
        let kept = &sorted[cut..count - cut];
        let left = kept.len() as f64;
        let (low, high) = (sorted[cut], sorted[count - cut - 1]);
        let winsorized: Vec<f64> = sorted.iter().map(|d| d.clamp(low, high)).collect();
        // var(w) (K - 1) / (h - 1), times the h - 1 that it weighs below.
        let squares = sum_of_squares(&winsorized);
        let df = PRIOR_WEIGHT + left - 1.0;
        let variance = (PRIOR_WEIGHT * prior_sd * prior_sd + squares) / df;
        Some(Self {
            mean: mean(kept),
            standard_error: libm::sqrt(variance / left),
            df,
        })
    }

    /// Moderated t prediction: candidate jobs as new draws from where the baseline's jobs came from.
    ///
    /// None without a job on either side. `prior_sd` is the standard deviation expected between jobs.
    pub fn from_jobs(base: &[f64], candidates: &[f64], prior_sd: f64) -> Option<Self> {
        let (base, candidates) = (sorted(base), sorted(candidates));
        if base.is_empty() || candidates.is_empty() {
            return None;
        }
        let df = PRIOR_WEIGHT + base.len() as f64 - 1.0;
        let variance = (PRIOR_WEIGHT * prior_sd * prior_sd + sum_of_squares(&base)) / df;
        let draws = 1.0 / candidates.len() as f64 + 1.0 / base.len() as f64;
        Some(Self {
            mean: mean(&candidates) - mean(&base),
            standard_error: libm::sqrt(variance * draws),
            df,
        })
    }

    /// The same against one job, `anchor`, with the variance that jobs of the baseline show: the anchor is a draw too.
    pub fn from_anchor(
        anchor: f64,
        base: &[f64],
        candidates: &[f64],
        prior_sd: f64,
    ) -> Option<Self> {
        let around = Self::from_jobs(base, candidates, prior_sd)?;
        let draws = |jobs: usize| 1.0 / candidates.len() as f64 + 1.0 / jobs as f64;
        Some(Self {
            mean: mean(&sorted(candidates)) - anchor,
            standard_error: around.standard_error * libm::sqrt(draws(1) / draws(base.len())),
            df: around.df,
        })
    }

    /// Moderated two-sample t: units of one run before and now, which vary alike.
    ///
    /// None without a unit on either side. `prior_sd` is the standard deviation that one unit is expected to have.
    pub fn from_groups(base: &[f64], current: &[f64], prior_sd: f64) -> Option<Self> {
        let (base, current) = (sorted(base), sorted(current));
        if base.is_empty() || current.is_empty() {
            return None;
        }
        let df = PRIOR_WEIGHT + (base.len() + current.len()) as f64 - 2.0;
        let squares = sum_of_squares(&base) + sum_of_squares(&current);
        let variance = (PRIOR_WEIGHT * prior_sd * prior_sd + squares) / df;
        let draws = 1.0 / current.len() as f64 + 1.0 / base.len() as f64;
        Some(Self {
            mean: mean(&current) - mean(&base),
            standard_error: libm::sqrt(variance * draws),
            df,
        })
    }

    /// The sum of independent estimates, each times a factor, with Welch's degrees of freedom; none of nothing.
    ///
    /// Welch, Biometrika 34 (1947) 28.
    pub fn combined(terms: &[(f64, Self)]) -> Option<Self> {
        let variance = |(factor, it): &(f64, Self)| {
            let error = factor * it.standard_error;
            error * error
        };
        let sum: f64 = terms.iter().map(variance).sum();
        let of_df = |term: &(f64, Self)| variance(term) * variance(term) / term.1.df;
        let df = sum * sum / terms.iter().map(of_df).sum::<f64>();
        (!terms.is_empty()).then(|| Self {
            mean: terms.iter().map(|(factor, it)| factor * it.mean).sum(),
            standard_error: libm::sqrt(sum),
            df,
        })
    }

    /// The result of [`Self::from_jobs`] for one unchanged candidate where jobs vary by `sd`.
    pub fn expected_of_jobs(jobs: usize, sd: f64) -> Self {
        let jobs = jobs as f64;
        Self {
            mean: 0.0,
            standard_error: sd * libm::sqrt(1.0 + 1.0 / jobs),
            df: PRIOR_WEIGHT + jobs - 1.0,
        }
    }

    /// The result of [`Self::from_pairs`] for an unchanged candidate where pairs vary by `sd`.
    pub fn expected_of_pairs(pairs: usize, sd: f64) -> Self {
        let left = (pairs - 2 * trimmed(pairs)) as f64;
        Self {
            mean: 0.0,
            standard_error: sd / libm::sqrt(left),
            df: PRIOR_WEIGHT + left - 1.0,
        }
    }

    /// The same change seen from the other side: for a metric of which more is better.
    #[must_use]
    pub fn mirrored(self) -> Self {
        Self {
            mean: -self.mean,
            ..self
        }
    }

    /// Probability of an estimate as high or higher where the true value is `null`.
    pub fn p_above(self, null: f64) -> f64 {
        self.distribution()
            .tail((self.mean - null) / self.standard_error)
    }

    /// The bound that the true value lies below with probability `tail`.
    pub fn lower(self, tail: f64) -> f64 {
        self.mean - self.distribution().upper_quantile(tail) * self.standard_error
    }

    /// The bound that the true value lies above with probability `tail`.
    pub fn upper(self, tail: f64) -> f64 {
        self.mean + self.distribution().upper_quantile(tail) * self.standard_error
    }

    /// The true value that a test of level `alpha` against `null` would have found with 90 % probability.
    pub fn detectable(self, null: f64, alpha: f64) -> f64 {
        let t = self.distribution();
        null + (t.upper_quantile(alpha) + t.upper_quantile(1.0 - POWER)) * self.standard_error
    }

    /// The fewest pairs, beyond the `pairs` that this estimate rests on, in which a change of `wanted` (on the logarithmic
    /// scale) would be found with 90 % probability, if they vary as these did; none up to [`MOST_PAIRS`].
    pub fn pairs_to_detect(
        self,
        pairs: usize,
        wanted: f64,
        null: f64,
        alpha: f64,
    ) -> Option<usize> {
        let left = (pairs - 2 * trimmed(pairs)) as f64;
        let sd = self.standard_error * libm::sqrt(left);
        (pairs + 1..=MOST_PAIRS)
            .find(|more| Self::expected_of_pairs(*more, sd).detectable(null, alpha) <= wanted)
    }

    /// The fewest candidate jobs, beyond `candidates`, by which a change of `wanted` would be found with 90 % probability
    /// against the same `jobs` of the baseline; none up to [`MOST_CANDIDATES`].
    pub fn candidates_to_detect(
        self,
        (jobs, candidates): (usize, usize),
        wanted: f64,
        null: f64,
        alpha: f64,
    ) -> Option<usize> {
        let draws = |candidates: usize| 1.0 / candidates as f64 + 1.0 / jobs as f64;
        let variance = self.standard_error * self.standard_error / draws(candidates);
        (candidates + 1..=MOST_CANDIDATES).find(|more| {
            let standard_error = libm::sqrt(variance * draws(*more));
            let more = Self {
                standard_error,
                ..self
            };
            more.detectable(null, alpha) <= wanted
        })
    }

    fn distribution(self) -> Distribution {
        Distribution::StudentT(self.df)
    }
}

/// How many of so many pairs are trimmed at either end.
fn trimmed(count: usize) -> usize {
    if count < TRIMMED_FROM {
        return 0;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a fifth of a length is a small whole number of at least zero"
    )]
    let trimmed = libm::floor(TRIM * count as f64) as usize;
    trimmed
}

/// Ascending, so that sums, whose last digit depends on their order, do not depend on the order of the units.
fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The sum of squared deviations from the mean.
pub fn sum_of_squares(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|x| (x - mean) * (x - mean)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRIOR: f64 = 0.06;

    fn log_tolerance(tolerance: f64) -> f64 {
        libm::log1p(tolerance)
    }

    #[track_caller]
    fn close(ours: f64, golden: f64) {
        assert!((ours - golden).abs() < 1e-5, "{ours} is not {golden}");
    }

    #[test]
    fn advised_pairs_and_jobs_are_enough_and_one_fewer_is_not() {
        let (null, wanted, alpha) = (log_tolerance(0.05), log_tolerance(0.2), 0.005);
        let noisy = Estimate::expected_of_pairs(12, 0.25);
        assert!(noisy.detectable(null, alpha) > wanted);
        let pairs = noisy.pairs_to_detect(12, wanted, null, alpha).unwrap();
        let sees =
            |pairs| Estimate::expected_of_pairs(pairs, 0.25).detectable(null, alpha) <= wanted;
        assert!(sees(pairs) && !sees(pairs - 1), "{pairs}");
        assert_eq!(
            Estimate::expected_of_pairs(12, 2.0).pairs_to_detect(12, wanted, null, alpha),
            None
        );

        let (null, wanted, alpha) = (log_tolerance(0.03), log_tolerance(0.3), 0.03);
        let noisy = Estimate::expected_of_jobs(10, 0.1);
        assert!(noisy.detectable(null, alpha) > wanted);
        let jobs = noisy.candidates_to_detect((10, 1), wanted, null, alpha);
        assert!(jobs.is_some_and(|jobs| (2..=4).contains(&jobs)), "{jobs:?}");
        // However often it is measured, one job of the baseline stays one.
        let alone = Estimate::expected_of_jobs(1, 0.1);
        assert_eq!(
            alone.candidates_to_detect((1, 1), wanted, null, alpha),
            None
        );
    }

    #[test]
    fn golden_a_duet_with_one_outlier_passes() {
        let d = [
            0.02, -0.01, 0.03, 0.0, 0.015, -0.02, 0.01, 0.25, -0.005, 0.02, 0.0, -0.01,
        ];
        let estimate = Estimate::from_pairs(&d, PRIOR).unwrap();
        close(estimate.mean, 0.006_25);
        close(estimate.standard_error, 0.013_585);
        close(estimate.df, 11.0);
        let null = log_tolerance(0.05);
        close((estimate.mean - null) / estimate.standard_error, -3.131_3);
        close(estimate.p_above(null), 0.995_222);
        close(libm::exp(estimate.lower(0.01)), 0.969_79);
        close(libm::exp(estimate.upper(0.025)), 1.036_81);
    }

    #[test]
    fn golden_a_duet_that_is_a_fifth_slower_fails() {
        let d = [
            0.17, 0.20, 0.15, 0.19, 0.22, 0.16, 0.18, 0.45, 0.14, 0.21, 0.19, 0.17,
        ];
        let estimate = Estimate::from_pairs(&d, PRIOR).unwrap();
        close(estimate.mean, 0.183_75);
        close(estimate.standard_error, 0.014_652);
        close(estimate.df, 11.0);
        let null = log_tolerance(0.05);
        close((estimate.mean - null) / estimate.standard_error, 9.211_08);
        let p = estimate.p_above(null);
        assert!((p - 8.349e-7).abs() < 5e-11, "{p}");
        assert!((libm::exp(estimate.lower(0.01)) - 1.1548).abs() < 5e-5);
    }

    #[test]
    fn a_difference_has_the_degrees_of_freedom_of_welch() {
        let of = |mean, standard_error, df| Estimate {
            mean,
            standard_error,
            df,
        };
        let (now, before) = (of(0.5, 0.03, 10.0), of(0.2, 0.04, 20.0));
        let change = Estimate::combined(&[(1.0, now), (-1.0, before)]).unwrap();
        close(change.mean, 0.3);
        close(change.standard_error, 0.05);
        // 25^2 / (9^2 / 10 + 16^2 / 20).
        close(change.df, 29.904_306);
        assert_eq!(Estimate::combined(&[(1.0, now)]), Some(now));
        assert_eq!(Estimate::combined(&[]), None);
    }

    #[test]
    fn golden_five_pairs_are_not_trimmed() {
        let estimate = Estimate::from_pairs(&[0.09, 0.12, 0.05, 0.11, 0.10], PRIOR).unwrap();
        close(estimate.mean, 0.094);
        close(estimate.standard_error, 0.020_809);
        close(estimate.df, 8.0);
        let null = log_tolerance(0.05);
        close((estimate.mean - null) / estimate.standard_error, 2.172_65);
        close(estimate.p_above(null), 0.030_782_1);
        assert!((libm::exp(estimate.lower(0.01)) - 1.0343).abs() < 5e-5);
    }

    #[test]
    fn golden_histories_of_ten_three_and_one() {
        let ten = [
            100.0, 104.0, 97.0, 101.0, 103.0, 99.0, 96.0, 105.0, 100.0, 102.0,
        ];
        for (base, candidate, df, t, p, digits) in [
            (&ten[..], 122.0, 13.0, 3.775_66, 0.001_155_92, 1e-8),
            (&ten[..3], 122.0, 6.0, 2.719_62, 0.017_33, 5e-6),
            (&ten[..1], 150.0, 4.0, 4.430_1, 0.005_71, 5e-6),
        ] {
            let logs: Vec<f64> = base.iter().map(|ms| libm::log(*ms)).collect();
            let estimate = Estimate::from_jobs(&logs, &[libm::log(candidate)], PRIOR).unwrap();
            close(estimate.df, df);
            let null = log_tolerance(0.03);
            close((estimate.mean - null) / estimate.standard_error, t);
            let ours = estimate.p_above(null);
            assert!((ours - p).abs() < digits, "{ours} is not {p}");
        }
        let logs = ten.map(libm::log);
        let estimate = Estimate::from_jobs(&logs, &[libm::log(122.0)], PRIOR).unwrap();
        assert!((estimate.standard_error - 0.043_09).abs() < 5e-6);
    }

    #[test]
    fn three_candidates_are_surer_than_one() {
        let base = [0.0, 0.01, -0.02, 0.03, 0.01];
        let one = Estimate::from_jobs(&base, &[0.1], PRIOR).unwrap();
        let three = Estimate::from_jobs(&base, &[0.1, 0.09, 0.11], PRIOR).unwrap();
        let ratio = libm::sqrt((1.0 / 3.0 + 0.2) / (1.0 + 0.2));
        assert!((three.standard_error / one.standard_error - ratio).abs() < 1e-12);
    }

    #[test]
    fn two_groups_by_hand() {
        // Squares .02 and .02, prior 4 x .0036: variance .0544 / 7, over 3 and 2 units.
        let estimate = Estimate::from_groups(&[0.0, 0.1, 0.2], &[0.4, 0.6], PRIOR).unwrap();
        close(estimate.mean, 0.4);
        close(estimate.df, 7.0);
        let error = libm::sqrt((4.0 * PRIOR * PRIOR + 0.04) / 7.0 * (1.0 / 3.0 + 0.5));
        close(estimate.standard_error, error);
        assert_eq!(Estimate::from_groups(&[], &[0.1], PRIOR), None);
    }

    #[test]
    fn equal_pairs_keep_an_error() {
        let estimate = Estimate::from_pairs(&[0.0; 12], PRIOR).unwrap();
        assert!(estimate.standard_error > 0.0);
        assert!(estimate.p_above(log_tolerance(0.05)) > 0.9);
    }

    #[test]
    fn too_little_gives_no_estimate() {
        assert_eq!(Estimate::from_pairs(&[0.1], PRIOR), None);
        assert_eq!(Estimate::from_jobs(&[], &[0.1], PRIOR), None);
        assert_eq!(Estimate::from_jobs(&[0.1], &[], PRIOR), None);
    }

    fn pairs() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(-1.0..1.0, 2..30)
    }

    proptest! {
        #[test]
        fn p1_a_constant_slow_down_never_raises_p(d in pairs(), slower in 0.0..0.5) {
            let moved: Vec<f64> = d.iter().map(|x| x + slower).collect();
            let null = log_tolerance(0.05);
            let before = Estimate::from_pairs(&d, PRIOR).unwrap();
            let after = Estimate::from_pairs(&moved, PRIOR).unwrap();
            prop_assert!(after.p_above(null) <= before.p_above(null) + 1e-12);
            prop_assert!(after.upper(0.025) >= before.upper(0.025) - 1e-12);
        }

        #[test]
        fn p1_the_order_of_pairs_is_nothing(d in pairs(), turn in 0usize..30) {
            let mut turned = d.clone();
            turned.rotate_left(turn % d.len());
            turned.reverse();
            prop_assert_eq!(Estimate::from_pairs(&d, PRIOR), Estimate::from_pairs(&turned, PRIOR));
        }

        #[test]
        fn p1_seconds_and_milliseconds_agree(base in prop::collection::vec(1e-4..10.0, 5..20),
                                            current in 1e-4..10.0_f64) {
            let estimate = |scale: f64| {
                let logs: Vec<f64> = base.iter().map(|x| libm::log(x * scale)).collect();
                Estimate::from_jobs(&logs, &[libm::log(current * scale)], PRIOR).unwrap()
            };
            let (s, ms) = (estimate(1.0), estimate(1000.0));
            prop_assert!((s.mean - ms.mean).abs() < 1e-12);
            prop_assert!((s.standard_error - ms.standard_error).abs() < 1e-12);
        }

        #[test]
        fn p2_swapping_the_arms_mirrors_the_interval(d in pairs()) {
            let swapped: Vec<f64> = d.iter().map(|x| -x).collect();
            let there = Estimate::from_pairs(&d, PRIOR).unwrap();
            let back = Estimate::from_pairs(&swapped, PRIOR).unwrap();
            prop_assert!((there.lower(0.025) + back.upper(0.025)).abs() < 1e-12);
            prop_assert!((there.upper(0.025) + back.lower(0.025)).abs() < 1e-12);
            prop_assert!((there.mirrored().mean - back.mean).abs() < 1e-12);
        }
    }
}
