//! Cold starts: how many, how long, and what they did to the percentiles of everything.

use super::View;
use crate::measurement::{Arm, LatencyHistogram};
use crate::metric::Metric;
use crate::thresholds::Subject;
use crate::verdict::Measure;

/// What the measured phases of the deployment under test saw of cold starts.
#[derive(Clone, Debug)]
pub(crate) struct ColdStarts {
    /// Latencies of responses that succeeded, and that no cold start delayed.
    pub(crate) warm: LatencyHistogram,
    /// Cold starts whose response was a failure.
    pub(crate) failed: u64,
    /// Whether any response says whether there was a cold start.
    pub(crate) is_marked: bool,
    pub(crate) share_before: Option<f64>,
    pub(crate) p50_before: Option<f64>,
}

/// What was seen of cold starts; none if the scenario does not name their header.
pub(super) fn cold_starts(view: &View) -> Option<ColdStarts> {
    if !view.record.marks_cold_starts() {
        return None;
    }
    let overall = view.overall();
    let parts = || view.aggregates().parts(None, None, Arm::Target);
    let marked: u64 = parts().map(|parts| parts.cold.count()).sum();
    Some(ColdStarts {
        warm: overall.latencies.without(&overall.cold),
        failed: marked.saturating_sub(overall.cold.count()),
        is_marked: parts().any(|parts| parts.marked > 0),
        share_before: before(view, Metric::ColdShare),
        p50_before: before(view, Metric::ColdP50),
    })
}

/// What a metric of all requests was before, where it was compared.
fn before(view: &View, metric: Metric) -> Option<f64> {
    let measure = Measure::Metric(metric);
    let overall = view.lines().filter(|line| line.subject == Subject::Overall);
    let mut lines = overall.filter(|line| line.measure == measure);
    lines.find_map(|line| line.change()?.before)
}
