//! Two deployments in one job, in alternation: what their pairs say.

use super::NotJudged;
use super::evidence::{Compared, Evidence, Units, counted, pooled, prior_sd, require, short};
use super::input::CandidateRun;
use super::statistics::{
    Count, Dispersion, Estimate, FEWEST_UNITS, Latencies, Pair, ProcessEffect, TailRank, TooFew,
    requests_needed, stratified_p,
};
use crate::baseline::PhaseScope;
use crate::metric::{Metric, MetricKind};
use crate::record::{Aggregate, log_units, mean_of_medians, needed_in_all};
use crate::thresholds::{Instances, Regression, Subject};

/// By phase, the pairs of a cell: the deployment under test first, the base second.
#[derive(Debug)]
pub(super) struct Pairs {
    phases: Vec<Vec<[Aggregate; 2]>>,
    process: ProcessEffect,
}

/// What two starts of one build may differ by, as the thresholds have it.
pub(super) fn process_effect(regression: &Regression) -> ProcessEffect {
    match regression.instances {
        Instances::Many => ProcessEffect::NONE,
        Instances::One => ProcessEffect::of_one_process(regression.precision.process_allowance()),
    }
}

impl Pairs {
    /// The kept pairs of one subject. Those of several results stand beside each other, as if of further phases.
    pub(super) fn new(
        runs: &[CandidateRun<'_>],
        scope: &PhaseScope,
        subject: &Subject,
        process: ProcessEffect,
    ) -> Self {
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
        Self { phases, process }
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
            MetricKind::Quantile(q) => self.quantiles(metric, q),
            MetricKind::Rate => self.rates(metric),
        };
        if let Some(why) = self.base_problem() {
            compared.evidence = Err(why);
        }
        compared
    }

    fn quantiles(&self, metric: Metric, q: f64) -> Compared {
        let latencies = |sample: &Aggregate| -> Latencies {
            let counts = sample.latencies_of(metric).counts();
            counts
                .into_iter()
                .map(|(micros, count)| (micros as f64, count))
                .collect()
        };
        let pairs = self.phases.iter().flatten().map(|[candidate, base]| Pair {
            base: latencies(base),
            candidate: latencies(candidate),
        });
        let test = TailRank::new(&pairs.collect::<Vec<_>>(), q, self.process);
        Compared {
            requests: self.requests(),
            before: pooled(self.samples(1), metric),
            current: pooled(self.samples(0), metric),
            evidence: test
                .map(Evidence::SlowerTail)
                .map_err(|few| not_tested(metric, few)),
            is_strict: false,
            reference_change: None,
            units: Units::from_log_ratios(metric, self.differences(metric).into_iter()),
        }
    }

    fn rates(&self, metric: Metric) -> Compared {
        let logs = |arm: usize| {
            let phases = self.log_units(metric).into_iter();
            phases.map(move |phase| phase.iter().map(|unit| unit[arm]).collect())
        };
        let level = |arm: usize| {
            let level = libm::exp(mean_of_medians(&logs(arm).collect::<Vec<_>>()));
            let level = Some(level).filter(|level| level.is_finite());
            level.or_else(|| pooled(self.samples(arm), metric))
        };
        let differences = self.differences(metric);
        let requests = |arm| -> u64 {
            let samples = self.samples(arm);
            samples.map(|sample| sample.count(metric)).sum()
        };
        let units = differences.len();
        let evidence = require_units(metric, requests(0).min(requests(1)), units).and_then(|()| {
            Estimate::from_pairs(&differences, prior_sd(metric))
                .map(|estimate| Evidence::from_log_ratio(metric, estimate, units))
                .ok_or_else(|| too_few_units(units, FEWEST_UNITS))
        });
        Compared {
            requests: self.requests(),
            before: level(1),
            current: level(0),
            evidence,
            is_strict: false,
            reference_change: None,
            units: Units::from_log_ratios(metric, differences.into_iter()),
        }
    }

    /// By phase, the units of both arms.
    fn log_units(&self, metric: Metric) -> Vec<Vec<[f64; 2]>> {
        let phases = self.phases.iter();
        phases.map(|pairs| log_units(pairs, metric)).collect()
    }

    /// The log-ratio of each unit.
    fn differences(&self, metric: Metric) -> Vec<f64> {
        let units = self.log_units(metric).into_iter().flatten();
        units.map(|[now, base]| now - base).collect()
    }

    fn shares(&self, metric: Metric) -> Compared {
        let (current, base) = (self.counts(0, metric), self.counts(1, metric));
        let dispersion = Dispersion::estimate(&[&base, &current]);
        let pairs = base.iter().zip(&current);
        let pairs: Vec<[Count; 2]> = pairs.map(|(base, now)| [*base, *now]).collect();
        let mut compared = Compared::from_counts(&base, &current, dispersion, current.clone());
        if let Ok(Evidence::Errors(errors)) = &mut compared.evidence {
            errors.estimate.stratified_p = stratified_p(&pairs);
        }
        compared
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
        self.phases.iter().flatten().map(move |pair| &pair[arm])
    }
}

/// Refuses a rate with too few requests in an arm, or too few units.
pub(super) fn require_units(metric: Metric, requests: u64, units: usize) -> Result<(), NotJudged> {
    require(metric, requests, needed_in_all(metric))?;
    if units < FEWEST_UNITS {
        return Err(too_few_units(units, FEWEST_UNITS));
    }
    Ok(())
}

/// Requests that each arm needs for a quantile, if both have as many.
pub(super) fn needed_per_arm(q: f64) -> u64 {
    requests_needed(q).div_ceil(2)
}

fn not_tested(metric: Metric, few: TooFew) -> NotJudged {
    match few {
        TooFew::Requests { have, need } => short(metric, have / 2, need.div_ceil(2)),
        TooFew::Units(units) => too_few_units(units, FEWEST_UNITS),
    }
}

pub(super) fn too_few_units(have: usize, need: usize) -> NotJudged {
    let count = |units| u32::try_from(units).unwrap_or(u32::MAX);
    NotJudged::TooFewSlices {
        have: count(have),
        need: count(need),
    }
}
