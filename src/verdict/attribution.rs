//! The causes of a failed change, as far as the record shows them: the part of the latency that grew, cold starts, one
//! kind of failure, a few units or all of them.
//!
//! It explains and never judges: nothing here decides an outcome, and where no single cause stands out, none is named.

use std::collections::BTreeMap;

use super::change::CheckInput;
use super::evidence::{SMALLEST_SHARE, Units};
use super::input::{CandidateRun, ReferenceData};
use crate::baseline::PhaseScope;
use crate::measurement::{Arm, FailureKind, Part, Parts, Totals};
use crate::metric::{Metric, MetricKind};
use crate::record::Breakdown;
use crate::thresholds::Subject;
use crate::units::six_digits;

/// A cause is named where it makes up this share of the growth: most of it.
const MOST: f64 = 0.5;
/// Cold starts are named where their share grew by this factor.
const MORE_COLD: f64 = 1.5;

/// The causes of a change, as far as the record shows them; a cause that does not stand out is not named.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attribution {
    /// The part of the latency that makes up most of the growth.
    pub part: Option<PartGrowth>,
    /// More cold starts, while warm answers hardly changed.
    pub cold: Option<ColdGrowth>,
    /// The kind of failure that makes up most of the growth.
    pub kind: Option<KindGrowth>,
    /// Whether the change is everywhere or in one place.
    pub location: Option<ChangeLocation>,
}

/// One part of the latency, at the quantile of the metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PartGrowth {
    /// Which part.
    pub part: Part,
    /// Before, in seconds.
    pub before_s: f64,
    /// Now, in seconds.
    pub now_s: f64,
}

/// The share of answers that a cold start delayed, and the metric over warm answers alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColdGrowth {
    /// The share before.
    pub before: f64,
    /// The share now.
    pub now: f64,
    /// The metric over warm answers before, in seconds.
    pub warm_before_s: f64,
    /// The same now.
    pub warm_now_s: f64,
}

/// One kind of failure, as a share of all requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KindGrowth {
    /// Which kind.
    pub kind: FailureKind,
    /// Before; none against a baseline, which keeps no kinds.
    pub before: Option<f64>,
    /// Now.
    pub now: f64,
}

/// Where in a run a change shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeLocation {
    /// In so many units (pairs of a duet, else slices) it is beyond what is tolerated.
    Units {
        /// Units that are worse.
        worse: u32,
        /// Units in all.
        of: u32,
    },
    /// Most of the failures came in one unit.
    Burst {
        /// Failures in the worst unit.
        worst: u64,
        /// Failures in all.
        of: u64,
    },
}

impl PartGrowth {
    /// By how much it grew, in seconds.
    pub fn growth(self) -> f64 {
        self.now_s - self.before_s
    }
}

impl KindGrowth {
    /// By how much its share grew.
    pub fn growth(self) -> f64 {
        self.now - self.before.unwrap_or(0.0)
    }
}

/// Everything known of one subject in one scope on both sides, looked up once for all of its metrics.
pub(super) struct AttributionData {
    before: Breakdown,
    now: Breakdown,
    /// Failures by kind with all requests; none where the side does not tell kinds.
    failures_before: Option<Totals>,
    failures_now: Totals,
}

