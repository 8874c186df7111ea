//! Two deployments in one job, in alternation: what their pairs say.

use super::NotJudged;
use super::evidence::{Compared, Evidence, Units, counted, pooled, prior_sd, require};
use super::input::CandidateRun;
use super::statistics::{Count, Dispersion, Estimate};
use crate::baseline::PhaseScope;
use crate::metric::{Metric, MetricKind};
use crate::record::{Aggregate, log_units, mean_of_medians, needed_in_all};
use crate::thresholds::Subject;

/// Units (pairs, after merging small ones) that a duet needs.
pub const FEWEST_UNITS: usize = 5;

/// By phase, the pairs of a cell: the deployment under test first, the base second.
#[derive(Debug)]
pub(super) struct Pairs(Vec<Vec<[Aggregate; 2]>>);

impl Pairs {
    /// The kept pairs of one subject. Those of several results stand beside each other, as if of further phases.
    pub(super) fn new(runs: &[CandidateRun<'_>], scope: &PhaseScope, subject: &Subject) -> Self {
        let mut phases = Vec::new();
        for run in runs {
            let Some(request) = run.request(subject) else {
                continue;
            };
            for phase in scope.phases(&run.record.phases) {
                let blocks = run.filter.paired_slices(run.record, phase);
                let whole = blocks
                    .iter()
                    .filter(|arms| arms.iter().all(|arm| !arm.is_empty()));
                let pairs = whole.map(|arms| {
                    arms.each_ref()
                        .map(|arm| Aggregate::from_slices(arm, request))
                });
                phases.push(pairs.collect());
            }
        }
        Self(phases)
    }

    /// Why the base arm is nothing to compare with; none where it is.
    pub(super) fn base_problem(&self) -> Option<NotJudged> {
        let base = Count::total(&self.counts(1, Metric::ErrorRate));
        match (base.of, base.of - base.hits) {
            (0, _) => Some(NotJudged::NewRequest),
            (_, 0) => Some(NotJudged::BaseFails),
            _ => None,
        }
    }

    /// The change of one metric.
    pub(super) fn compare(&self, metric: Metric) -> Compared {
        let mut compared = match metric.kind() {
            MetricKind::Share => self.shares(metric),
            MetricKind::Quantile(_) | MetricKind::Rate => self.log_ratio(metric),
        };
        if let Some(why) = self.base_problem() {
            compared.evidence = Err(why);
        }
        compared
    }

    fn log_ratio(&self, metric: Metric) -> Compared {
        let units: Vec<Vec<[f64; 2]>> = self
            .0
            .iter()
            .map(|pairs| log_units(pairs, metric))
            .collect();
        let level = |arm: usize| {
            let logs = units
                .iter()
                .map(|phase| phase.iter().map(|unit| unit[arm]).collect());
            let level = libm::exp(mean_of_medians(&logs.collect::<Vec<_>>()));
            let level = Some(level).filter(|level| level.is_finite());
            level.or_else(|| pooled(self.samples(arm), metric))
        };
        let differences: Vec<f64> = units
            .iter()
            .flatten()
            .map(|[now, base]| now - base)
            .collect();
        let count = |arm| {
            self.samples(arm)
                .map(|sample| sample.count(metric))
                .sum::<u64>()
        };
        let fewest = count(0).min(count(1));
        let units = differences.len();
        let evidence = require_units(metric, fewest, units).and_then(|()| {
            Estimate::from_pairs(&differences, prior_sd(metric))
                .map(|estimate| Evidence::from_log_ratio(metric, estimate, units))
                .ok_or_else(|| too_few_units(units, FEWEST_UNITS))
        });
        Compared {
            requests: self.requests(),
            before: level(1),
            current: level(0),
            evidence,
            units: Units::from_log_ratios(metric, differences.into_iter()),
        }
    }

    fn shares(&self, metric: Metric) -> Compared {
        let (current, base) = (self.counts(0, metric), self.counts(1, metric));
        let dispersion = Dispersion::estimate(&[&base, &current]);
        Compared::from_counts(&base, &current, dispersion, current.clone())
    }

    fn counts(&self, arm: usize, metric: Metric) -> Vec<Count> {
        let samples = self.samples(arm);
        samples
            .map(|sample| counted(sample.share(metric)))
            .collect()
    }

    fn requests(&self) -> u64 {
        self.samples(0).map(|sample| sample.requests).sum()
    }

    fn samples(&self, arm: usize) -> impl Iterator<Item = &Aggregate> {
        self.0.iter().flatten().map(move |pair| &pair[arm])
    }
}

/// Refuses a latency or a rate with too few requests in an arm, or too few units.
pub(super) fn require_units(metric: Metric, requests: u64, units: usize) -> Result<(), NotJudged> {
    require(metric, requests, needed_in_all(metric))?;
    if units < FEWEST_UNITS {
        return Err(too_few_units(units, FEWEST_UNITS));
    }
    Ok(())
}

pub(super) fn too_few_units(have: usize, need: usize) -> NotJudged {
    let count = |units| u32::try_from(units).unwrap_or(u32::MAX);
    NotJudged::TooFewSlices {
        have: count(have),
        need: count(need),
    }
}
