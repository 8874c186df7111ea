//! The evidence of two sides on one metric: an estimated change with its uncertainty, or why there is none.

use super::check::INTERVAL_TAIL;
use super::looks::Remaining;
use super::statistics::{Count, Dispersion, Estimate, MOST_PAIRS, ShareChange, TailRank};
use super::{EstimatedChange, NotJudged};
use crate::metric::{Metric, MetricKind, StartFilter};
use crate::record::{Aggregate, needed_in_all};
use crate::units::six_digits;

/// A smaller rise of an error rate is ignored, as a share: 0.1 percentage points.
pub const SMALLEST_SHARE: f64 = 0.001;
/// Errors beyond what the base's share would give, that a failure needs.
pub const FEWEST_ERRORS: f64 = 5.0;

/// One metric of one cell on both sides.
#[derive(Clone, Debug)]
pub(super) struct Compared {
    /// Requests of the deployment under test.
    pub(super) requests: u64,
    /// The value before: seconds, a share, or per second.
    pub(super) before: Option<f64>,
    /// The value now.
    pub(super) current: Option<f64>,
    /// The change.
    pub(super) evidence: Result<Evidence, NotJudged>,
    /// Whether the check is tested at a third of the level: a side has few requests beyond the quantile, or levels are
    /// relative to a reference.
    pub(super) is_strict: bool,
    /// Where levels are relative to a reference: its own change, a ratio less one.
    pub(super) reference_change: Option<f64>,
    /// The change in each unit by itself.
    pub(super) units: Units,
}

/// The deployment under test, unit by unit: pairs of a duet, else slices.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Units {
    /// The natural logarithm of how much worse each is than what was before.
    Worse(Vec<f64>),
    /// The failures of each.
    Failures(Vec<Count>),
}

impl Units {
    /// From log-ratios of now over before, which are worse where there is less of a rate.
    pub(super) fn from_log_ratios(metric: Metric, log_ratios: impl Iterator<Item = f64>) -> Self {
        Self::Worse(match metric.kind() {
            MetricKind::Rate => log_ratios.map(|ratio| -ratio).collect(),
            MetricKind::Quantile(_) | MetricKind::Share => log_ratios.collect(),
        })
    }
}

impl Compared {
    /// The error rates of two sides, with the counts of their units.
    pub(super) fn from_counts(
        base: &[Count],
        current: &[Count],
        dispersion: Dispersion,
        failures: Vec<Count>,
    ) -> Self {
        let units = base.len();
        let [base, current] = [base, current].map(Count::total);
        let share = |count: Count| (count.of > 0).then(|| count.share());
        Self {
            requests: current.of,
            before: share(base),
            current: share(current),
            evidence: if base.of.min(current.of) == 0 {
                Err(NotJudged::TooFewRequests { have: 0, need: 1 })
            } else {
                Ok(Evidence::Errors(Weighed {
                    estimate: ShareChange {
                        base,
                        current,
                        dispersion,
                        stratified_p: None,
                    },
                    units,
                }))
            },
            is_strict: false,
            reference_change: None,
            units: Units::Failures(failures),
        }
    }
}

/// A change with its uncertainty.
#[derive(Clone, Debug)]
pub(super) enum Evidence {
    /// Of a latency against jobs, on a logarithmic scale.
    Slower(Weighed<Estimate>),
    /// Of a latency against the base arm, on a logarithmic scale.
    SlowerTail(TailRank),
    /// Of a rate, on a logarithmic scale, mirrored: above zero where there is less now.
    Fewer(Weighed<Estimate>),
    /// Of an error rate.
    Errors(Weighed<ShareChange>),
}

/// An estimate with the number of units that it rests on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighed<T> {
    pub(super) estimate: T,
    pub(super) units: usize,
}

impl Evidence {
    /// The evidence of an estimated log-ratio of a metric, current over before.
    pub(super) fn from_log_ratio(metric: Metric, estimate: Estimate, units: usize) -> Self {
        match metric.kind() {
            MetricKind::Rate => Self::Fewer(Weighed {
                estimate: estimate.mirrored(),
                units,
            }),
            MetricKind::Quantile(_) | MetricKind::Share => {
                Self::Slower(Weighed { estimate, units })
            }
        }
    }

    /// Whether there is nothing to test: no error on either side.
    pub(super) fn has_no_errors(&self) -> bool {
        match self {
            Self::Errors(Weighed { estimate, .. }) => {
                estimate.base.hits == 0 && estimate.current.hits == 0
            }
            Self::Slower(_) | Self::SlowerTail(_) | Self::Fewer(_) => false,
        }
    }

    /// Probability of a change as bad or worse where the true one is at the tolerance.
    pub(super) fn p(&self, tolerance: f64) -> f64 {
        match self {
            Self::SlowerTail(test) => test.p_above(libm::log1p(tolerance)),
            Self::Slower(it) | Self::Fewer(it) => it.estimate.p_above(libm::log1p(tolerance)),
            Self::Errors(it) => it.estimate.p_above(tolerance),
        }
    }

