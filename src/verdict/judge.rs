//! The verdict: validity first, then limits and changes, then what they come to together.

use super::attribution::AttributionData;
use super::case::Case;
use super::change::TestedCheck;
use super::input::{CandidateRun, HISTORY_FROM, JudgeInput, ReferenceData};
use super::looks::Remaining;
use super::reference::reference_use;
use super::rule::FAR_QUANTILE;
use super::settled::is_settled;
use super::{
    Check, CheckKind, CheckOutcome, Comparison, Enforcement, InvalidReason, LimitCheck, Measure,
    NoComparison, NotJudged, Outcome, Verdict, Warning,
};
use super::{availability, aws, drift, limits, noise, regression, throttling, validity, warnings};
use crate::baseline::{Job, PhaseScope};
use crate::measurement::Totals;
use crate::metric::{Metric, MetricKind};
use crate::record::{DropCount, Ended};
use crate::thresholds::{Abort, MissingBaseline, Mode, Subject};
use crate::units::six_digits;

/// A name that has so many times fewer requests than its change needs is rare by the scenario's design, such as a login in
/// `on_start`; one that has more needs a longer run.
const RARE: u64 = 10;

/// Judges the results of one CI run against the thresholds, and against what was before.
///
/// The same case gives the same verdict on every machine and on every day.
pub fn judge(input: &JudgeInput<'_>) -> Verdict {
    let reference = input.reference_data();
    let runs = input.candidate_runs(reference);
    let case = Case {
        input,
        runs: &runs,
        reference,
    };
    let mut verdict = Verdict {
        gate: input
            .candidates
            .first()
            .map_or_else(String::new, |record| record.scenario.name.clone()),
        outcome: Outcome::Invalid,
        observed: input.thresholds.mode == Mode::Observe,
        comparison: Comparison::None(NoComparison::NotJudged),
        reference: None,
        checks: Vec::new(),
        invalid: validity::problems(&runs),
        warnings: warnings::for_runs(case),
        noise: noise::noise(input, &runs),
        settled: false,
        totals: totals(&runs),
    };
    if !verdict.invalid.is_empty() {
        return verdict;
    }
    if verdict.noise.is_some_and(|noise| noise.is_unusual()) {
        verdict.warnings.push(Warning::Noisy);
    }
    verdict.warnings.extend(warnings::overloaded(&runs));
    verdict.checks.extend(abort_check(input));
    let is_aborted = !verdict.checks.is_empty();
    verdict
        .checks
        .extend(limits::judge(&input.thresholds.limits, &runs));
    verdict
        .checks
        .extend(aws::judge(&input.thresholds.aws, &runs));
    verdict
        .invalid
        .extend(limits_without_requests(&verdict.checks));
    // What an abort left is another load than the baseline's.
    let mut is_open = false;
    if !is_aborted {
        let found = availability::judge(input.thresholds.availability, &runs);
        verdict.checks.extend(found.checks);
        verdict.warnings.extend(found.warnings);
        verdict.invalid.extend(found.invalid);
        verdict.comparison = comparison(case);
        is_open = compare(case, &mut verdict);
    }
    verdict.outcome = outcome(&verdict);
    verdict.settled = Remaining::of(input.candidates)
        .is_some_and(|rest| is_settled(rest, verdict.outcome, &verdict.checks, is_open));
    if verdict.outcome != Outcome::Invalid {
        verdict.invalid.clear();
    }
    verdict
}

/// Adds the checks, the problems and the warnings of regression. Returns whether the rest of a duet may yet fail a change.
fn compare(case: Case<'_>, verdict: &mut Verdict) -> bool {
    let Case { input, runs, .. } = case;
    let mut cells = regression::judge(case);
    let mut drift = drift::judge(case);
    explain(&mut cells, runs, case.reference);
    let anchor: Vec<&Job> = input.anchor.into_iter().collect();
    explain(&mut drift, runs, ReferenceData::Jobs(&anchor));
    verdict.warnings.extend(take_rare(&mut cells));
    let first = verdict.checks.len();
    let is_throttled = |cell: &TestedCheck| {
        cell.check.enforcement == Enforcement::Gated
            && cell.check.outcome == CheckOutcome::NotJudged(NotJudged::Throttled)
    };
    let throttled = cells.iter().any(is_throttled);
    let throttled = throttled.then(|| throttling::throttled(input.thresholds, runs));
    let other = cells.iter().find_map(|cell| {
        let is_other = cell.check.outcome == CheckOutcome::NotJudged(NotJudged::OtherMachine);
        let change = cell.input.compared.reference_change.filter(|_| is_other);
        let metric = cell.input.metric.of_all();
        change.map(|change| InvalidReason::OtherMachine { metric, change })
    });
    let problems = cells
        .iter()
        .enumerate()
        .filter_map(|(index, cell)| overall_not_judged(first + index, cell, &cells));
    for problem in throttled.flatten().into_iter().chain(other).chain(problems) {
        if !verdict.invalid.contains(&problem) {
            verdict.invalid.push(problem);
        }
    }
    let missing_baseline = case.regression().missing_baseline;
    if !case.reference.is_some() && missing_baseline == MissingBaseline::Fail {
        verdict.invalid.push(InvalidReason::MissingBaseline);
    }
    verdict
        .warnings
        .extend(warnings::for_checks(case, &cells, first));
    verdict.warnings.extend(too_few_to_compare(case));
    if let Some(jobs) = case.jobs() {
        verdict.reference = reference_use(
            runs.last().and_then(|run| run.record.reference.as_ref()),
            jobs.iter().filter_map(|job| job.reference.as_ref()),
            cells.iter().filter_map(|cell| {
                let is_gated = cell.check.enforcement == Enforcement::Gated;
                let change = cell.input.compared.reference_change.filter(|_| is_gated)?;
                Some((cell.input.metric, change))
            }),
        );
    }
    let is_gated = |cell: &TestedCheck| cell.check.enforcement == Enforcement::Gated;
    let is_open = cells.iter().any(|cell| is_gated(cell) && cell.is_open);
    let cells = cells.into_iter().chain(drift);
    verdict.checks.extend(cells.map(|cell| cell.check));
    is_open
}

