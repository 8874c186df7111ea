//! Cold starts: how many, how long, and what they did to the percentiles of everything.

use crate::measurement::{Arm, LatencyHistogram};
use crate::metric::Metric;
use crate::record::RunRecord;
use crate::report::ReportInput;
use crate::report::figures::{Figures, overall};
use crate::thresholds::Subject;
use crate::verdict::{CheckKind, Measure};

/// What the measured phases of the deployment under test saw of cold starts.
#[derive(Clone, Debug)]
pub(in crate::report) struct ColdStarts {
    /// Answers that succeeded after one.
    pub(in crate::report) cold: LatencyHistogram,
    /// All latencies.
    pub(in crate::report) all: LatencyHistogram,
    /// All but the cold ones.
    pub(in crate::report) warm: LatencyHistogram,
    /// Answers that succeeded.
    pub(in crate::report) answers: u64,
    /// Cold starts whose answer was a failure.
    pub(in crate::report) failed: u64,
    /// Whether any answer says whether there was a cold start.
    pub(in crate::report) is_told: bool,
    /// Their share before.
    pub(in crate::report) share_before: Option<f64>,
    /// Their median before, in seconds.
    pub(in crate::report) p50_before: Option<f64>,
}

impl ColdStarts {
    /// Their share of the answers that succeeded.
    pub(in crate::report) fn share(&self) -> f64 {
        self.cold.count() as f64 / self.answers.max(1) as f64
    }
}

/// What was seen of cold starts; none where the scenario knows of none.
pub(in crate::report) fn cold_starts(story: &ReportInput) -> Option<ColdStarts> {
    story.record.cold_start.as_ref()?;
    let Figures {
        latencies,
        cold,
        requests,
        failures,
        ..
    } = overall(story);
    let parts = || story.records().flat_map(target_parts);
    let marked: u64 = parts().map(|own| own.cold.count()).sum();
    Some(ColdStarts {
        warm: latencies.without(&cold),
        failed: marked.saturating_sub(cold.count()),
        is_told: parts().any(|own| own.marked > 0),
        answers: requests.saturating_sub(failures),
        all: latencies,
        cold,
        share_before: before(story, Metric::ColdShare),
        p50_before: before(story, Metric::ColdP50),
    })
}

/// The parts of the measured phases of the deployment under test.
fn target_parts(record: &RunRecord) -> impl Iterator<Item = &crate::measurement::Parts> {
    let parts = record.parts.iter();
    let own = parts.filter(|own| own.arm == Arm::Target && record.phases[own.phase].measured);
    own.map(|own| &own.parts)
}

/// What a metric of all requests was before, where it was compared.
fn before(story: &ReportInput, metric: Metric) -> Option<f64> {
    let mut lines = story.verdict.checks.iter();
    lines.find_map(|line| match &line.kind {
        CheckKind::Change(check)
            if line.subject == Subject::Overall && line.measure == Measure::Metric(metric) =>
        {
            check.before
        }
        CheckKind::Change(_) | CheckKind::Limit(_) => None,
    })
}
