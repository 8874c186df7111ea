//! Levels of a history relative to a reference service, which each job measured beside the target. What slows down both
//! is the runner's doing. The rule: `docs/src/explanation/history.md`.

use std::collections::BTreeMap;

use super::evidence::prior_sd;
use super::input::HISTORY_FROM;
use super::rule::FAR_QUANTILE;
use super::statistics::{Estimate, sum_of_squares};
use crate::metric::{Metric, MetricKind, StartFilter};
use crate::record::ReferenceRecord;
use crate::units::six_digits;

/// Standard deviation that the log-ratio of target and reference is expected to have between jobs.
const PRIOR_SD: f64 = 0.03;
/// The same of P99 and beyond.
const PRIOR_SD_FAR: f64 = 0.04;
/// Standard deviations by which the reference may differ from the jobs before the machine counts as another one.
const SAME_MACHINE: f64 = 3.0;

/// How a reference service was used in a comparison with a history.
#[derive(Clone, Debug, PartialEq)]
pub enum ReferenceUse {
    /// Changes are relative to it.
    Relative {
        /// Jobs of the baseline that measured it.
        jobs: u32,
        /// By metric, its own change since these jobs: a ratio less one.
        changes: BTreeMap<Metric, f64>,
    },
    /// So few jobs of the baseline measured it, and five are needed.
    TooFewJobs(u32),
    /// Jobs do not vary less relative to it.
    NotQuieter,
}

/// A metric in one job: the reference that was measured beside it, and the natural logarithm of its level.
pub(super) type Level<'a> = (Option<&'a ReferenceRecord>, f64);

/// Levels of a metric over those of the reference, as natural logarithms.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Relative {
    pub(super) base: Vec<f64>,
    pub(super) current: Vec<f64>,
    pub(super) prior_sd: f64,
    /// The reference itself in the candidates: its mean level, and its change since the jobs.
    pub(super) level: f64,
    pub(super) change: f64,
    /// Whether that change is larger than jobs on one kind of machine ever show.
    pub(super) is_other_machine: bool,
}