/// Takes out the changes of names that are sent so rarely that no run of this scenario can judge them, and says it once.
fn take_rare(cells: &mut Vec<TestedCheck>) -> Option<Warning> {
    let is_rare = |cell: &TestedCheck| match cell.check.outcome {
        CheckOutcome::NotJudged(NotJudged::TooFewRequests { have, need }) => {
            have.max(cell.check.requests).saturating_mul(RARE) <= need
        }
        CheckOutcome::NotJudged(_)
        | CheckOutcome::Passed
        | CheckOutcome::Failed
        | CheckOutcome::Inconclusive => false,
    };
    let gated = |cell: &&TestedCheck| {
        let is_latency = matches!(cell.input.metric.kind(), MetricKind::Quantile(_));
        is_latency && cell.check.enforcement == Enforcement::Gated
    };
    let mut requests: Vec<String> = Vec::new();
    for cell in cells.iter().filter(gated) {
        let subject = &cell.input.subject;
        let mut own = cells
            .iter()
            .filter(gated)
            .filter(|of| of.input.subject == *subject);
        if let Some(name) = subject.name().filter(|_| own.all(is_rare))
            && !requests.iter().any(|known| known == name)
        {
            requests.push(name.to_owned());
        }
    }
    cells.retain(|cell| {
        let name = cell.input.subject.name();
        let is_told = requests.iter().any(|known| Some(known.as_str()) == name);
        !(is_told && is_rare(cell))
    });
    (!requests.is_empty()).then_some(Warning::RareRequests { requests })
}

