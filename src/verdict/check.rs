//! A check as data: a limit or a change, with its figures and its outcome.

use super::Attribution;
use super::statistics::Estimate;
use crate::metric::Metric;
use crate::thresholds::{AwsMetric, Bound, FailureSet, Subject};
use crate::units::six_digits;

/// Tail on either side of the interval that is shown, and beyond the bound that a pass rests on.
pub(super) const INTERVAL_TAIL: f64 = 0.025;

/// One check: a limit, or a cell held against what was before.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// The request name, or all requests together.
    pub subject: Subject,
    /// One phase; all measured phases (limits) or all steady ones (changes) where none.
    pub phase: Option<String>,
    /// The quantity that is measured.
    pub measure: Measure,
    /// Whether it may fail the build.
    pub enforcement: Enforcement,
    /// The outcome.
    pub outcome: CheckOutcome,
    /// Requests that it rests on, of the deployment under test.
    pub requests: u64,
    /// The value now: seconds, a share, or per second; none where nothing was measured.
    pub current: Option<f64>,
    /// The figures of the limit or the change.
    pub kind: CheckKind,
}

/// The quantity that a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// A metric.
    Metric(Metric),
    /// The share of requests that failed in one way.
    Failures(FailureSet),
    /// The share of time in which no request succeeded.
    Unavailable,
    /// A figure of AWS.
    Aws(AwsMetric),
}

impl From<Bound> for Measure {
    fn from(bound: Bound) -> Self {
        match bound {
            Bound::Failures(set, _) => Self::Failures(set),
            Bound::Latency { metric, .. } => Self::Metric(metric),
            Bound::ErrorRate(_) => Self::Metric(Metric::ErrorRate),
            Bound::ColdShare(_) => Self::Metric(Metric::ColdShare),
            Bound::RequestsPerSecond(_) => Self::Metric(Metric::RequestsPerSecond),
        }
    }
}

/// Whether a check may fail the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// It may.
    Gated,
    /// It is shown prominently, and never fails.
    Warned,
    /// It is listed.
    Reported,
}

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckOutcome {
    /// Good enough.
    Passed,
    /// Broken or regressed.
    Failed,
    /// The run does not suffice to decide.
    Inconclusive,
    /// Not judged.
    NotJudged(NotJudged),
}

/// The reason why a check was not judged.
#[derive(Clone, Debug, PartialEq)]
pub enum NotJudged {
    /// Too few requests.
    TooFewRequests {
        /// Requests that there are, of the arm or job that has the fewest.
        have: u64,
        /// Requests that the rule needs.
        need: u64,
    },
    /// Too few slices, after merging small ones.
    TooFewSlices {
        /// Slices that there are.
        have: u32,
        /// Slices that the rule needs.
        need: u32,
    },
    /// Too few cold starts. They cannot be ordered, so that this leaves a verdict open and does not make it invalid.
    TooFewColdStarts {
        /// Cold starts that there are, of the arm or job that has the fewest.
        have: u64,
        /// Cold starts that the rule needs.
        need: u64,
    },
    /// Nothing was compared.
    NoComparison,
    /// The name is not in the baseline.
    NewRequest,
    /// In a duet, the base arm only fails there.
    BaseFails,
    /// In a mixed duet, a version throttled more requests than it may.
    Throttled,
    /// The reference is so much slower or faster than in the jobs that this is another machine.
    OtherMachine,
    /// AWS did not give the figure.
    NoAwsFigure,
    /// The figure of AWS includes requests of others.
    OthersRequests,
    /// `regression.requests` turns it off.
    Off,
}

/// The figures of a check. Fractions and seconds, never percent or milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckKind {
    /// An absolute limit.
    Limit(LimitCheck),
    /// A change.
    Change(ChangeCheck),
}

/// The figures of a limit.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitCheck {
    /// The limit: seconds, a share, or per second.
    pub bound: f64,
    /// Requests over a latency limit, or failed; none for a rate.
    pub over: Option<u64>,
    /// Interval of the share over the limit: the lower bound at 99 %, the upper at 95 %. Of a rate, which must not be too
    /// small, the lower bound at 95 % and the upper at 99 %. None where there is nothing to draw it from.
    pub interval: Option<(f64, f64)>,
    /// Slices that it rests on.
    pub slices: u32,
    /// Whether there were too few slices to separate bursts from chance, so that requests count as independent.
    pub assumes_independence: bool,
    /// Line of thresholds.yml, where it is written.
    pub line: Option<u32>,
    /// The outage that a limit on unavailable time found; none for any other limit.
    pub outage: Option<Outage>,
}

impl LimitCheck {
    /// A limit of this value, written in this line of thresholds.yml, before anything was counted.
    pub(super) fn new(bound: f64, line: Option<u32>) -> Self {
        Self {
            bound: six_digits(bound),
            over: None,
            interval: None,
            slices: 0,
            assumes_independence: false,
            line,
            outage: None,
        }
    }
}

/// Why requests count as unavailable.
#[derive(Clone, Debug, PartialEq)]
pub enum Outage {
    /// None succeeded for so long, though one was in flight.
    Silent {
        /// How long, in seconds.
        seconds: f64,
        /// Of how long.
        of_s: f64,
        /// The user class alone whose requests they were.
        class: Option<String>,
    },
    /// Every one failed.
    Failed,
    /// None was sent, though the scenario says that some are.
    Unsent {
        /// How many were to be expected.
        expected: f64,
    },
}

