//! Warnings that follow from the runs alone, and from the circumstances of what they are compared with.

use super::{Warning, redirects};
use crate::measurement::{Arm, FailureKind, LatencyHistogram, Scheduling};
use crate::metric::Metric;
use crate::record::{DropCount, Ended, Environment, LoadModel, RunRecord};
use crate::units::six_digits;
use crate::verdict::case::Case;
use crate::verdict::cold;
use crate::verdict::input::CandidateRun;

/// Statuses by which a proxy says that it did not get a response, or does not ask for one.
const PROXY_STATUSES: [u16; 4] = [407, 502, 503, 504];

/// Share of the jobs whose generator may have been late in part before it is worth a warning.
const MOST_LATE_JOBS: f64 = 0.25;

/// Shorter waits are not worth a warning, in seconds.
const SHORTEST_WAIT_S: f64 = 1.0;

/// The warnings of the runs themselves.
pub(in crate::verdict) fn for_runs(case: Case<'_>) -> Vec<Warning> {
    let runs = case.runs;
    let mut warnings = Vec::new();
    for CandidateRun { record, .. } in runs {
        if let Ended::Aborted { failures, requests } = record.run.ended {
            warnings.push(Warning::Aborted { failures, requests });
        }
    }
    let missing = runs.iter().find_map(|run| run.record.base_missing.clone());
    warnings.extend(missing.map(|why| Warning::BaseMissing { why }));
    let missing = runs
        .iter()
        .find_map(|run| run.record.reference_missing.clone());
    warnings.extend(missing.map(|why| Warning::ReferenceMissing { why }));
    if runs.iter().any(|run| run.record.run.insecure) {
        warnings.push(Warning::CertificatesUnchecked);
    }
    for CandidateRun { record, .. } in runs {
        warnings.extend(proxy_responses(record));
    }
    let redirected = redirects::redirects(runs).most;
    warnings.extend((!redirected.is_empty()).then_some(Warning::Unfollowed(redirected)));
    let strayed = redirects::redirected_away(runs);
    warnings.extend((!strayed.is_empty()).then_some(Warning::RedirectedAway(strayed)));
    warnings.extend(redirects::resent(runs));
    warnings.extend(redirects::failure_rules_differ(case));
    warnings.extend(late_slices(runs));
    warnings.extend(cold::warning(case.input.thresholds, runs));
    warnings.extend(cpu_differs(case));
    warnings.extend(scheduling_differs(case));
    warnings.extend(late_jobs(case));
    warnings.extend(rate_definition_differs(case));
    warnings.extend(long_waits(runs));
    warnings
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
    let filters = || runs.iter().map(|run| &run.filter);
    let drop_counts = || filters().flat_map(|filter| [filter.pairs, filter.slices]);
    let dropped = drop_counts().map(|drop_count| drop_count.dropped).sum();
    let is_invalid = filters().any(|filter| filter.too_many().is_some());
    (dropped > 0 && !is_invalid).then(|| Warning::LateSlices {
        dropped,
        of: drop_counts().map(|drop_count| drop_count.of).sum(),
        worst_s: filters().map(|filter| filter.worst_s).fold(0.0, f64::max),
        limit_s: filters().map(|filter| filter.limit_s).fold(0.0, f64::max),
    })
}

fn late_jobs(case: Case<'_>) -> Option<Warning> {
    let jobs = case.jobs()?;
    let late = jobs.iter().filter(|job| !job.late.is_whole());
    let newest = late.clone().next_back()?;
    let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
    let jobs = DropCount {
        dropped: count(late.count()),
        of: count(jobs.len()),
    };
    jobs.is_over(MOST_LATE_JOBS).then(|| Warning::LateJobs {
        late: jobs.dropped,
        of: jobs.of,
        id: newest.id.clone(),
    })
}

/// A warning if a few long waits make up most of the time in which users wait, though percentiles hardly show them.
fn long_waits(runs: &[CandidateRun<'_>]) -> Option<Warning> {
    let known = runs.iter().filter(|run| run.record.counts_responses());
    let mut latencies = LatencyHistogram::new();
    for CandidateRun { record, .. } in known {
        let all = record.measured(None);
        latencies.merge(&all.latencies());
    }
    let (by_time_s, p99_s) = (latencies.time_weighted()?, latencies.quantile(0.99)?);
    (by_time_s > p99_s.max(SHORTEST_WAIT_S)).then(|| Warning::LongWaits {
        by_time_s: six_digits(by_time_s),
        p99_s: six_digits(p99_s),
    })
}

/// In a closed model what is due follows what came back, so both are alike.
fn rate_definition_differs(case: Case<'_>) -> Option<Warning> {
    let jobs = case.jobs()?;
    let is_open = |run: &CandidateRun<'_>| {
        let mut phases = run.record.phases.iter();
        run.record.counts_responses() && phases.any(|phase| phase.model == LoadModel::Arrivals)
    };
    let is_gated = case.regression().gate.contains(&Metric::RequestsPerSecond);
    let is_other = jobs.iter().any(|job| !job.counts_responses);
    (is_gated && is_other && case.runs.iter().any(is_open))
        .then_some(Warning::RateDefinitionDiffers)
}

fn cpu_differs(case: Case<'_>) -> Option<Warning> {
    let jobs = case.jobs()?;
    let baseline = &jobs.last()?.environment.cpu;
    let current = &case.runs.last()?.record.environment.cpu;
    let differ = !baseline.is_empty() && !current.is_empty() && baseline != current;
    differ.then(|| Warning::CpuDiffers {
        baseline: baseline.clone(),
        current: current.clone(),
    })
}

/// Latency holds the generator's own delay, which real-time scheduling shortens.
fn scheduling_differs(case: Case<'_>) -> Option<Warning> {
    let jobs = case.jobs()?;
    // Versions that did not say it knew no other.
    let of = |environment: &Environment| environment.scheduling.unwrap_or(Scheduling::Normal);
    let current = of(&case.runs.last()?.record.environment);
    let differing = jobs.iter().filter(|job| of(&job.environment) != current);
    let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
    let differing = count(differing.count());
    (differing > 0).then(|| Warning::SchedulingDiffers {
        differing,
        jobs: count(jobs.len()),
        current,
    })
}