    /// The change as people read it, in the metric's own direction, with its 95 % interval.
    pub(super) fn change(&self, tolerance: f64) -> EstimatedChange {
        let (lower, estimate, upper) = match self {
            Self::SlowerTail(test) => (
                libm::expm1(test.lower(INTERVAL_TAIL)),
                libm::expm1(test.log_ratio()),
                libm::expm1(test.upper(INTERVAL_TAIL)),
            ),
            Self::Slower(Weighed { estimate, .. }) => (
                libm::expm1(estimate.lower(INTERVAL_TAIL)),
                libm::expm1(estimate.mean),
                libm::expm1(estimate.upper(INTERVAL_TAIL)),
            ),
            Self::Fewer(Weighed { estimate, .. }) => (
                libm::expm1(-estimate.upper(INTERVAL_TAIL)),
                libm::expm1(-estimate.mean),
                libm::expm1(-estimate.lower(INTERVAL_TAIL)),
            ),
            Self::Errors(Weighed { estimate, .. }) => (
                estimate.lower(INTERVAL_TAIL),
                estimate.difference(),
                estimate.upper(INTERVAL_TAIL),
            ),
        };
        EstimatedChange {
            estimate: six_digits(estimate),
            lower: six_digits(lower),
            upper: six_digits(upper),
            p: six_digits(self.p(tolerance)),
            units: u32::try_from(self.units()).unwrap_or(u32::MAX),
        }
    }

    /// The change for the worse that is likely not exceeded (97.5 %): a ratio less one, for errors a difference.
    pub(super) fn upper_bound(&self) -> f64 {
        match self {
            Self::SlowerTail(test) => libm::expm1(test.upper(INTERVAL_TAIL)),
            Self::Slower(it) | Self::Fewer(it) => libm::expm1(it.estimate.upper(INTERVAL_TAIL)),
            Self::Errors(it) => it.estimate.upper(INTERVAL_TAIL),
        }
    }

    /// The change for the better that is likely exceeded (97.5 %), as before over current less one; none for errors.
    pub(super) fn improvement_lower_bound(&self) -> Option<f64> {
        match self {
            Self::SlowerTail(test) => Some(libm::expm1(-test.upper(INTERVAL_TAIL))),
            Self::Slower(it) | Self::Fewer(it) => {
                Some(libm::expm1(-it.estimate.upper(INTERVAL_TAIL)))
            }
            Self::Errors(_) => None,
        }
    }

    /// Whether the change is too small to matter, whatever the test says; `floor` is in seconds.
    pub(super) fn is_below_floor(&self, before: f64, floor: f64) -> bool {
        let is_below = |log_ratio| libm::fabs(libm::expm1(log_ratio) * before) < floor;
        match self {
            Self::Slower(it) => is_below(it.estimate.mean),
            Self::SlowerTail(test) => is_below(test.log_ratio()),
            Self::Fewer(_) => false,
            Self::Errors(Weighed { estimate, .. }) => {
                // In a history the base pools many jobs, so that its bare count says nothing beside the candidate's.
                let expected = estimate.base.share() * estimate.current.of as f64;
                let excess = estimate.current.hits as f64 - expected;
                libm::fabs(estimate.difference()) < SMALLEST_SHARE
                    || libm::fabs(excess) < FEWEST_ERRORS
            }
        }
    }

    /// Whether even the change at its worst is below the floor in seconds.
    pub(super) fn upper_bound_is_below_floor(&self, before: f64, floor: f64) -> bool {
        match self {
            Self::Slower(_) | Self::SlowerTail(_) => self.upper_bound() * before < floor,
            Self::Fewer(_) | Self::Errors(_) => false,
        }
    }

    /// The change for the worse that a test of level `alpha` would have caught with 90 % probability.
    pub(super) fn detectable(&self, tolerance: f64, alpha: f64) -> Option<f64> {
        match self {
            Self::SlowerTail(test) => {
                Some(libm::expm1(test.detectable(libm::log1p(tolerance), alpha)))
            }
            Self::Slower(it) | Self::Fewer(it) => {
                let null = libm::log1p(tolerance);
                Some(libm::expm1(it.estimate.detectable(null, alpha)))
            }
            Self::Errors(Weighed { estimate, .. }) => {
                detectable_errors(*estimate, tolerance, alpha)
            }
        }
    }

    /// The same with what is planned beyond a look at a duet.
    pub(super) fn detectable_by_whole(
        &self,
        tolerance: f64,
        alpha: f64,
        remaining: Remaining,
    ) -> Option<f64> {
        let null = libm::log1p(tolerance);
        match self {
            Self::SlowerTail(test) => {
                let error = remaining.of_error();
                Some(libm::expm1(test.expected_to_detect(null, alpha, error)))
            }
            Self::Slower(it) | Self::Fewer(it) => {
                let beyond = it.estimate.detectable(null, alpha) - null;
                Some(libm::expm1(null + beyond * remaining.of_error()))
            }
            Self::Errors(Weighed { estimate, .. }) => {
                let whole = |count: Count| Count {
                    hits: remaining.whole(count.hits),
                    of: remaining.whole(count.of),
                };
                let estimate = ShareChange {
                    base: whole(estimate.base),
                    current: whole(estimate.current),
                    ..*estimate
                };
                detectable_errors(estimate, tolerance, alpha)
            }
        }
    }