impl Relative {
    /// Divides out the reference. None if five jobs do not have it, or if jobs vary no less for it: that is settled before
    /// the candidates' own levels are looked at.
    pub(super) fn new(
        metric: Metric,
        candidates: &[Level<'_>],
        jobs: &[Level<'_>],
    ) -> Option<Self> {
        if !has_reference(metric) {
            return None;
        }
        let newest = candidates.last()?.0?;
        let pairs = |levels: &[Level<'_>]| -> Vec<(f64, f64)> {
            let levels = levels.iter();
            levels
                .filter_map(|(reference, log)| {
                    let reference = reference.filter(|it| it.is_like(newest))?;
                    let own = reference.latencies.get(&metric.of_all())?;
                    // A stored file may hold anything.
                    let own = Some(libm::log(*own)).filter(|own| own.is_finite())?;
                    Some((*log, own))
                })
                .collect()
        };
        let (current, base) = (pairs(candidates), pairs(jobs));
        if current.len() < candidates.len() || !is_quieter(&base) {
            return None;
        }
        let ratios = |pairs: &[(f64, f64)]| pairs.iter().map(|(log, own)| log - own).collect();
        let own =
            |pairs: &[(f64, f64)]| -> Vec<f64> { pairs.iter().map(|(_, own)| *own).collect() };
        let (before, now) = (own(&base), own(&current));
        let own = Estimate::from_jobs(&before, &now, prior_sd(metric.of_all()))?;
        Some(Self {
            base: ratios(&base),
            current: ratios(&current),
            prior_sd: prior_sd_of_ratio(metric),
            level: now.iter().sum::<f64>() / now.len() as f64,
            change: libm::expm1(own.mean),
            is_other_machine: own.mean.abs() > SAME_MACHINE * own.standard_error,
        })
    }
}

/// The standard deviation that the log-ratio of a metric is expected to have between jobs.
fn prior_sd_of_ratio(metric: Metric) -> f64 {
    if metric.quantile().is_some_and(|q| q >= FAR_QUANTILE) {
        PRIOR_SD_FAR
    } else {
        PRIOR_SD
    }
}

/// Whether a metric can be relative to a reference, which has no cold starts.
fn has_reference(metric: Metric) -> bool {
    matches!(metric.kind(), MetricKind::Quantile(_)) && metric.starts() != StartFilter::Cold
}

/// Whether there are enough jobs, and the level of a metric varies less over the reference's than by itself.
fn is_quieter(jobs: &[(f64, f64)]) -> bool {
    let relative: Vec<f64> = jobs.iter().map(|(log, own)| log - own).collect();
    let plain: Vec<f64> = jobs.iter().map(|(log, _)| *log).collect();
    jobs.len() >= HISTORY_FROM && sum_of_squares(&relative) < sum_of_squares(&plain)
}

/// How the reference was used: by the checks that are relative to it, in order.
pub(super) fn reference_use<'c>(
    reference: Option<&ReferenceRecord>,
    jobs: impl Iterator<Item = &'c ReferenceRecord>,
    checks: impl Iterator<Item = (Metric, f64)>,
) -> Option<ReferenceUse> {
    let own = reference?;
    let alike = jobs.filter(|job| job.is_like(own)).count();
    let count = u32::try_from(alike).unwrap_or(u32::MAX);
    let changes = checks.map(|(metric, change)| (metric.of_all(), six_digits(change)));
    let changes: BTreeMap<Metric, f64> = changes.collect();
    Some(if !changes.is_empty() {
        ReferenceUse::Relative {
            jobs: count,
            changes,
        }
    } else if alike < HISTORY_FROM {
        ReferenceUse::TooFewJobs(count)
    } else {
        ReferenceUse::NotQuieter
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(p95: f64) -> ReferenceRecord {
        ReferenceRecord {
            service: "built-in".to_owned(),
            built_in_s: Some(0.05),
            rate: 50.0,
            requests: 3000,
            failures: 0,
            latencies: BTreeMap::from([(Metric::P95, p95)]),
        }
    }

    /// Target over reference of the golden vectors, in milliseconds.
    const JOBS: [(f64, f64); 10] = [
        (100.0, 50.0),
        (104.0, 51.0),
        (97.0, 49.5),
        (101.0, 50.2),
        (103.0, 51.3),
        (99.0, 49.8),
        (96.0, 48.2),
        (105.0, 52.0),
        (100.0, 49.9),
        (102.0, 51.1),
    ];

    fn relative(run: (f64, f64), jobs: &[(f64, f64)]) -> Option<Relative> {
        let stored: Vec<(ReferenceRecord, f64)> = jobs
            .iter()
            .chain([&run])
            .map(|(target, own)| (reference(*own), libm::log(*target)))
            .collect();
        let levels: Vec<Level<'_>> = stored.iter().map(|(own, log)| (Some(own), *log)).collect();
        let (jobs, run) = levels.split_at(jobs.len());
        Relative::new(Metric::P95, run, jobs)
    }

    fn estimate(relative: &Relative) -> Estimate {
        Estimate::from_jobs(&relative.base, &relative.current, relative.prior_sd).unwrap()
    }

    /// Checks a figure to the digits that the study prints.
    #[track_caller]
    fn assert_close(figure: f64, golden: f64) {
        assert!(
            (figure / golden - 1.0).abs() < 1e-5,
            "{figure} for {golden}"
        );
    }

    #[test]
    fn changes_relative_to_a_reference_match_golden_vectors() {
        let null = libm::log1p(0.03);
        for (run, jobs, golden) in [
            (
                (122.0, 50.5),
                &JOBS[..],
                [0.188_073, 0.019_708_8, 13.0, 1.054_52e-6],
            ),
            (
                (115.0, 50.0),
                &JOBS[..5],
                [0.137_990, 0.025_773_6, 8.0, 0.001_483_86],
            ),
        ] {
            let estimate = estimate(&relative(run, jobs).unwrap());
            let [mean, error, df, p] = golden;
            assert_close(estimate.mean, mean);
            assert_close(estimate.standard_error, error);
            assert_close(estimate.df, df);
            assert_close(estimate.p_above(null), p);
        }
        let unchanged = estimate(&relative((104.0, 50.5), &JOBS).unwrap());
        assert_close(unchanged.p_above(null), 0.522_137);
    }

    #[test]
    fn four_jobs_with_a_reference_are_too_few() {
        assert_eq!(relative((122.0, 50.5), &JOBS[..4]), None);
    }

    #[test]
    fn a_reference_that_varies_by_itself_is_not_used() {
        let mut jobs = JOBS;
        jobs[3].1 = 80.0;
        assert_eq!(relative((122.0, 50.5), &jobs), None);
    }

    #[test]
    fn a_latency_of_zero_in_a_file_is_left_out() {
        assert_eq!(relative((122.0, 0.0), &JOBS), None);
        assert_eq!(relative((122.0, -1.0), &JOBS), None);
    }

    #[test]
    fn another_service_or_rate_is_another_reference() {
        let jobs = JOBS.map(|(target, own)| (reference(own), libm::log(target)));
        let levels: Vec<Level<'_>> = jobs.iter().map(|(own, log)| (Some(own), *log)).collect();
        let mut other = reference(50.0);
        let log = libm::log(100.0);
        assert!(Relative::new(Metric::P95, &[(Some(&other), log)], &levels).is_some());
        assert_eq!(
            Relative::new(Metric::P99, &[(Some(&other), log)], &levels),
            None
        );
        assert_eq!(Relative::new(Metric::P95, &[(None, log)], &levels), None);
        other.rate = 20.0;
        assert_eq!(
            Relative::new(Metric::P95, &[(Some(&other), log)], &levels),
            None
        );
        other.rate = 50.0;
        other.built_in_s = Some(0.06);
        assert_eq!(
            Relative::new(Metric::P95, &[(Some(&other), log)], &levels),
            None
        );
    }

    #[test]
    fn a_machine_twice_as_slow_is_another_one() {
        assert!(!relative((122.0, 55.0), &JOBS).unwrap().is_other_machine);
        assert!(relative((240.0, 101.0), &JOBS).unwrap().is_other_machine);
    }
}