impl AttributionData {
    /// Of one subject in one scope.
    pub(super) fn new(
        runs: &[CandidateRun<'_>],
        reference: ReferenceData<'_>,
        scope: &PhaseScope,
        subject: &Subject,
    ) -> Self {
        let name = subject.name();
        let (before, failures_before) = match reference {
            ReferenceData::BaseArm => (
                breakdown(runs, Arm::Base, scope, subject),
                Some(totals(runs, Arm::Base, scope, subject)),
            ),
            ReferenceData::Jobs(jobs) => {
                let mut newest = jobs.iter().rev().filter_map(|job| job.cell(scope, name));
                let known = newest.find_map(|cell| cell.breakdown.clone());
                (known.unwrap_or_default(), None)
            }
            ReferenceData::Nothing(_) => (Breakdown::default(), None),
        };
        Self {
            before,
            now: breakdown(runs, Arm::Target, scope, subject),
            failures_before,
            failures_now: totals(runs, Arm::Target, scope, subject),
        }
    }

    /// The causes of the change of one check; none if nothing was compared.
    pub(super) fn explain(&self, cell: &CheckInput) -> Option<Attribution> {
        let compared = &cell.compared;
        let (before, now) = (compared.before?, compared.current?);
        let growth = now - before;
        let mut attribution = Attribution {
            location: spread(&compared.units, before, cell.rule.tolerance),
            ..Attribution::default()
        };
        match cell.metric.kind() {
            MetricKind::Quantile(_) => {
                attribution.part = self.part(cell.metric, growth);
                attribution.cold = self.cold(cell.metric, growth);
            }
            MetricKind::Share if cell.metric == Metric::ErrorRate => {
                attribution.kind = self.kind(growth);
            }
            MetricKind::Share | MetricKind::Rate => {}
        }
        Some(attribution)
    }

    /// The part whose quantile grew most, where that is most of the growth.
    fn part(&self, metric: Metric, growth: f64) -> Option<PartGrowth> {
        let before = self.before.parts.get(&metric)?;
        let now = self.now.parts.get(&metric)?;
        let seconds = |side: &BTreeMap<Part, f64>, part| side.get(&part).copied().unwrap_or(0.0);
        let grown = Part::ALL.map(|part| PartGrowth {
            part,
            before_s: seconds(before, part),
            now_s: seconds(now, part),
        });
        grown
            .into_iter()
            .max_by(|a, b| a.growth().total_cmp(&b.growth()))
            .filter(|most| growth > 0.0 && most.growth() >= MOST * growth)
    }

    /// Cold starts, where there are clearly more of them and warm answers account for less than half of the growth.
    fn cold(&self, metric: Metric, growth: f64) -> Option<ColdGrowth> {
        let cold = ColdGrowth {
            before: six_digits(self.before.cold_share()?),
            now: six_digits(self.now.cold_share()?),
            warm_before_s: *self.before.warm.get(&metric)?,
            warm_now_s: *self.now.warm.get(&metric)?,
        };
        let more = cold.now > MORE_COLD * cold.before;
        let warm = cold.warm_now_s - cold.warm_before_s;
        (more && warm < (1.0 - MOST) * growth).then_some(cold)
    }

    /// The kind of failure that grew most, where that is most of the growth.
    fn kind(&self, growth: f64) -> Option<KindGrowth> {
        let grown = self.failures_now.failures.keys().map(|kind| KindGrowth {
            kind: *kind,
            before: self
                .failures_before
                .as_ref()
                .map(|before| six_digits(before.share(*kind))),
            now: six_digits(self.failures_now.share(*kind)),
        });
        grown
            .max_by(|a, b| a.growth().total_cmp(&b.growth()))
            .filter(|most| growth > 0.0 && most.growth() >= MOST * growth)
    }
}

/// Whether the change is everywhere or in one place.
fn spread(units: &Units, before: f64, tolerance: f64) -> Option<ChangeLocation> {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let (worse, of) = match units {
        Units::Worse(log_ratios) => {
            let tolerated = libm::log1p(tolerance);
            let worse = log_ratios.iter().filter(|ratio| **ratio > tolerated);
            (worse.count(), log_ratios.len())
        }
        Units::Failures(counts) => {
            let all: u64 = counts.iter().map(|unit| unit.hits).sum();
            let most = counts.iter().map(|unit| unit.hits).max()?;
            // In fewer units, half of all in one of them is no surprise.
            if counts.len() > 2 && most as f64 >= MOST * all as f64 {
                return Some(ChangeLocation::Burst {
                    worst: most,
                    of: all,
                });
            }
            let allowed = before + SMALLEST_SHARE;
            let worse = counts.iter().filter(|unit| unit.share() > allowed);
            (worse.count(), counts.len())
        }
    };
    (of > 0).then(|| ChangeLocation::Units {
        worse: count(worse),
        of: count(of),
    })
}

fn breakdown(
    runs: &[CandidateRun<'_>],
    arm: Arm,
    scope: &PhaseScope,
    subject: &Subject,
) -> Breakdown {
    let mut pooled = Parts::default();
    for run in runs {
        if let Some(request) = run.request(subject) {
            let phases = scope.phases(&run.record.phases);
            pooled.merge(&run.record.parts_of(arm, &phases, request));
        }
    }
    Breakdown::from_parts(&pooled)
}

fn totals(runs: &[CandidateRun<'_>], arm: Arm, scope: &PhaseScope, subject: &Subject) -> Totals {
    let mut totals = Totals::default();
    for run in runs {
        if let Some(request) = run.request(subject) {
            let phases = scope.phases(&run.record.phases);
            let own = run.filter.totals(run.record, &phases, arm, request);
            totals.add(own.requests, &own.failures);
        }
    }
    totals
}
