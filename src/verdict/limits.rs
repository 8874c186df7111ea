//! Limits: absolute bounds that need no baseline.
//!
//! "P95 is at most L" says that at most 5 % of the requests take longer than L. So every limit but a rate's is a share
//! of requests over it, with an interval that allows for bursts: broken where even the lower bound is over the promise,
//! kept where even the upper bound is under it, else inconclusive.
//!
//! What is counted is counted in all slices: a response failed or started cold however late the generator was in sending.
//! A latency is judged without the slices in which it was late, unless with them the opposite would come out: then the
//! limit is inconclusive.

use super::cold;
use super::input::CandidateRun;
use super::rate::Rate;
use super::statistics::{Count, Dispersion, Distribution};
use super::{Check, CheckKind, CheckOutcome, Enforcement, LimitCheck, NotJudged};
use crate::measurement::{Arm, RequestStats};
use crate::metric::{Metric, StartFilter};
use crate::record::{Aggregate, SliceRecord};
use crate::thresholds::{Bound, Limit, Severity};
use crate::units::six_digits;

/// One-sided alpha of the lower confidence bound: a limit fails if this bound exceeds it.
const FAIL_ALPHA: f64 = 0.01;
/// One-sided alpha of the upper confidence bound: a limit passes if this bound is below it.
const PASS_ALPHA: f64 = 0.05;
/// Requests over a limit that break it where there are too few in all: below, the normal approximation errs.
const FEWEST_TO_BREAK: u64 = 5;
/// The fewest slices that separate bursts from chance.
const SLICES_FOR_DISPERSION: usize = 10;

/// One line for each limit, in the order of the file.
pub(super) fn judge(limits: &[Limit], runs: &[CandidateRun<'_>]) -> Vec<Check> {
    let is_told = cold::is_marked(runs);
    limits
        .iter()
        .map(|limit| check(limit, runs, is_told))
        .collect()
}

/// Requests without which a limit cannot be judged. None for a rate, which is judged over slices, and for a latency of cold
/// starts, whose number is not known before the run.
pub fn requests_needed(bound: Bound) -> Option<u64> {
    let is_cold = is_cold_latency(bound);
    allowed_share(bound).filter(|_| !is_cold).map(needed)
}

/// The share of requests that may be over a limit; none for a rate.
fn allowed_share(bound: Bound) -> Option<f64> {
    match bound {
        Bound::Latency { metric, .. } => Some(1.0 - metric.quantile().unwrap_or_default()),
        Bound::ErrorRate(share) | Bound::ColdShare(share) | Bound::Failures(_, share) => {
            Some(share.fraction())
        }
        Bound::RequestsPerSecond(_) => None,
    }
}

/// The requests of a cell that are over a limit, of those that it is about. A rate is not counted this way.
fn count(bound: Bound, cell: &RequestStats) -> Count {
    let (hits, of) = match bound {
        Bound::Latency { metric, at_most } => (
            cell.over(metric.starts(), at_most.as_secs_f64()),
            cell.requests_of(metric.starts()),
        ),
        Bound::ErrorRate(_) => (cell.failures(), cell.requests()),
        Bound::ColdShare(_) => (cell.cold.count(), cell.succeeded.count()),
        Bound::Failures(set, _) => {
            let failures = cell.errors.iter();
            let in_set = failures.filter(|(kind, _)| set.contains(**kind));
            (in_set.map(|(_, count)| count).sum(), cell.requests())
        }
        Bound::RequestsPerSecond(_) => (0, 0),
    };
    Count { hits, of }
}

fn is_cold_latency(bound: Bound) -> bool {
    let metric = bound.metric();
    metric.is_some_and(|metric| metric.starts() == StartFilter::Cold)
}

fn check(limit: &Limit, runs: &[CandidateRun<'_>], is_marked: bool) -> Check {
    let Some(share) = allowed_share(limit.bound) else {
        return rate_check(limit, runs, limit.bound.value());
    };
    let all = share_check(limit, runs, SliceSet::All, share);
    match limit.bound {
        Bound::Latency { metric, .. } => {
            let mut check = share_check(limit, runs, SliceSet::Valid, share);
            if check.outcome.is_opposite_of(&all.outcome) {
                check.outcome = CheckOutcome::Inconclusive;
            }
            check.current = latency(limit, runs, metric);
            check
        }
        // Without marks, the absence of cold starts is not an observation.
        Bound::ColdShare(_) if !is_marked => Check {
            outcome: CheckOutcome::NotJudged(NotJudged::TooFewColdStarts { have: 0, need: 1 }),
            ..all
        },
        Bound::ErrorRate(_)
        | Bound::ColdShare(_)
        | Bound::Failures(..)
        | Bound::RequestsPerSecond(_) => all,
    }
}

impl CheckOutcome {
    /// Whether one says that the limit is kept and the other that it is broken.
    fn is_opposite_of(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::Passed, Self::Failed) | (Self::Failed, Self::Passed)
        )
    }
}

/// The outcome of a limit that allows this share of requests to be over it.
fn outcome(bound: Bound, share: f64, count: Count, (lower, upper): (f64, f64)) -> CheckOutcome {
    let (fails, passes) = if share <= 0.0 {
        // A limit of zero is exact: one request breaks it.
        (count.hits > 0, count.hits == 0)
    } else {
        // A limit of 100 % cannot be broken, though no upper bound is below it.
        (lower > share, upper < share || share >= 1.0)
    };
    // Requests too few to pass may be enough to fail: fifty responses, all of them errors.
    let (have, need) = (count.of, needed(share));
    if have < need && !(fails && count.hits >= FEWEST_TO_BREAK) {
        return CheckOutcome::NotJudged(if is_cold_latency(bound) {
            NotJudged::TooFewColdStarts { have, need }
        } else {
            NotJudged::TooFewRequests { have, need }
        });
    }
    match (fails, passes) {
        (true, _) => CheckOutcome::Failed,
        (false, true) => CheckOutcome::Passed,
        (false, false) => CheckOutcome::Inconclusive,
    }
}

