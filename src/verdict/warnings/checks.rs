//! Warnings that follow from the checks of regression.

use super::{SampleSizeAdvice, Warning};
use crate::measurement::Interleaving;
use crate::metric::MetricKind;
use crate::thresholds::{Acceptance, Subject};
use crate::units::six_digits;
use crate::verdict::Enforcement;
use crate::verdict::case::Case;
use crate::verdict::change::TestedCheck;
use crate::verdict::evidence::Evidence;
use crate::verdict::input::ReferenceData;
use crate::verdict::judge::has_nearer_quantile;
use crate::verdict::regression;

/// Length of the slices that `--pairs` counts, in seconds, also in a mixed duet.
const SLICE_S: f64 = 5.0;

/// The warnings of a comparison, whose checks begin at index `first` of the verdict.
pub(in crate::verdict) fn for_checks(
    case: Case<'_>,
    cells: &[TestedCheck],
    first: usize,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let gone = regression::missing_requests(case).into_iter();
    warnings.extend(gone.map(|request| Warning::MissingRequest { request }));
    warnings.extend(much_faster(cells).map(|index| Warning::MuchFaster {
        check: first + index,
    }));
    warnings.extend(least_sensitive(cells).map(|index| Warning::CannotDetect {
        check: first + index,
        advice: sample_size_advice(&cells[index], case),
    }));
    warnings.extend(acceptances(case, cells));
    warnings
}

/// The gated latency that is surely better by more than a change for the worse would have to be to matter, where one is:
/// the one that gained most.
fn much_faster(cells: &[TestedCheck]) -> Option<usize> {
    let gained = |cell: &TestedCheck| {
        let is_latency = matches!(cell.input.metric.kind(), MetricKind::Quantile(_));
        let is_gated = is_latency && cell.check.enforcement == Enforcement::Gated;
        let evidence = cell.input.compared.evidence.as_ref().ok();
        let better = evidence.filter(|_| is_gated)?.improvement_lower_bound()?;
        (better > cell.input.rule.equivalence_margin).then_some(better)
    };
    largest(cells, gained)
}

/// The gated cell that sees least, where that is less than `must_detect` asks for. Error rates have a rule of their own,
/// an acceptance blinds a cell on purpose, and a far quantile only adds to a nearer one.
fn least_sensitive(cells: &[TestedCheck]) -> Option<usize> {
    let unseen = |cell: &TestedCheck| {
        let is_share = matches!(cell.input.metric.kind(), MetricKind::Share);
        let is_meant =
            is_share || cell.input.rule.accepted.is_some() || has_nearer_quantile(cell, cells);
        let seen = cell
            .detectable
            .filter(|_| !is_meant && cell.check.enforcement == Enforcement::Gated)?;
        (seen > cell.input.rule.equivalence_margin).then_some(seen)
    };
    largest(cells, unseen)
}

/// The sample size with which a check would detect what `must_detect` asks for.
fn sample_size_advice(cell: &TestedCheck, case: Case<'_>) -> Option<SampleSizeAdvice> {
    let runs = case.runs;
    let evidence = cell.input.compared.evidence.as_ref().ok()?;
    let rule = &cell.input.rule;
    let (wanted, null) = (libm::log1p(rule.equivalence_margin), libm::log1p(rule.null));
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    match case.reference {
        ReferenceData::BaseArm => {
            let turns = runs.last()?.record.duet.as_ref()?;
            let pairs: u32 = runs.iter().map(|run| run.filter.pairs.of).sum();
            let phases = runs.iter().map(|run| {
                let phases = run.record.phases.iter();
                phases
                    .filter(|phase| phase.measured && phase.steady)
                    .count()
            });
            let phases = phases.sum::<usize>().max(1) as f64;
            let times = evidence.times_the_pairs(pairs, wanted, null, cell.level)?;
            let pairs = libm::ceil(f64::from(pairs) * times / phases);
            let seconds = pairs * 2.0 * (turns.slice_s + turns.guard_s) * phases;
            let pairs = match turns.interleaving {
                Interleaving::Turns => pairs,
                Interleaving::Mixed => libm::ceil(pairs * turns.slice_s / SLICE_S),
            };
            Some(SampleSizeAdvice::Pairs {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a number of pairs that somebody may run"
                )]
                pairs: pairs as u32,
                seconds: six_digits(seconds),
            })
        }
        ReferenceData::Jobs(_) => {
            let (Evidence::Slower(it) | Evidence::Fewer(it)) = evidence else {
                return None;
            };
            let sides = (it.units, runs.len());
            let jobs = it
                .estimate
                .candidates_to_detect(sides, wanted, null, cell.level)?;
            Some(SampleSizeAdvice::ParallelJobs(count(jobs)))
        }
        ReferenceData::Nothing(_) => None,
    }
}

fn largest(cells: &[TestedCheck], value: impl Fn(&TestedCheck) -> Option<f64>) -> Option<usize> {
    let values = cells.iter().enumerate();
    values
        .filter_map(|(index, cell)| Some((index, value(cell)?)))
        // The first of equals, so that overall speaks for its names.
        .rev()
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(index, _)| index)
}

/// Acceptances past their date, and those that are no longer needed.
fn acceptances(case: Case<'_>, cells: &[TestedCheck]) -> Vec<Warning> {
    let Some(rules) = case.rules() else {
        return Vec::new();
    };
    let accepted = case.regression().accepted.iter().enumerate();
    accepted
        .filter_map(|(index, acceptance)| {
            if !rules.is_in_force(acceptance) {
                Some(Warning::AcceptanceExpired { acceptance: index })
            } else if case.reference.is_some() && is_unneeded(acceptance, cells) {
                Some(Warning::AcceptanceUnneeded { acceptance: index })
            } else {
                None
            }
        })
        .collect()
}

/// Whether every check of an acceptance passes without it; a check that was not judged does not pass. Where there is
/// no gated cell, nothing would have failed.
fn is_unneeded(acceptance: &Acceptance, cells: &[TestedCheck]) -> bool {
    // With one name, overall is its cell.
    let only_overall = cells
        .iter()
        .all(|cell| cell.input.subject == Subject::Overall);
    cells
        .iter()
        .filter(|cell| only_overall || cell.input.subject == acceptance.subject)
        .filter(|cell| cell.input.metric == acceptance.metric)
        .filter(|cell| cell.check.enforcement == Enforcement::Gated)
        .all(|cell| cell.passes_without_acceptance)
}
