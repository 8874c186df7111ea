//! May this run be judged at all?

use super::case::Run;
use super::model::Invalidity;
use crate::measurement::Arm;
use crate::record::{Ended, RunRecord};

/// Why nothing may be judged, whatever the figures say; empty where it may be.
pub(super) fn problems(runs: &[Run<'_>]) -> Vec<Invalidity> {
    let mut problems = Vec::new();
    if runs.is_empty() {
        problems.push(Invalidity::NoRequests);
    }
    for problem in runs.iter().filter_map(problem) {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    problems
}

fn problem(run: &Run<'_>) -> Option<Invalidity> {
    match &run.record.run.ended {
        Ended::Unreachable { why } => return Some(Invalidity::Unreachable { why: why.clone() }),
        Ended::Interrupted { .. } => return Some(Invalidity::Interrupted),
        Ended::Completed | Ended::Aborted { .. } => {}
    }
    if is_unsent(run.record) {
        return Some(Invalidity::NoRequests);
    }
    let late = [run.sieve.pairs, run.sieve.slices];
    let tally = late.into_iter().find(|tally| tally.is_too_many())?;
    Some(Invalidity::GeneratorLate {
        dropped: tally.dropped,
        of: tally.of,
        worst_s: run.sieve.worst_s,
        limit_s: run.sieve.limit_s,
    })
}

/// Whether a measured phase that should send something sent nothing; after an abort, whether all of them did.
fn is_unsent(record: &RunRecord) -> bool {
    let phases = record.phases.iter().enumerate();
    let mut unsent = phases
        .filter(|(_, phase)| phase.measured && !phase.idle)
        .map(|(index, _)| {
            let mut slices = record.slices.iter();
            !slices.any(|slice| {
                slice.phase == index && slice.arm == Arm::Target && !slice.cells.is_empty()
            })
        })
        .peekable();
    match record.run.ended {
        // `abort.error_rate` also counts requests of phases that are not measured.
        Ended::Aborted { requests, .. } => requests == 0,
        Ended::Completed | Ended::Interrupted { .. } | Ended::Unreachable { .. } => {
            unsent.peek().is_none() || unsent.any(|unsent| unsent)
        }
    }
}
