//! Changes against the baseline or the base arm: which cells there are, and what they come to together.

use std::collections::BTreeSet;

use super::case::Case;
use super::change::{self, CheckInput, TestedCheck};
use super::cold;
use super::duet::{Pairs, process_effect};
use super::evidence::Compared;
use super::history::Jobs;
use super::input::{CandidateRun, ReferenceData};
use super::looks::Remaining;
use super::rule::Rule;
use super::statistics::ProcessEffect;
use super::{Enforcement, NotJudged, Reference, throttling};
use crate::baseline::PhaseScope;
use crate::measurement::Arm;
use crate::metric::Metric;
use crate::record::PhaseRecord;
use crate::thresholds::{Regression, Subject};

/// All cells, judged: overall before names, gated before reported.
pub(super) fn judge(case: Case<'_>) -> Vec<TestedCheck> {
    let (gated, reported): (Vec<_>, Vec<_>) = cells(case)
        .into_iter()
        .enumerate()
        .partition(|(_, cell)| cell.enforcement == Enforcement::Gated);
    let alpha = case.alpha();
    let remaining = Remaining::of(case.input.candidates);
    // What is only reported is a family of its own: it costs the gate no power, and is marked as worse as rarely.
    let mut judged: Vec<(usize, TestedCheck)> = [gated, reported]
        .into_iter()
        .flat_map(|family| {
            let (places, cells): (Vec<usize>, Vec<CheckInput>) = family.into_iter().unzip();
            places
                .into_iter()
                .zip(change::judge(cells, alpha, remaining))
        })
        .collect();
    judged.sort_by_key(|(place, _)| *place);
    judged.into_iter().map(|(_, judged)| judged).collect()
}

/// Request names of the reference that no candidate sent.
pub(super) fn missing_requests(case: Case<'_>) -> Vec<String> {
    let mut gone: Vec<String> = Vec::new();
    for scope in scopes(case.runs, case.regression()) {
        let sent = sent(case.runs, &scope.phases, Arm::Target);
        for name in reference_names(case, &scope.phases) {
            if !sent.contains(&name) && !gone.contains(&name) {
                gone.push(name);
            }
        }
    }
    gone
}

fn cells(case: Case<'_>) -> Vec<CheckInput> {
    let Case {
        runs, reference, ..
    } = case;
    let regression = case.regression();
    let Some(rules) = case.rules() else {
        return Vec::new();
    };
    let is_throttled = throttling::throttled(case.input.thresholds, runs).is_some();
    let (is_told, has_cold) = (cold::is_marked(runs), cold::has_cold_starts(runs));
    let mut cells = Vec::new();
    for scope in scopes(runs, regression) {
        let names = sent(runs, &scope.phases, Arm::Target);
        let mut known: BTreeSet<String> = names.iter().cloned().collect();
        known.extend(reference_names(case, &scope.phases));
        // With one name, overall is its only cell: two tests of the same requests would cost power and tell nothing.
        let only = known.first().filter(|_| known.len() == 1);
        let by_name = only.is_none() && scope.is_gated && reference.is_some();
        let names = names.into_iter().filter(|_| by_name);
        for subject in overall_and(names) {
            let process = process_effect(regression);
            let observed = Observed::new(runs, reference, &scope.phases, &subject, process);
            for (metric, enforcement) in metrics(regression, &scope) {
                if enforcement == Enforcement::Reported && !is_reported(metric, &subject, has_cold)
                {
                    continue;
                }
                let rule = rules.for_check(&subject, only.map(String::as_str), metric);
                let mut compared = cold::checked(observed.compare(metric), metric, is_told);
                if is_throttled && metric.quantile().is_some() {
                    compared.evidence = Err(NotJudged::Throttled);
                }
                // A reported metric that has no change to report is no news.
                if enforcement == Enforcement::Gated || compared.evidence.is_ok() {
                    cells.push(CheckInput {
                        subject: subject.clone(),
                        phase: scope.phase(),
                        metric,
                        enforcement: effective_enforcement(enforcement, &rule, &compared),
                        reference: Reference::Newest,
                        rule,
                        compared,
                    });
                }
            }
        }
    }
    cells
}

/// Whether a metric that is not gated is reported: those of cold and warm answers overall and where there are cold starts,
/// since they would treble the lines.
fn is_reported(metric: Metric, subject: &Subject, has_cold: bool) -> bool {
    !metric.needs_marks() || (has_cold && *subject == Subject::Overall)
}

/// A cell that is off, or whose base arm only fails, is reported and never gated.
fn effective_enforcement(
    enforcement: Enforcement,
    rule: &Rule,
    compared: &Compared,
) -> Enforcement {
    if rule.off || matches!(compared.evidence, Err(NotJudged::BaseFails)) {
        Enforcement::Reported
    } else {
        enforcement
    }
}

/// All requests together, then each name.
pub(super) fn overall_and(
    names: impl IntoIterator<Item = String>,
) -> impl Iterator<Item = Subject> {
    let names = names.into_iter().map(Subject::Request);
    std::iter::once(Subject::Overall).chain(names)
}