    /// The change for the worse that would have been above the floor with 90 % probability, in seconds of a latency that
    /// was `before`: a smaller one fails nothing, however surely it is seen. That of errors is in what is detectable.
    pub(super) fn detectable_above_floor(&self, before: f64, floor: f64) -> f64 {
        let null = libm::log1p(floor / before);
        // Half of the estimates lie above the true change, which a level of one half asks for.
        match self {
            Self::Slower(it) => libm::expm1(it.estimate.detectable(null, 0.5)),
            Self::SlowerTail(test) => libm::expm1(test.detectable(null, 0.5)),
            Self::Fewer(_) | Self::Errors(_) => 0.0,
        }
    }

    /// A change for the worse as people read it: of a rate, a loss.
    pub(super) fn in_own_direction(&self, worse: f64) -> f64 {
        match self {
            Self::Slower(_) | Self::SlowerTail(_) | Self::Errors(_) => worse,
            Self::Fewer(_) => 1.0 / (1.0 + worse) - 1.0,
        }
    }

    /// How many times as many pairs as `pairs` would find a change of `wanted` with 90 % probability, as log-ratios; none
    /// up to [`MOST_PAIRS`].
    pub(super) fn times_the_pairs(
        &self,
        pairs: u32,
        wanted: f64,
        null: f64,
        alpha: f64,
    ) -> Option<f64> {
        match self {
            Self::SlowerTail(test) => {
                let most = MOST_PAIRS as f64 / f64::from(pairs.max(1));
                test.times_to_detect(wanted, null, alpha, most)
            }
            Self::Slower(it) | Self::Fewer(it) => {
                let more = it.estimate.pairs_to_detect(it.units, wanted, null, alpha)?;
                Some(more as f64 / it.units.max(1) as f64)
            }
            Self::Errors(_) => None,
        }
    }

    fn units(&self) -> usize {
        match self {
            Self::SlowerTail(test) => test.units(),
            Self::Slower(it) | Self::Fewer(it) => it.units,
            Self::Errors(it) => it.units,
        }
    }
}

/// The difference of error rates that a test of level `alpha` would have caught with 90 % probability, were it not too small
/// to matter.
fn detectable_errors(estimate: ShareChange, tolerance: f64, alpha: f64) -> Option<f64> {
    let fewest = FEWEST_ERRORS / estimate.current.of as f64;
    let caught = estimate.detectable(tolerance, alpha)?;
    Some(caught.max(SMALLEST_SHARE).max(fewest))
}

/// Standard deviation that one log-ratio of a metric is expected to have (`s0`): the far tail is wilder.
pub fn prior_sd(metric: Metric) -> f64 {
    match metric {
        Metric::P99 | Metric::P999 | Metric::ColdP99 | Metric::WarmP99 => 0.08,
        Metric::P50
        | Metric::P90
        | Metric::P95
        | Metric::ErrorRate
        | Metric::RequestsPerSecond
        | Metric::ColdShare
        | Metric::ColdP50
        | Metric::ColdP90
        | Metric::ColdP95
        | Metric::WarmP50
        | Metric::WarmP90
        | Metric::WarmP95 => 0.06,
    }
}

/// The count of a share in a unit.
pub(super) fn counted((hits, of): (u64, u64)) -> Count {
    Count { hits, of }
}

/// The value of a metric over all samples together, where they are too few for a level; none where there is nothing.
pub(super) fn pooled<'a>(
    samples: impl Iterator<Item = &'a Aggregate>,
    metric: Metric,
) -> Option<f64> {
    let mut pooled = Aggregate::default();
    samples.for_each(|sample| pooled.merge(sample));
    if pooled.requests == 0 {
        return None;
    }
    match metric.kind() {
        MetricKind::Quantile(q) => pooled.latencies_of(metric).quantile(q),
        MetricKind::Share => Some(counted(pooled.share(metric)))
            .filter(|count| count.of > 0)
            .map(Count::share),
        MetricKind::Rate => pooled.throughput.per_second(),
    }
    .filter(|value| value.is_finite())
}

/// A metric has fewer requests than a job or an arm needs.
pub(super) fn too_few(metric: Metric, have: u64) -> NotJudged {
    short(metric, have, needed_in_all(metric))
}

/// Refuses a metric with fewer requests than it needs.
pub(super) fn require(metric: Metric, have: u64, need: u64) -> Result<(), NotJudged> {
    if have < need {
        return Err(short(metric, have, need));
    }
    Ok(())
}

/// A metric has fewer requests than something needs.
pub(super) fn short(metric: Metric, have: u64, need: u64) -> NotJudged {
    if metric.starts() == StartFilter::Cold {
        NotJudged::TooFewColdStarts { have, need }
    } else {
        NotJudged::TooFewRequests { have, need }
    }
}
