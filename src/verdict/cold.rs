//! Cold starts: whether the runs have any, and whether responses are marked at all.
//!
//! A target that no longer marks its cold starts looks like one that has none, so their absence never passes in silence:
//! it counts as seen only where answers say that they are warm.

use super::evidence::{Compared, Evidence};
use super::input::CandidateRun;
use super::{NotJudged, Warning};
use crate::measurement::Arm;
use crate::metric::{Metric, StartFilter};
use crate::thresholds::Thresholds;

/// Whether any response of the deployment under test is marked as cold or warm.
pub(super) fn is_marked(runs: &[CandidateRun<'_>]) -> bool {
    let mut parts = runs.iter().flat_map(|run| &run.record.parts);
    parts.any(|record| record.arm == Arm::Target && record.parts.marked > 0)
}

/// Whether the runs saw any cold start that succeeded.
pub(super) fn has_cold_starts(runs: &[CandidateRun<'_>]) -> bool {
    let mut slices = runs.iter().flat_map(|run| &run.record.slices);
    slices.any(|slice| {
        let mut cells = slice.of_request(None);
        slice.arm == Arm::Target && cells.any(|cell| !cell.cold.is_empty())
    })
}

/// A comparison that is not judged if no response is marked: then a cold-start share of zero is missing data.
pub(super) fn checked(mut compared: Compared, metric: Metric, is_told: bool) -> Compared {
    let is_empty = match &compared.evidence {
        Ok(Evidence::Errors(it)) => it.estimate.current.hits == 0,
        Err(NotJudged::NoComparison) => compared.current.is_none_or(|share| share <= 0.0),
        // Any other reason for missing evidence stays.
        Ok(Evidence::Slower(_) | Evidence::SlowerTail(_) | Evidence::Fewer(_)) | Err(_) => false,
    };
    if metric == Metric::ColdShare && is_empty && !is_told {
        compared.evidence = Err(NotJudged::TooFewColdStarts { have: 0, need: 1 });
    }
    compared
}

/// A warning if warm responses are judged by themselves and no response is marked.
pub(super) fn warning(thresholds: &Thresholds, runs: &[CandidateRun<'_>]) -> Option<Warning> {
    let is_warm = |metric: &Metric| metric.starts() == StartFilter::Warm;
    let is_limited = thresholds
        .limits
        .iter()
        .any(|limit| limit.bound.metric().as_ref().is_some_and(is_warm));
    let is_judged = is_limited || thresholds.regression.gate.iter().any(is_warm);
    (is_judged && !is_marked(runs)).then_some(Warning::NoColdStartHeader)
}
