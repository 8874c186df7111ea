//! Drift: the sum since the anchor of many changes that are each within the tolerance.
//!
//! A baseline that rolls forgets: a leak of two percent a week passes every week. So the gated cells are held once more,
//! against one fixed job and with a wider tolerance. They are a family of their own, so that they cost the newest
//! changes no power.

use super::case::Case;
use super::change::{self, CheckInput, TestedCheck};
use super::history::Jobs;
use super::input::DRIFT_ALPHA;
use super::regression::{GatedScope, gated_metrics, overall_and, scopes, sent};
use super::{Enforcement, Reference};
use crate::baseline::Job;
use crate::measurement::Arm;

/// The gated cells held against the anchor; none where there is no anchor, or a cell is not in it.
pub(super) fn judge(case: Case<'_>) -> Vec<TestedCheck> {
    let (Some(jobs), Some(anchor)) = (case.jobs(), case.input.anchor) else {
        return Vec::new();
    };
    let scopes = scopes(case.runs, case.regression());
    let gated = scopes.iter().filter(|scope| scope.is_gated);
    let cells = gated.flat_map(|scope| cells(case, (jobs, anchor), scope));
    change::judge(cells.collect(), DRIFT_ALPHA, None)
}

fn cells(case: Case<'_>, (jobs, anchor): (&[&Job], &Job), scope: &GatedScope) -> Vec<CheckInput> {
    let (runs, regression) = (case.runs, case.regression());
    let Some(rules) = case.rules() else {
        return Vec::new();
    };
    // What others added up is not the doing of a commit that is only proposed.
    let enforcement = if runs.iter().any(|run| run.record.run.from_pull_request) {
        Enforcement::Reported
    } else {
        Enforcement::Gated
    };
    let names = sent(runs, &scope.phases, Arm::Target);
    let only = names.first().filter(|_| names.len() == 1);
    let subjects = names.iter().filter(|_| only.is_none()).cloned();
    let mut cells = Vec::new();
    for subject in overall_and(subjects) {
        let Some(before) = anchor.cell(&scope.phases, subject.name()) else {
            continue;
        };
        let observed = Jobs::new(runs, jobs, &scope.phases, &subject);
        for metric in gated_metrics(regression) {
            let rule = rules.for_check(&subject, only.map(String::as_str), metric);
            let compared = observed.compare_with_anchor(before, metric);
            if compared.evidence.is_ok() && !rule.off {
                cells.push(CheckInput {
                    subject: subject.clone(),
                    phase: scope.phase(),
                    metric,
                    enforcement,
                    reference: Reference::Anchor,
                    rule: rule.against_the_anchor(regression, metric),
                    compared,
                });
            }
        }
    }
    cells
}