/// Adds the attribution to each change that failed.
fn explain(cells: &mut [TestedCheck], runs: &[CandidateRun<'_>], reference: ReferenceData<'_>) {
    // The metrics of one subject follow each other.
    let mut known: Option<(Subject, Option<String>, AttributionData)> = None;
    for TestedCheck {
        check: line,
        input: cell,
        ..
    } in cells
    {
        let CheckKind::Change(check) = &mut line.kind else {
            continue;
        };
        if line.outcome != CheckOutcome::Failed {
            continue;
        }
        let is_known = known
            .as_ref()
            .is_some_and(|(subject, phase, _)| *subject == cell.subject && *phase == cell.phase);
        if !is_known {
            let scope = cell
                .phase
                .clone()
                .map_or(PhaseScope::Steady, PhaseScope::Phase);
            let data = AttributionData::new(runs, reference, &scope, &cell.subject);
            known = Some((cell.subject.clone(), cell.phase.clone(), data));
        }
        check.attribution = known.as_ref().and_then(|(_, _, data)| data.explain(cell));
    }
}

/// Invalid first is settled by now: else any failure, then what could not be judged, then what is inconclusive.
fn outcome(verdict: &Verdict) -> Outcome {
    let mut gated = verdict
        .checks
        .iter()
        .filter(|line| line.enforcement == Enforcement::Gated);
    if verdict
        .checks
        .iter()
        .any(|line| line.outcome.fails(line.enforcement))
    {
        Outcome::Failed
    } else if !verdict.invalid.is_empty() {
        Outcome::Invalid
    } else if gated.any(Check::is_open) {
        Outcome::Inconclusive
    } else {
        Outcome::Passed
    }
}

/// The check of an abort, which fails: so many requests failed that going on would have shown nothing more.
fn abort_check(input: &JudgeInput<'_>) -> Option<Check> {
    let (failures, requests) =
        input
            .candidates
            .iter()
            .find_map(|record| match record.run.ended {
                Ended::Aborted { failures, requests } => Some((failures, requests)),
                Ended::Completed
                | Ended::Interrupted { .. }
                | Ended::BudgetSpent { .. }
                | Ended::Unreachable { .. } => None,
            })?;
    let bound = input
        .thresholds
        .abort
        .map_or(0.0, |Abort { error_rate, .. }| error_rate.fraction());
    Some(Check {
        subject: Subject::Overall,
        phase: None,
        measure: Measure::Metric(Metric::ErrorRate),
        enforcement: Enforcement::Gated,
        outcome: CheckOutcome::Failed,
        requests,
        current: (requests > 0).then(|| six_digits(failures as f64 / requests as f64)),
        kind: CheckKind::Limit(LimitCheck {
            over: Some(failures),
            assumes_independence: true,
            ..LimitCheck::new(bound, None)
        }),
    })
}

/// Limits that may fail the build and got too few requests: they do not pass in silence.
fn limits_without_requests(lines: &[Check]) -> impl Iterator<Item = InvalidReason> {
    let lines = lines.iter().enumerate();
    lines
        .filter(|(_, line)| {
            line.enforcement == Enforcement::Gated
                && matches!(line.outcome, CheckOutcome::NotJudged(_))
                && !line.is_open()
        })
        .map(|(line, _)| InvalidReason::TooFewForLimit { check: line })
}

/// A metric that is gated overall and could not be judged makes the run invalid; a name's blocks nothing, nor does a far
/// quantile beside a nearer one.
fn overall_not_judged(
    line: usize,
    cell: &TestedCheck,
    cells: &[TestedCheck],
) -> Option<InvalidReason> {
    if cell.input.subject != Subject::Overall || cell.check.is_open() {
        return None;
    }
    match &cell.check.outcome {
        CheckOutcome::NotJudged(NotJudged::BaseFails) => Some(InvalidReason::BaseUnresponsive),
        CheckOutcome::NotJudged(
            NotJudged::TooFewRequests { .. }
            | NotJudged::TooFewSlices { .. }
            | NotJudged::NewRequest,
        ) if cell.check.enforcement == Enforcement::Gated && !has_nearer_quantile(cell, cells) => {
            Some(InvalidReason::TooFewForRegression { check: line })
        }
        CheckOutcome::NotJudged(_)
        | CheckOutcome::Passed
        | CheckOutcome::Failed
        | CheckOutcome::Inconclusive => None,
    }
}

/// Whether a far quantile, which needs many requests, is gated beside a nearer one, which blocks where it is not judged.
pub(super) fn has_nearer_quantile(far: &TestedCheck, cells: &[TestedCheck]) -> bool {
    let quantile = |cell: &TestedCheck| cell.input.metric.quantile().unwrap_or(0.0);
    quantile(far) >= FAR_QUANTILE
        && cells.iter().any(|cell| {
            cell.check.enforcement == Enforcement::Gated
                && cell.input.subject == far.input.subject
                && cell.input.phase == far.input.phase
                && cell.input.metric.starts() == far.input.metric.starts()
                && (0.0..quantile(far)).contains(&quantile(cell))
                && quantile(cell) > 0.0
        })
}

/// A warning, when nothing was compared, if a run like this one would be too small to be compared with this one.
fn too_few_to_compare(case: Case<'_>) -> Option<Warning> {
    if case.reference.is_some() {
        return None;
    }
    let runs = case.runs.iter();
    let own: Vec<Job> = runs
        .map(|run| Job::from_record(run.record, false))
        .collect();
    let own: Vec<&Job> = own.iter().collect();
    let reference = ReferenceData::Jobs(&own);
    let cells = regression::judge(Case { reference, ..case });
    let lacking = cells.iter().filter_map(|cell| {
        overall_not_judged(0, cell, &cells)?;
        let CheckOutcome::NotJudged(why) = &cell.check.outcome else {
            return None;
        };
        Some((why.times()?, &cell.input, why))
    });
    let most = lacking.max_by(|(a, ..), (b, ..)| a.total_cmp(b));
    most.map(|(times, cell, why)| Warning::TooFewToCompare {
        metric: cell.metric,
        phase: cell.phase.clone(),
        why: why.clone(),
        times: six_digits(times),
    })
}

fn comparison(case: Case<'_>) -> Comparison {
    let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
    let candidates = count(case.runs.len());
    match case.reference {
        ReferenceData::BaseArm => {
            let pairs: DropCount =
                case.runs
                    .iter()
                    .fold(DropCount::default(), |sum, run| DropCount {
                        dropped: sum.dropped + run.filter.pairs.dropped,
                        of: sum.of + run.filter.pairs.of,
                    });
            Comparison::Duet {
                pairs: pairs.of - pairs.dropped,
                dropped: pairs.dropped,
            }
        }
        ReferenceData::Jobs(jobs) if jobs.len() < HISTORY_FROM => Comparison::Provisional {
            jobs: count(jobs.len()),
            candidates,
        },
        ReferenceData::Jobs(jobs) => Comparison::History {
            jobs: count(jobs.len()),
            candidates,
        },
        ReferenceData::Nothing(mismatch) => {
            Comparison::None(NoComparison::Baseline(mismatch.clone()))
        }
    }
}

fn totals(runs: &[CandidateRun<'_>]) -> Totals {
    let measured = runs.iter().flat_map(|run| run.record.measured_slices());
    Totals::from_stats(measured.flat_map(|slice| slice.of_request(None)))
}
