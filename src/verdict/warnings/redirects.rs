//! Warnings that follow from responses: redirects that were not followed, and requests that were sent again.

use std::collections::BTreeMap;

use super::Warning;
use crate::measurement::{Arm, FailureKind, Parts};
use crate::verdict::case::Case;
use crate::verdict::input::CandidateRun;

/// Redirects of one request name that were not followed, and that its step does not ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct UnfollowedRedirects {
    /// The deployment that redirects.
    pub arm: Arm,
    /// The name.
    pub request: String,
    /// Responses that redirect.
    pub redirects: u64,
    /// All responses.
    pub responses: u64,
    /// The status that redirects most often.
    pub status: Option<u16>,
    /// Where the first of them led.
    pub address: Option<String>,
}

/// Names that were redirected and not followed, by whether that goes for all of their responses, or for most.
#[derive(Default)]
pub(in crate::verdict) struct RedirectFindings {
    pub(in crate::verdict) all: Vec<UnfollowedRedirects>,
    pub(in crate::verdict) most: Vec<UnfollowedRedirects>,
}

/// The names of which more than half of the responses redirect and were not followed, over the measured phases.
pub(in crate::verdict) fn redirects(runs: &[CandidateRun<'_>]) -> RedirectFindings {
    let mut found = RedirectFindings::default();
    for ((arm, request), parts) in by_name(runs) {
        let responses = parts.statuses.values().sum();
        let redirects = parts.unfollowed;
        if redirects.saturating_mul(2) <= responses {
            continue;
        }
        let unfollowed = unfollowed(arm, request, redirects, &parts);
        if redirects == responses {
            found.all.push(unfollowed);
        } else {
            found.most.push(unfollowed);
        }
    }
    found
}

/// The names of the target of which requests failed since their redirect could not be followed.
pub(in crate::verdict) fn redirected_away(runs: &[CandidateRun<'_>]) -> Vec<UnfollowedRedirects> {
    let strayed = by_name(runs)
        .into_iter()
        .filter_map(|((arm, request), parts)| {
            let failed = |run: &CandidateRun<'_>| {
                let index = run
                    .record
                    .requests
                    .iter()
                    .position(|known| known == request);
                let failures = index.map(|index| run.record.failures_of(index));
                failures.map_or(0, |all| {
                    all.get(&FailureKind::Redirect).copied().unwrap_or(0)
                })
            };
            let redirects = runs.iter().map(failed).sum();
            (arm == Arm::Target && redirects > 0)
                .then(|| unfollowed(arm, request, redirects, &parts))
        });
    strayed.collect()
}

fn unfollowed(arm: Arm, request: &str, redirects: u64, parts: &Parts) -> UnfollowedRedirects {
    let statuses = parts.statuses.iter();
    let statuses = statuses.filter(|(status, _)| (300..400).contains(*status));
    UnfollowedRedirects {
        arm,
        request: request.to_owned(),
        redirects,
        responses: parts.statuses.values().sum(),
        status: statuses
            .max_by_key(|(_, count)| **count)
            .map(|(status, _)| *status),
        address: parts.redirect.clone(),
    }
}

/// A warning if requests had to be sent again.
pub(in crate::verdict) fn resent(runs: &[CandidateRun<'_>]) -> Option<Warning> {
    let by_name = by_name(runs);
    let of_target = || by_name.iter().filter(|((arm, _), _)| *arm == Arm::Target);
    let resent: u64 = of_target().map(|(_, parts)| parts.resent).sum();
    let most = of_target().max_by_key(|(_, parts)| parts.resent);
    (resent > 0).then(|| Warning::Resent {
        resent,
        most: most.map(|((_, request), parts)| ((*request).to_owned(), parts.resent)),
    })
}

/// A warning if the reference counted failures by other rules.
pub(in crate::verdict) fn failure_rules_differ(case: Case<'_>) -> Option<Warning> {
    let jobs = case.jobs()?;
    let mut pairs = case.runs.iter().flat_map(|run| {
        let now = run.record.counting;
        jobs.iter().map(move |job| (job.counting, now))
    });
    let (before, now) = pairs.find(|(before, now)| before != now)?;
    Some(Warning::FailureRulesDiffer {
        baseline_is_older: before < now,
    })
}

/// Statuses, redirects and retries of the measured phases, by arm and request name.
fn by_name<'r>(runs: &[CandidateRun<'r>]) -> BTreeMap<(Arm, &'r str), Parts> {
    let mut by_name: BTreeMap<_, Parts> = BTreeMap::new();
    for run in runs {
        let record = run.record;
        for own in &record.parts {
            let is_measured = record
                .phases
                .get(own.phase)
                .is_some_and(|phase| phase.measured);
            let Some(name) = record.requests.get(own.request).filter(|_| is_measured) else {
                continue;
            };
            let held = by_name.entry((own.arm, name.as_str())).or_default();
            held.merge_wire(&own.parts);
        }
    }
    by_name
}