/// Requests of which none over the limit would keep a promise of at most this share: n > z^2 q / (1 - q), where the share
/// is 1 - q. A promise of none at all can be broken by the first.
fn needed(share: f64) -> u64 {
    if share <= 0.0 {
        return 1;
    }
    let score = Distribution::Normal.upper_quantile(PASS_ALPHA);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and saturating for an absurdly small share is right"
    )]
    let more_than = libm::floor(score * score * (1.0 - share) / share) as u64;
    more_than.saturating_add(1)
}

fn share_check(limit: &Limit, runs: &[CandidateRun<'_>], set: SliceSet, share: f64) -> Check {
    let mut slices: Vec<Count> = Vec::new();
    for run in runs {
        let Some(request) = run.request(&limit.subject) else {
            continue;
        };
        let of_slice = |slice: &SliceRecord| {
            let cells = slice.of_request(request);
            cells.map(|cell| count(limit.bound, cell)).sum::<Count>()
        };
        slices.extend(slices_of(limit, run, set).map(of_slice));
    }
    slices.retain(|slice| slice.of > 0);
    let count = Count::total(&slices);
    let assumes_independence = slices.len() < SLICES_FOR_DISPERSION;
    let dispersion = if assumes_independence {
        Dispersion::NONE
    } else {
        Dispersion::estimate(&[&slices])
    };
    let interval = (count.of > 0).then(|| dispersion.bounds(count, FAIL_ALPHA, PASS_ALPHA));
    Check {
        outcome: outcome(limit.bound, share, count, interval.unwrap_or((0.0, 1.0))),
        requests: count.of,
        current: (count.of > 0).then(|| six_digits(count.share())),
        ..limit_check(
            limit,
            LimitCheck {
                over: Some(count.hits),
                interval: interval.map(|(lower, upper)| (six_digits(lower), six_digits(upper))),
                slices: u32::try_from(slices.len()).unwrap_or(u32::MAX),
                assumes_independence,
                ..LimitCheck::new(limit.bound.value(), limit.line)
            },
        )
    }
}

fn rate_check(limit: &Limit, runs: &[CandidateRun<'_>], at_least: f64) -> Check {
    let mut rate = Rate::default();
    for run in runs {
        let Some(request) = run.request(&limit.subject) else {
            continue;
        };
        for (index, phase) in run.record.phases.iter().enumerate() {
            let slices = slices_of(limit, run, SliceSet::All).filter(|slice| slice.phase == index);
            if !phase.idle {
                rate.add_phase(slices, request);
            }
        }
    }
    let interval = rate.interval(PASS_ALPHA, FAIL_ALPHA);
    let outcome = match interval {
        None => CheckOutcome::NotJudged(NotJudged::TooFewSlices {
            have: rate.slices(),
            need: rate.needed(),
        }),
        Some((_, upper)) if upper < at_least => CheckOutcome::Failed,
        Some((lower, _)) if lower >= at_least => CheckOutcome::Passed,
        Some(_) => CheckOutcome::Inconclusive,
    };
    Check {
        outcome,
        requests: rate.requests(),
        current: rate.mean().map(six_digits),
        ..limit_check(
            limit,
            LimitCheck {
                interval: interval.map(|(lower, upper)| (six_digits(lower), six_digits(upper))),
                slices: rate.slices(),
                ..LimitCheck::new(at_least, limit.line)
            },
        )
    }
}

/// The check of a limit without its outcome and its value.
fn limit_check(limit: &Limit, figures: LimitCheck) -> Check {
    Check {
        subject: limit.subject.clone(),
        phase: limit.phase.clone(),
        measure: limit.bound.into(),
        enforcement: match limit.severity {
            Severity::Fail => Enforcement::Gated,
            Severity::Warn => Enforcement::Warned,
        },
        outcome: CheckOutcome::Inconclusive,
        requests: 0,
        current: None,
        kind: CheckKind::Limit(figures),
    }
}

/// The slices that a limit is judged by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SliceSet {
    /// All of the deployment under test.
    All,
    /// Those in which the generator kept its times.
    Valid,
}

/// The slices that a limit speaks of, of the deployment under test.
fn slices_of<'a>(
    limit: &'a Limit,
    run: &'a CandidateRun<'_>,
    set: SliceSet,
) -> impl Iterator<Item = &'a SliceRecord> {
    let slices = run.record.slices.iter().enumerate();
    slices
        .filter(move |(index, slice)| {
            let phase = &run.record.phases[slice.phase];
            let within = match &limit.phase {
                Some(name) => phase.name == *name,
                None => phase.measured,
            };
            within && slice.arm == Arm::Target && (set == SliceSet::All || run.filter.keeps(*index))
        })
        .map(|(_, slice)| slice)
}

/// The quantile over all requests that a latency limit speaks of, in seconds.
fn latency(limit: &Limit, runs: &[CandidateRun<'_>], metric: Metric) -> Option<f64> {
    let mut sample = Aggregate::default();
    for run in runs {
        let Some(request) = run.request(&limit.subject) else {
            continue;
        };
        let slices: Vec<&SliceRecord> = slices_of(limit, run, SliceSet::Valid).collect();
        sample.merge(&Aggregate::from_slices(&slices, request));
    }
    let latencies = sample.latencies_of(metric);
    latencies.quantile(metric.quantile()?).map(six_digits)
}