/// The figures of a change.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeCheck {
    /// The value before: seconds, a share, or per second.
    pub before: Option<f64>,
    /// The estimate with its 95 % interval: a ratio less one (0.05 is +5 %); for error rates a difference of shares.
    pub change: Option<EstimatedChange>,
    /// Changes up to this are ignored; an acceptance raises it.
    pub tolerance: f64,
    /// Whether the change is below the floor, so that it does not matter what the test says. That of an error rate is
    /// [`SMALLEST_SHARE`](super::SMALLEST_SHARE) and [`FEWEST_ERRORS`](super::FEWEST_ERRORS), both; a rate has none.
    pub below_floor: bool,
    /// The floor of a latency in seconds.
    pub floor: Option<f64>,
    /// Change that this run would have caught with 90 % probability, in the direction of its change for the worse: below
    /// zero for a rate.
    pub min_detectable: Option<f64>,
    /// The acceptance that took the tolerance's place, as an index into the thresholds' list.
    pub acceptance: Option<usize>,
    /// The causes, if it failed.
    pub attribution: Option<Attribution>,
    /// The reference that it is compared with.
    pub reference: Reference,
}

/// The reference that a change is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The newest reference: the base arm, or the baseline's jobs.
    Newest,
    /// The anchor, a release: many changes that are each within the tolerance may add up since then.
    Anchor,
}

/// An estimated change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EstimatedChange {
    /// The estimate.
    pub estimate: f64,
    /// Lower bound of the 95 % interval.
    pub lower: f64,
    /// Upper bound of the 95 % interval.
    pub upper: f64,
    /// Probability of a change as large or larger if the true one is at the tolerance.
    pub p: f64,
    /// Units that it rests on: pairs of a duet, or jobs of the baseline.
    pub units: u32,
}

impl EstimatedChange {
    /// The change of an estimated log-ratio; `null` is the one that counts as none.
    pub(super) fn from_log_ratio(estimate: Estimate, null: f64, units: usize) -> Self {
        Self {
            estimate: six_digits(libm::expm1(estimate.mean)),
            lower: six_digits(libm::expm1(estimate.lower(INTERVAL_TAIL))),
            upper: six_digits(libm::expm1(estimate.upper(INTERVAL_TAIL))),
            p: six_digits(estimate.p_above(null)),
            units: u32::try_from(units).unwrap_or(u32::MAX),
        }
    }
}

impl Check {
    /// The change that it is about, if it is about one.
    pub fn change(&self) -> Option<&ChangeCheck> {
        match &self.kind {
            CheckKind::Change(change) => Some(change),
            CheckKind::Limit(_) => None,
        }
    }

    /// The limit that it is about, if it is about one.
    pub fn limit(&self) -> Option<&LimitCheck> {
        match &self.kind {
            CheckKind::Limit(limit) => Some(limit),
            CheckKind::Change(_) => None,
        }
    }

    /// Why it was not judged, if it was not.
    pub fn why_not_judged(&self) -> Option<&NotJudged> {
        match &self.outcome {
            CheckOutcome::NotJudged(why) => Some(why),
            CheckOutcome::Passed | CheckOutcome::Failed | CheckOutcome::Inconclusive => None,
        }
    }

    /// Whether it says no more than that nothing was compared.
    pub fn is_not_compared(&self) -> bool {
        self.why_not_judged() == Some(&NotJudged::NoComparison)
    }

    /// Whether it leaves the verdict open where it is gated: it could not tell, or got too few cold starts. A name's change
    /// that got too few blocks nothing, like any other that got too few requests.
    pub fn is_open(&self) -> bool {
        let is_cold = matches!(self.measure, Measure::Metric(metric) if metric.is_of_cold_starts());
        let counts = matches!(self.kind, CheckKind::Limit(_)) || self.subject == Subject::Overall;
        match &self.outcome {
            CheckOutcome::Inconclusive => true,
            CheckOutcome::NotJudged(NotJudged::TooFewColdStarts { .. }) => counts,
            CheckOutcome::NotJudged(NotJudged::TooFewSlices { .. }) => is_cold && counts,
            CheckOutcome::NotJudged(_) | CheckOutcome::Passed | CheckOutcome::Failed => false,
        }
    }
}

impl CheckOutcome {
    /// Whether the check fails the gate: failed, and not merely warned of or reported.
    pub fn fails(&self, enforcement: Enforcement) -> bool {
        *self == Self::Failed && enforcement == Enforcement::Gated
    }
}

impl NotJudged {
    /// How many times as much would do, when it is a matter of how much there is.
    pub fn times(&self) -> Option<f64> {
        match self {
            Self::TooFewRequests { have, need } | Self::TooFewColdStarts { have, need } => {
                Some(*need as f64 / (*have).max(1) as f64)
            }
            Self::TooFewSlices { have, need } => Some(f64::from(*need) / f64::from((*have).max(1))),
            Self::NoComparison
            | Self::NewRequest
            | Self::BaseFails
            | Self::Throttled
            | Self::OtherMachine
            | Self::NoAwsFigure
            | Self::OthersRequests
            | Self::Off => None,
        }
    }
}
