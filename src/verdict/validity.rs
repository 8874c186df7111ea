//! Reasons why a run cannot be judged at all.

use super::input::CandidateRun;
use super::warnings::{UnfollowedRedirects, redirects};
use crate::measurement::{Arm, FailureKind, UnreachableCause};
use crate::metric::Metric;
use crate::record::{Ended, RunRecord};

/// Share of its time that a core's thread may work. Above it answers wait for the generator, and where users do not wait
/// between requests nothing is late by it: only the clock of the thread tells.
const BUSIEST_CORE: f64 = 0.9;
/// Share of the arrivals that must be started, or queued for want of an idle user, when they are due.
const LEAST_ACHIEVED: f64 = 0.99;

/// Why a run as a whole could not be judged.
#[derive(Clone, Debug, PartialEq)]
pub enum InvalidReason {
    /// A deployment did not respond.
    Unreachable {
        /// Which one.
        arm: Arm,
        /// The cause, as far as it is known.
        cause: UnreachableCause,
        /// What happened.
        why: String,
    },
    /// A signal cut the run short.
    Interrupted,
    /// The load had cost all that it may cost.
    BudgetSpent {
        /// An upper bound of what it had cost, in dollars.
        usd: f64,
    },
    /// No request was sent in a measured phase.
    NoRequests,
    /// The generator fell behind in too many slices.
    GeneratorLate {
        /// Slices (in a duet: pairs) dropped.
        dropped: u32,
        /// Slices (in a duet: pairs) in all.
        of: u32,
        /// P99 of its delay in the worst slice, in seconds.
        worst_s: f64,
        /// What a slice's P99 may be, in seconds.
        limit_s: f64,
    },
    /// A core of the generator had no time left: what it measured is its own delay.
    GeneratorBusy {
        /// CPU time of its busiest thread over wall time.
        share: f64,
        /// What that may be.
        limit: f64,
    },
    /// The generator started too few of the arrivals that were due.
    GeneratorShort {
        /// Arrivals started or queued in time over arrivals planned.
        achieved: f64,
        /// What that must be.
        limit: f64,
    },
    /// The generator's machine had no file or port left for some requests.
    NoSockets {
        /// How many.
        requests: u64,
    },
    /// All responses of some names were redirects that were not followed: what they lead to was not measured.
    Unfollowed(Vec<UnfollowedRedirects>),
    /// A limit got too few requests.
    TooFewForLimit {
        /// Index of the line.
        check: usize,
    },
    /// A metric that is gated overall got too few requests or slices.
    TooFewForRegression {
        /// Index of the line.
        check: usize,
    },
    /// `missing_baseline: fail`, and there is none to compare with.
    MissingBaseline,
    /// In a mixed duet, a version throttled more requests than it may, so that latencies are not judged. Where both share a
    /// quota, each takes it from the other.
    Throttled {
        /// The version that throttled most.
        arm: Arm,
        /// The share of its requests.
        share: f64,
        /// What that may be.
        limit: f64,
    },
    /// The reference is so much slower or faster than in the jobs of the baseline that this is another machine.
    OtherMachine {
        /// The percentile of the reference.
        metric: Metric,
        /// Its change: a ratio less one.
        change: f64,
    },
    /// In a duet, the base arm never responded.
    BaseUnresponsive,
    /// In a duet, the base arm served no request for much of the time.
    BaseUnavailable {
        /// How long, in seconds.
        seconds: f64,
        /// Of how long.
        of_s: f64,
    },
}

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
        Ended::BudgetSpent { usd } => return Some(InvalidReason::BudgetSpent { usd: *usd }),
        Ended::Completed | Ended::Aborted { .. } => {}
    }
    if is_unsent(run.record) {
        return Some(InvalidReason::NoRequests);
    }
    late(run).or_else(|| exhausted(run.record))
}

fn late(run: &CandidateRun<'_>) -> Option<InvalidReason> {
    let drop_count = run.filter.too_many()?;
    Some(InvalidReason::GeneratorLate {
        dropped: drop_count.dropped,
        of: drop_count.of,
        worst_s: run.filter.worst_s,
        limit_s: run.filter.limit_s,
    })
}

/// The resource that the generator's machine ran out of, if it did.
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
        Ended::Completed
        | Ended::Interrupted { .. }
        | Ended::BudgetSpent { .. }
        | Ended::Unreachable { .. } => unsent.peek().is_none() || unsent.any(|unsent| unsent),
    }
}
