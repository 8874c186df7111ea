//! A check as data: a limit or a change, with its figures and its outcome.

use super::Attribution;
use crate::metric::Metric;
use crate::thresholds::{FailureSet, Subject};
use crate::units::six_digits;

/// One check: a limit, or a cell held against what was before.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Whom it speaks of.
    pub subject: Subject,
    /// One phase; all measured phases (limits) or all steady ones (changes) where none.
    pub phase: Option<String>,
    /// What is measured.
    pub measure: Measure,
    /// Whether it may fail the build.
    pub enforcement: Enforcement,
    /// What it came to.
    pub outcome: CheckOutcome,
    /// Requests that it rests on, of the deployment under test.
    pub requests: u64,
    /// The value now: seconds, a share, or per second; none where nothing was measured.
    pub current: Option<f64>,
    /// The check.
    pub kind: CheckKind,
}

/// What a line measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// A metric.
    Metric(Metric),
    /// The share of requests that failed in one way.
    Failures(FailureSet),
    /// The share of time in which nobody was served.
    Unavailable,
}

/// Whether a line may fail the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// It may.
    Gated,
    /// It is told loudly, and never fails.
    Warned,
    /// It is listed.
    Reported,
}

/// What a line came to.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckOutcome {
    /// Good enough.
    Passed,
    /// Broken or regressed.
    Failed,
    /// This run could not tell.
    Inconclusive,
    /// Not judged.
    NotJudged(NotJudged),
}

/// Why a line was not judged.
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
    /// `regression.requests` turns it off.
    Off,
}

/// The figures of a check. Fractions and seconds, never percent or milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckKind {
    /// An absolute promise.
    Limit(LimitCheck),
    /// A change.
    Change(ChangeCheck),
}

/// The figures of a limit.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitCheck {
    /// What must hold: seconds, a share, or per second.
    pub bound: f64,
    /// Requests over a latency limit, or failed; none for a rate.
    pub over: Option<u64>,
    /// Interval of the share over the limit: the lower bound at 99 %, the upper at 95 %. Of a rate, which must not be too
    /// small, the lower bound at 95 % and the upper at 99 %. None where there is nothing to draw it from.
    pub interval: Option<(f64, f64)>,
    /// Slices that it rests on.
    pub slices: u32,
    /// Whether there were too few slices to tell bursts from chance, so that requests count as independent.
    pub assumes_independence: bool,
    /// Line of thresholds.yml, where it is written.
    pub line: Option<u32>,
    /// What a limit on unavailable time found; none of any other limit.
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
    /// Changes up to this are nobody's business; an acceptance raises it.
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
    /// What it came from, where it failed.
    pub attribution: Option<Attribution>,
    /// What it is held against.
    pub reference: Reference,
}

/// What a change is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// What was there just before: the base arm, or the baseline's jobs.
    Newest,
    /// The anchor, a release: many changes that are each nobody's business may add up since then.
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

impl Check {
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
    /// Whether the line fails the gate: failed, and not merely warned of or reported.
    pub fn fails(&self, standing: Enforcement) -> bool {
        *self == Self::Failed && standing == Enforcement::Gated
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
            Self::NoComparison | Self::NewRequest | Self::BaseFails | Self::Off => None,
        }
    }
}
