//! May this run be judged at all?

use super::input::CandidateRun;
use super::model::InvalidReason;
use super::redirects;
use crate::measurement::{Arm, FailureKind};
use crate::record::{Ended, RunRecord};

/// Share of its time that a core's thread may work. Above it answers wait for the generator, and where users do not wait
/// between requests nothing is late by it: only the clock of the thread tells.
const BUSIEST_CORE: f64 = 0.9;
/// Share of the arrivals that must be started, or queued for want of an idle user, when they are due.
const LEAST_ACHIEVED: f64 = 0.99;

/// Why nothing may be judged, whatever the figures say; empty where it may be.
pub(super) fn problems(runs: &[CandidateRun<'_>]) -> Vec<InvalidReason> {
    let mut problems = Vec::new();
    if runs.is_empty() {
        problems.push(InvalidReason::NoRequests);
    }
    for problem in runs.iter().filter_map(problem) {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    let redirected = redirects::redirects(runs).all;
    if !redirected.is_empty() {
        problems.push(InvalidReason::Unfollowed(redirected));
    }
    problems
}

fn problem(run: &CandidateRun<'_>) -> Option<InvalidReason> {
    match &run.record.run.ended {
        Ended::Unreachable { arm, cause, why } => {
            return Some(InvalidReason::Unreachable {
                arm: *arm,
                cause: *cause,
                why: why.clone(),
            });
        }
        Ended::Interrupted { .. } => return Some(InvalidReason::Interrupted),
        Ended::Completed | Ended::Aborted { .. } => {}
    }
    if is_unsent(run.record) {
        return Some(InvalidReason::NoRequests);
    }
    late(run).or_else(|| exhausted(run.record))
}

fn late(run: &CandidateRun<'_>) -> Option<InvalidReason> {
    let late = [run.filter.pairs, run.filter.slices];
    let tally = late.into_iter().find(|tally| tally.is_too_many())?;
    Some(InvalidReason::GeneratorLate {
        dropped: tally.dropped,
        of: tally.of,
        worst_s: run.filter.worst_s,
        limit_s: run.filter.limit_s,
    })
}

/// What the generator's machine ran out of, if it did.
fn exhausted(record: &RunRecord) -> Option<InvalidReason> {
    let failures = record.failures(|slice| record.phases[slice.phase].measured);
    if let Some(requests) = failures.get(&FailureKind::NoSocket) {
        return Some(InvalidReason::NoSockets {
            requests: *requests,
        });
    }
    let health = &record.health;
    if let Some(share) = health.core_share.filter(|share| *share > BUSIEST_CORE) {
        return Some(InvalidReason::GeneratorBusy {
            share,
            limit: BUSIEST_CORE,
        });
    }
    let achieved = health
        .achieved
        .filter(|achieved| *achieved < LEAST_ACHIEVED)?;
    Some(InvalidReason::GeneratorShort {
        achieved,
        limit: LEAST_ACHIEVED,
    })
}

/// Whether a measured phase that should send something sent nothing; after an abort, whether all of them did.
fn is_unsent(record: &RunRecord) -> bool {
    let phases = record.phases.iter().enumerate();
    let mut unsent = phases
        .filter(|(_, phase)| phase.is_measured_load())
        .map(|(index, _)| {
            let mut slices = record.slices.iter();
            !slices.any(|slice| {
                slice.phase == index
                    && slice.arm == Arm::Target
                    && slice.cells.iter().any(|cell| cell.requests > 0)
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
