//! What a person should know and nothing depends on.

use super::change::TestedCheck;
use super::cold;
use super::input::{CandidateRun, JudgeInput, ReferenceData};
use super::model::{Enforcement, SampleSizeAdvice, Warning};
use super::redirects;
use super::regression;
use super::rule::Rules;
use crate::measurement::{Arm, FailureKind, LatencyHistogram};
use crate::metric::{Metric, MetricKind};
use crate::record::{DropCount, Ended, Environment, LoadModel, RunRecord, Scheduling};
use crate::thresholds::{Acceptance, Subject, Thresholds};
use crate::units::six_digits;

/// Statuses by which a proxy says that it did not get a response, or does not ask for one.
const PROXY_STATUSES: [u16; 4] = [407, 502, 503, 504];
/// Nobody notices shorter waits than this, in seconds.
const SHORTEST_WAIT_S: f64 = 1.0;

/// What the runs themselves give reason to say.
pub(super) fn for_runs(
    thresholds: &Thresholds,
    runs: &[CandidateRun<'_>],
    opponent: ReferenceData<'_>,
) -> Vec<Warning> {
    let mut cautions = Vec::new();
    for CandidateRun { record, .. } in runs {
        if let Ended::Aborted { failures, requests } = record.run.ended {
            cautions.push(Warning::Aborted { failures, requests });
        }
    }
    if runs.iter().any(|run| run.record.run.insecure) {
        cautions.push(Warning::CertificatesUnchecked);
    }
    for CandidateRun { record, .. } in runs {
        cautions.extend(proxy_responses(record));
    }
    let redirected = redirects::redirects(runs).most;
    cautions.extend((!redirected.is_empty()).then_some(Warning::Unfollowed(redirected)));
    let strayed = redirects::redirected_away(runs);
    cautions.extend((!strayed.is_empty()).then_some(Warning::RedirectedAway(strayed)));
    cautions.extend(redirects::resent(runs));
    cautions.extend(redirects::failure_rules_differ(runs, opponent));
    cautions.extend(late_slices(runs));
    cautions.extend(cold::warning(thresholds, runs));
    cautions.extend(cpu_differs(runs, opponent));
    cautions.extend(scheduling_differs(runs, opponent));
    cautions.extend(late_jobs(opponent));
    cautions.extend(rate_definition_differs(thresholds, runs, opponent));
    cautions.extend(long_waits(runs));
    cautions
}

/// What the comparison gives reason to say; the cells' lines begin at index `first`.
pub(super) fn for_checks(
    case: &JudgeInput<'_>,
    runs: &[CandidateRun<'_>],
    opponent: ReferenceData<'_>,
    cells: &[TestedCheck],
    first: usize,
) -> Vec<Warning> {
    let mut cautions = Vec::new();
    let gone = regression::missing_requests(runs, opponent, &case.thresholds.regression);
    cautions.extend(
        gone.into_iter()
            .map(|request| Warning::MissingRequest { request }),
    );
    cautions.extend(much_faster(cells).map(|index| Warning::MuchFaster {
        check: first + index,
    }));
    cautions.extend(least_sensitive(cells).map(|index| Warning::CannotDetect {
        check: first + index,
        advice: sample_size_advice(&cells[index], runs, opponent),
    }));
    cautions.extend(acceptances(case, runs, opponent, cells));
    cautions
}

/// Deployments of which nothing but statuses of proxies came through a proxy that each request was sent to.
fn proxy_responses(record: &RunRecord) -> impl Iterator<Item = Warning> {
    let base = record.base.as_ref().map(|base| (Arm::Base, base));
    let arms = [(Arm::Target, &record.target)].into_iter().chain(base);
    arms.filter(|(_, deployment)| deployment.proxy_forwards)
        .filter_map(|(arm, _)| {
            let requests = record.pooled(None, |slice| slice.arm == arm).requests();
            let failures = record.failures(|slice| slice.arm == arm);
            let statuses = PROXY_STATUSES.map(|status| {
                let kind = FailureKind::Status(status);
                (failures.get(&kind).copied().unwrap_or_default(), status)
            });
            let all: u64 = statuses.iter().map(|(failures, _)| failures).sum();
            let (_, status) = statuses.into_iter().max()?;
            (requests > 0 && all == requests).then_some(Warning::ProxyResponses {
                arm,
                status,
                requests,
            })
        })
}

/// The slices that latencies are judged without; none where that makes the run invalid.
fn late_slices(runs: &[CandidateRun<'_>]) -> Option<Warning> {
    let sieves = || runs.iter().map(|run| &run.filter);
    let tallies = || sieves().flat_map(|sieve| [sieve.pairs, sieve.slices]);
    let dropped = tallies().map(|tally| tally.dropped).sum();
    let is_invalid = tallies().any(DropCount::is_too_many);
    (dropped > 0 && !is_invalid).then(|| Warning::LateSlices {
        dropped,
        of: tallies().map(|tally| tally.of).sum(),
        worst_s: sieves().map(|sieve| sieve.worst_s).fold(0.0, f64::max),
        limit_s: sieves().map(|sieve| sieve.limit_s).fold(0.0, f64::max),
    })
}

fn late_jobs(opponent: ReferenceData<'_>) -> Option<Warning> {
    let ReferenceData::Jobs(jobs) = opponent else {
        return None;
    };
    let late = jobs.iter().filter(|job| !job.late.is_whole());
    let newest = late.clone().next_back()?;
    let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
    let jobs = DropCount {
        dropped: count(late.count()),
        of: count(jobs.len()),
    };
    jobs.is_too_many().then(|| Warning::LateJobs {
        late: jobs.dropped,
        of: jobs.of,
        id: newest.id.clone(),
    })
}

/// That a few long waits make up most of the time in which users wait, though percentiles hardly show them.
fn long_waits(runs: &[CandidateRun<'_>]) -> Option<Warning> {
    let told = runs.iter().filter(|run| run.record.counts_responses());
    let mut latencies = LatencyHistogram::new();
    for CandidateRun { record, .. } in told {
        let all = record.pooled(None, |slice| record.is_measured(slice));
        latencies.merge(&all.latencies());
    }
    let (by_time_s, p99_s) = (latencies.time_weighted()?, latencies.quantile(0.99)?);
    (by_time_s > p99_s.max(SHORTEST_WAIT_S)).then(|| Warning::LongWaits {
        by_time_s: six_digits(by_time_s),
        p99_s: six_digits(p99_s),
    })
}

/// In a closed model what is due follows what came back, so both are alike.
fn rate_definition_differs(
    thresholds: &Thresholds,
    runs: &[CandidateRun<'_>],
    opponent: ReferenceData<'_>,
) -> Option<Warning> {
    let ReferenceData::Jobs(jobs) = opponent else {
        return None;
    };
    let is_open = |run: &CandidateRun<'_>| {
        let mut phases = run.record.phases.iter();
        run.record.counts_responses() && phases.any(|phase| phase.model == LoadModel::Arrivals)
    };
    let is_gated = thresholds
        .regression
        .gate
        .contains(&Metric::RequestsPerSecond);
    let is_other = jobs.iter().any(|job| !job.counts_responses);
    (is_gated && is_other && runs.iter().any(is_open)).then_some(Warning::RateDefinitionDiffers)
}

fn cpu_differs(runs: &[CandidateRun<'_>], opponent: ReferenceData<'_>) -> Option<Warning> {
    let ReferenceData::Jobs(jobs) = opponent else {
        return None;
    };
    let baseline = &jobs.last()?.environment.cpu;
    let current = &runs.last()?.record.environment.cpu;
    let differ = !baseline.is_empty() && !current.is_empty() && baseline != current;
    differ.then(|| Warning::CpuDiffers {
        baseline: baseline.clone(),
        current: current.clone(),
    })
}

/// Latency holds the generator's own delay, which real-time scheduling shortens.
fn scheduling_differs(runs: &[CandidateRun<'_>], opponent: ReferenceData<'_>) -> Option<Warning> {
    let ReferenceData::Jobs(jobs) = opponent else {
        return None;
    };
    // Versions that did not say it knew no other.
    let of = |environment: &Environment| environment.scheduling.unwrap_or(Scheduling::Normal);
    let current = of(&runs.last()?.record.environment);
    let differing = jobs.iter().filter(|job| of(&job.environment) != current);
    let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
    let differing = count(differing.count());
    (differing > 0).then(|| Warning::SchedulingDiffers {
        differing,
        jobs: count(jobs.len()),
        current,
    })
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
/// and an acceptance blinds a cell on purpose.
fn least_sensitive(cells: &[TestedCheck]) -> Option<usize> {
    let unseen = |cell: &TestedCheck| {
        let is_share = matches!(cell.input.metric.kind(), MetricKind::Share);
        let is_meant = is_share || cell.input.rule.accepted.is_some();
        let seen = cell
            .detectable
            .filter(|_| !is_meant && cell.check.enforcement == Enforcement::Gated)?;
        (seen > cell.input.rule.equivalence_margin).then_some(seen)
    };
    largest(cells, unseen)
}

/// What would let a cell see what it must.
fn sample_size_advice(
    cell: &TestedCheck,
    runs: &[CandidateRun<'_>],
    opponent: ReferenceData<'_>,
) -> Option<SampleSizeAdvice> {
    let it = cell.input.compared.evidence.as_ref().ok()?.log_ratio()?;
    let rule = &cell.input.rule;
    let (wanted, null) = (libm::log1p(rule.equivalence_margin), libm::log1p(rule.null));
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    match opponent {
        ReferenceData::BaseArm => {
            let units = it
                .estimate
                .pairs_to_detect(it.units, wanted, null, cell.level)?;
            let turns = runs.last()?.record.duet.as_ref()?;
            let pairs: u32 = runs.iter().map(|run| run.filter.pairs.of).sum();
            let phases = runs.iter().map(|run| {
                let phases = run.record.phases.iter();
                phases
                    .filter(|phase| phase.measured && phase.steady)
                    .count()
            });
            let phases = phases.sum::<usize>().max(1) as f64;
            // A unit may be several pairs, and those of all phases count together.
            let each = f64::from(pairs) / it.units.max(1) as f64 / phases;
            let pairs = libm::ceil(units as f64 * each);
            let seconds = pairs * 2.0 * (turns.slice_s + turns.guard_s) * phases;
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
fn acceptances(
    case: &JudgeInput<'_>,
    runs: &[CandidateRun<'_>],
    opponent: ReferenceData<'_>,
    cells: &[TestedCheck],
) -> Vec<Warning> {
    let Some(newest) = runs.last() else {
        return Vec::new();
    };
    let rules = Rules::for_run(&case.thresholds.regression, opponent, newest.record);
    let accepted = case.thresholds.regression.accepted.iter().enumerate();
    accepted
        .filter_map(|(index, acceptance)| {
            if !rules.is_in_force(acceptance) {
                Some(Warning::AcceptanceExpired { acceptance: index })
            } else if opponent.is_some() && is_unneeded(acceptance, cells) {
                Some(Warning::AcceptanceUnneeded { acceptance: index })
            } else {
                None
            }
        })
        .collect()
}

/// Whether each of an acceptance's own cells passes without it, which one that was not judged does not. Where there is
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
