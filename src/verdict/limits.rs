//! Limits: absolute promises, that need no baseline.
//!
//! "P95 is at most L" says that at most 5 % of the requests take longer than L. So every limit but a rate's is a share
//! of requests over it, with an interval that allows for bursts: broken where even the lower bound is over the promise,
//! kept where even the upper bound is under it, else nobody can tell.
//!
//! What is counted is counted in all slices: an answer failed or started cold however late the generator was in sending.
//! A latency is judged without the slices in which it was late, unless with them the opposite would come out: then nobody
//! can tell.

use super::cold;
use super::input::CandidateRun;
use super::rate::Rate;
use super::statistics::{Count, Dispersion, Distribution};
use super::{Check, CheckKind, CheckOutcome, Enforcement, LimitCheck, Measure, NotJudged};
use crate::measurement::{Arm, RequestStats};
use crate::metric::{Metric, StartFilter};
use crate::record::{Aggregate, SliceRecord};
use crate::thresholds::{Bound, Limit, Severity};
use crate::units::six_digits;

/// A limit is broken where the bound that the true share is below with this probability is over it.
const FAIL_ALPHA: f64 = 0.01;
/// A limit is kept where the bound that the true share is above with this probability is under it.
const PASS_ALPHA: f64 = 0.05;
/// Requests over a limit that break it where there are too few in all: below, the normal approximation errs.
const FEWEST_TO_BREAK: u64 = 5;
/// Slices from which on bursts can be told from chance.
const SLICES_FOR_DISPERSION: usize = 10;