/// The phases that a cell speaks of, and whether it may fail the build.
pub(super) struct GatedScope {
    pub(super) phases: PhaseScope,
    pub(super) is_gated: bool,
}

impl GatedScope {
    pub(super) fn phase(&self) -> Option<String> {
        match &self.phases {
            PhaseScope::Steady => None,
            PhaseScope::Phase(name) => Some(name.clone()),
        }
    }
}

/// The steady phases, then each other measured phase, gated where `regression.phases` names it.
///
/// A run without steady phases keeps their (empty) cells, and so is invalid, unless it names phases to be gated instead:
/// nothing passes in silence.
pub(super) fn scopes(runs: &[CandidateRun<'_>], regression: &Regression) -> Vec<GatedScope> {
    runs.first()
        .map_or_else(Vec::new, |run| gated_scopes(&run.record.phases, regression))
}

/// The same of phases that have not run yet.
pub(super) fn gated_scopes(phases: &[PhaseRecord], regression: &Regression) -> Vec<GatedScope> {
    let others = PhaseScope::all(phases)
        .into_iter()
        .filter_map(|scope| match scope {
            PhaseScope::Steady => None,
            PhaseScope::Phase(name) => Some(GatedScope {
                is_gated: regression.phases.contains(&name),
                phases: PhaseScope::Phase(name),
            }),
        });
    let others: Vec<GatedScope> = others.collect();
    let has_steady = !PhaseScope::Steady.phases(phases).is_empty();
    let steady = (has_steady || others.iter().all(|scope| !scope.is_gated)).then_some(GatedScope {
        phases: PhaseScope::Steady,
        is_gated: true,
    });
    steady.into_iter().chain(others).collect()
}

/// The metrics that may fail the build, in the order of reports.
pub(super) fn gated_metrics(regression: &Regression) -> impl Iterator<Item = Metric> {
    let is_gated = |metric: &Metric| regression.gate.contains(metric);
    Metric::ALL.into_iter().filter(is_gated)
}

/// A scope's metrics with their standing, gated before reported; where nothing is gated, only what would be.
fn metrics(regression: &Regression, scope: &GatedScope) -> Vec<(Metric, Enforcement)> {
    let gated = gated_metrics(regression);
    if !scope.is_gated {
        return gated
            .map(|metric| (metric, Enforcement::Reported))
            .collect();
    }
    let gated = gated.map(|metric| (metric, Enforcement::Gated));
    let others = Metric::ALL.into_iter();
    let others = others.filter(|metric| !regression.gate.contains(metric));
    let others = others.map(|metric| (metric, Enforcement::Reported));
    gated.chain(others).collect()
}

/// Both sides of one subject in one scope.
enum Observed<'a> {
    Pairs(Pairs),
    Jobs(Jobs<'a>),
    Alone(Jobs<'a>),
}

impl<'a> Observed<'a> {
    fn new(
        runs: &[CandidateRun<'_>],
        reference: ReferenceData<'a>,
        scope: &PhaseScope,
        subject: &Subject,
        process: ProcessEffect,
    ) -> Self {
        match reference {
            ReferenceData::BaseArm => Self::Pairs(Pairs::new(runs, scope, subject, process)),
            ReferenceData::Jobs(jobs) => Self::Jobs(Jobs::new(runs, jobs, scope, subject)),
            ReferenceData::Nothing(_) => Self::Alone(Jobs::new(runs, &[], scope, subject)),
        }
    }

    fn compare(&self, metric: Metric) -> Compared {
        match self {
            Self::Pairs(pairs) => pairs.compare(metric),
            Self::Jobs(jobs) => jobs.compare(metric),
            Self::Alone(jobs) => jobs.alone(metric),
        }
    }
}

/// The names that the runs sent in a scope on one arm, in the order of the records.
pub(super) fn sent(runs: &[CandidateRun<'_>], scope: &PhaseScope, arm: Arm) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for CandidateRun { record, .. } in runs {
        let phases = scope.phases(&record.phases);
        let slices = record.slices.iter();
        let used: BTreeSet<usize> = slices
            .filter(|slice| slice.arm == arm && phases.contains(&slice.phase))
            .flat_map(|slice| slice.cells.iter().filter(|cell| cell.requests > 0))
            .map(|cell| cell.request)
            .collect();
        for name in used.into_iter().map(|index| &record.requests[index]) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    names
}

fn reference_names(case: Case<'_>, scope: &PhaseScope) -> Vec<String> {
    match case.reference {
        ReferenceData::BaseArm => sent(case.runs, scope, Arm::Base),
        ReferenceData::Jobs(jobs) => {
            let cells = jobs.iter().flat_map(|job| &job.cells);
            let names = cells.filter(|cell| cell.scope == *scope);
            let names: BTreeSet<String> = names.filter_map(|cell| cell.request.clone()).collect();
            names.into_iter().collect()
        }
        ReferenceData::Nothing(_) => Vec::new(),
    }
}
