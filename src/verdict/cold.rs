//! Cold starts: whether there are any to judge by.
//!
//! A target that no longer marks its cold starts looks like one that has none, so their absence never passes in silence:
//! it counts as seen only where answers say that they are warm.

use super::evidence::{Compared, Evidence};
use super::input::CandidateRun;
use super::{NotJudged, Warning};
use crate::measurement::Arm;
use crate::metric::{Metric, StartFilter};
use crate::thresholds::Thresholds;

/// Whether any answer of the deployment under test says whether there was a cold start.
pub(super) fn is_marked(runs: &[CandidateRun<'_>]) -> bool {
    let mut parts = runs.iter().flat_map(|run| &run.record.parts);
    parts.any(|own| own.arm == Arm::Target && own.parts.marked > 0)
}

/// Whether the runs saw any cold start that succeeded.
pub(super) fn has_cold_starts(runs: &[CandidateRun<'_>]) -> bool {
    let mut slices = runs.iter().flat_map(|run| &run.record.slices);
    slices.any(|slice| {
        let mut cells = slice.of_request(None);
        slice.arm == Arm::Target && cells.any(|cell| !cell.cold.is_empty())
    })
}

/// A comparison as it stands where cold starts may be missing: the share of them says nothing where nobody tells.
pub(super) fn checked(mut compared: Compared, metric: Metric, is_told: bool) -> Compared {
    let is_empty = match &compared.evidence {
        Ok(Evidence::Errors(it)) => it.estimate.current.hits == 0,
        Err(NotJudged::NoComparison) => compared.current.is_none_or(|share| share <= 0.0),
        // Of any other reason why there is no evidence, that reason is told.
        Ok(Evidence::Slower(_) | Evidence::Fewer(_)) | Err(_) => false,
    };
    if metric == Metric::ColdShare && is_empty && !is_told {
        compared.evidence = Err(NotJudged::TooFewColdStarts { have: 0, need: 1 });
    }
    compared
}

/// That warm answers are judged by themselves and nothing tells them from cold ones.
pub(super) fn warning(thresholds: &Thresholds, runs: &[CandidateRun<'_>]) -> Option<Warning> {
    let is_warm = |metric: &Metric| metric.starts() == StartFilter::Warm;
    let is_limited = thresholds
        .limits
        .iter()
        .any(|limit| limit.bound.metric().as_ref().is_some_and(is_warm));
    let is_judged = is_limited || thresholds.regression.gate.iter().any(is_warm);
    (is_judged && !is_marked(runs)).then_some(Warning::NoColdStartHeader)
}