/// One line for each limit, in the order of the file.
pub(super) fn judge(limits: &[Limit], runs: &[CandidateRun<'_>]) -> Vec<Check> {
    let is_told = cold::is_marked(runs);
    limits
        .iter()
        .map(|limit| check(limit, runs, is_told))
        .collect()
}

/// Requests without which a limit cannot be judged; none for a rate, which is judged over slices, and for a latency of cold
/// starts, whose number nobody knows before.
pub fn requests_needed(bound: Bound) -> Option<u64> {
    match bound {
        Bound::Latency { metric, .. } if metric.starts() == StartFilter::Cold => None,
        Bound::Latency { metric, .. } => Some(needed(1.0 - metric.quantile()?)),
        Bound::ErrorRate(share) | Bound::ColdShare(share) | Bound::Failures(_, share) => {
            Some(needed(share.fraction()))
        }
        Bound::RequestsPerSecond(_) => None,
    }
}

fn check(limit: &Limit, runs: &[CandidateRun<'_>], is_told: bool) -> Check {
    match limit.bound {
        Bound::Latency { metric, at_most } => {
            let promise = ShareLimit {
                measure: Measure::Metric(metric),
                bound: at_most.as_secs_f64(),
                share: 1.0 - metric.quantile().unwrap_or_default(),
            };
            let starts = metric.starts();
            let over = |cell: &RequestStats| cell.over(starts, at_most.as_secs_f64());
            let of = |cell: &RequestStats| cell.requests_of(starts);
            let whole = share_check(limit, runs, SliceSet::All, &promise, over, of).outcome;
            let mut line = share_check(limit, runs, SliceSet::Valid, &promise, over, of);
            if line.outcome.is_opposite_of(&whole) {
                line.outcome = CheckOutcome::Inconclusive;
            }
            line.current = latency(limit, runs, metric);
            line
        }
        Bound::ErrorRate(share) => {
            let promise = ShareLimit::new(Measure::Metric(Metric::ErrorRate), share.fraction());
            share_check(
                limit,
                runs,
                SliceSet::All,
                &promise,
                RequestStats::failures,
                RequestStats::requests,
            )
        }
        Bound::ColdShare(share) => cold_share(limit, runs, share.fraction(), is_told),
        Bound::Failures(set, share) => {
            let promise = ShareLimit::new(Measure::Failures(set), share.fraction());
            let failed = |cell: &RequestStats| {
                let errors = cell.errors.iter();
                let own = errors.filter(|(kind, _)| set.contains(**kind));
                own.map(|(_, count)| count).sum()
            };
            share_check(
                limit,
                runs,
                SliceSet::All,
                &promise,
                failed,
                RequestStats::requests,
            )
        }
        Bound::RequestsPerSecond(at_least) => rate_check(limit, runs, at_least),
    }
}

/// The share of cold starts, of which none is only known to be none where answers say so.
fn cold_share(limit: &Limit, runs: &[CandidateRun<'_>], share: f64, is_told: bool) -> Check {
    let promise = ShareLimit::new(Measure::Metric(Metric::ColdShare), share);
    let cold = |cell: &RequestStats| cell.cold.count();
    let succeeded = |cell: &RequestStats| cell.succeeded.count();
    let mut line = share_check(limit, runs, SliceSet::All, &promise, cold, succeeded);
    if !is_told {
        line.outcome = CheckOutcome::NotJudged(NotJudged::TooFewColdStarts { have: 0, need: 1 });
    }
    line
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

/// What a limit allows.
struct ShareLimit {
    measure: Measure,
    /// As written: seconds or a share.
    bound: f64,
    /// The share of requests that may be over it.
    share: f64,
}

impl ShareLimit {
    fn new(measure: Measure, share: f64) -> Self {
        Self {
            measure,
            bound: share,
            share,
        }
    }

    /// A promise of none at all is exact: one request breaks it.
    fn is_exact(&self) -> bool {
        self.share <= 0.0
    }

    fn outcome(&self, count: Count, (lower, upper): (f64, f64)) -> CheckOutcome {
        let (broken, kept) = if self.is_exact() {
            (count.hits > 0, count.hits == 0)
        } else {
            // A promise of 100 % cannot be broken, though no upper bound is below it.
            (lower > self.share, upper < self.share || self.share >= 1.0)
        };
        // Requests that are too few to keep a promise may well be enough to break it: fifty answers, all of them errors.
        let (have, need) = (count.of, needed(self.share));
        if have < need && !(broken && count.hits >= FEWEST_TO_BREAK) {
            let is_cold = matches!(self.measure, Measure::Metric(metric) if metric.starts() == StartFilter::Cold);
            return CheckOutcome::NotJudged(if is_cold {
                NotJudged::TooFewColdStarts { have, need }
            } else {
                NotJudged::TooFewRequests { have, need }
            });
        }
        match (broken, kept) {
            (true, _) => CheckOutcome::Failed,
            (false, true) => CheckOutcome::Passed,
            (false, false) => CheckOutcome::Inconclusive,
        }
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

fn share_check(
    limit: &Limit,
    runs: &[CandidateRun<'_>],
    look: SliceSet,
    promise: &ShareLimit,
    over: impl Fn(&RequestStats) -> u64,
    of: impl Fn(&RequestStats) -> u64,
) -> Check {
    let mut slices: Vec<Count> = Vec::new();
    for run in runs {
        let Some(request) = run.request(&limit.subject) else {
            continue;
        };
        let count = |slice: &SliceRecord| Count {
            hits: slice.of_request(request).map(&over).sum(),
            of: slice.of_request(request).map(&of).sum(),
        };
        slices.extend(slices_of(limit, run, look).map(count));
    }
    slices.retain(|slice| slice.of > 0);
    let count = Count::total(&slices);
    let independent = slices.len() < SLICES_FOR_DISPERSION;
    let dispersion = if independent {
        Dispersion::NONE
    } else {
        Dispersion::estimate(&[&slices])
    };
    let interval = (count.of > 0).then(|| dispersion.bounds(count, FAIL_ALPHA, PASS_ALPHA));
    Check {
        outcome: promise.outcome(count, interval.unwrap_or((0.0, 1.0))),
        measure: promise.measure,
        requests: count.of,
        current: (count.of > 0).then(|| six_digits(count.share())),
        kind: CheckKind::Limit(LimitCheck {
            bound: six_digits(promise.bound),
            over: Some(count.hits),
            interval: interval.map(|(lower, upper)| (six_digits(lower), six_digits(upper))),
            slices: u32::try_from(slices.len()).unwrap_or(u32::MAX),
            assumes_independence: independent,
            line: limit.line,
            outage: None,
        }),
        ..blank(limit)
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
        kind: CheckKind::Limit(LimitCheck {
            bound: six_digits(at_least),
            over: None,
            interval: interval.map(|(lower, upper)| (six_digits(lower), six_digits(upper))),
            slices: rate.slices(),
            assumes_independence: false,
            line: limit.line,
            outage: None,
        }),
        ..blank(limit)
    }
}

/// What all lines of a limit share.
fn blank(limit: &Limit) -> Check {
    Check {
        subject: limit.subject.clone(),
        phase: limit.phase.clone(),
        measure: Measure::Metric(Metric::RequestsPerSecond),
        enforcement: match limit.severity {
            Severity::Fail => Enforcement::Gated,
            Severity::Warn => Enforcement::Warned,
        },
        outcome: CheckOutcome::Inconclusive,
        requests: 0,
        current: None,
        kind: CheckKind::Limit(LimitCheck {
            bound: 0.0,
            over: None,
            interval: None,
            slices: 0,
            assumes_independence: false,
            line: limit.line,
            outage: None,
        }),
    }
}

/// Which slices a limit looks at.
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
    look: SliceSet,
) -> impl Iterator<Item = &'a SliceRecord> {
    let slices = run.record.slices.iter().enumerate();
    slices
        .filter(move |(index, slice)| {
            let phase = &run.record.phases[slice.phase];
            let within = match &limit.phase {
                Some(name) => phase.name == *name,
                None => phase.measured,
            };
            within
                && slice.arm == Arm::Target
                && (look == SliceSet::All || run.filter.keeps(*index))
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
