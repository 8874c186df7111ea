//! The thresholds as the verdict reads them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::measurement::FailureKind;
use crate::metric::Metric;
use crate::units::Share;

/// What is promised, and how a change is told from noise.
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds {
    /// Whether a broken promise fails the build.
    pub mode: Mode,
    /// Absolute promises, in the order of the file, those that only warn among them.
    pub limits: Vec<Limit>,
    /// How long the target may serve nobody; none if that is not looked at.
    pub availability: Option<Availability>,
    /// How a change against the baseline or the base arm is judged.
    pub regression: Regression,
    /// When the run stops early.
    pub abort: Option<Abort>,
}

/// How long the target may serve nobody though a request is in flight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Availability {
    /// Share of each measured phase.
    pub share: Share,
    /// Line of thresholds.yml, from 1; none for what holds if the file is silent.
    pub line: Option<u32>,
}

impl Default for Availability {
    fn default() -> Self {
        Self {
            share: Share::TEN_PERCENT,
            line: None,
        }
    }
}

/// Whether a broken promise fails the build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Judge, tell, and exit accordingly.
    #[default]
    Enforce,
    /// Judge and tell, but exit 0: for the first two weeks.
    Observe,
}

/// Whom a limit or a cell speaks of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// All requests together.
    Overall,
    /// The requests of one name.
    Request(String),
}

impl Subject {
    /// The request name; none for all requests together.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Overall => None,
            Self::Request(name) => Some(name),
        }
    }
}

/// One absolute promise.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Whom it is for.
    pub subject: Subject,
    /// One phase; all measured phases where none.
    pub phase: Option<String>,
    /// What must hold.
    pub bound: Bound,
    /// Whether breaking it fails.
    pub severity: Severity,
    /// Line of thresholds.yml, from 1; none for what holds where the file is silent.
    pub line: Option<u32>,
}

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// A latency quantile is at most this long.
    Latency {
        /// One of the quantiles.
        metric: Metric,
        /// At most.
        at_most: Duration,
    },
    /// At most this share of requests fails.
    ErrorRate(Share),
    /// At most this share of the answers that succeed is delayed by a cold start.
    ColdShare(Share),
    /// At most this share of requests fails in this way.
    Failures(FailureSet, Share),
    /// At least this many requests per second.
    RequestsPerSecond(f64),
}

/// One kind of failure, or a class of statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureSet {
    /// One kind.
    Kind(FailureKind),
    /// A class of statuses by its first digit: 4 for 4xx, 5 for 5xx.
    StatusClass(u16),
}

impl FailureSet {
    /// Whether a failure belongs to it.
    pub fn contains(self, kind: FailureKind) -> bool {
        match (self, kind) {
            (Self::StatusClass(class), FailureKind::Status(code)) => code / 100 == class,
            (Self::StatusClass(_), _) => false,
            (Self::Kind(own), kind) => own == kind,
        }
    }
}

/// Whether breaking a limit fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It fails.
    Fail,
    /// It is told, and never fails.
    Warn,
}

/// How a change is judged. Fractions, such as 0.05 for 5 %.
#[derive(Clone, Debug, PartialEq)]
pub struct Regression {
    /// Metrics that may fail a build; every other one is reported.
    pub gate: Vec<Metric>,
    /// How small a change a duet is to see.
    pub precision: Precision,
    /// Changes up to this fraction are nobody's business, in a duet.
    pub tolerance: f64,
    /// The same against a history.
    pub history_tolerance: f64,
    /// The same against the anchor, from which many small changes may add up.
    pub drift_tolerance: f64,
    /// Latency changes below this are nobody's business.
    pub floor: Duration,
    /// A cell passes when the upper bound of its change is below this fraction, in a duet.
    pub must_detect: f64,
    /// The same against a history.
    pub history_must_detect: f64,
    /// Phases gated beside the steady ones, one unit per pass.
    pub phases: Vec<String>,
    /// What holds for single request names.
    pub requests: BTreeMap<String, RequestRule>,
    /// Wanted slow-downs.
    pub accepted: Vec<Acceptance>,
    /// What a missing baseline, or one of another scenario, does.
    pub missing_baseline: MissingBaseline,
    /// Line of the `regression` section in thresholds.yml, from 1.
    pub line: Option<u32>,
}

impl Default for Regression {
    fn default() -> Self {
        Self {
            gate: vec![Metric::P95, Metric::ErrorRate],
            precision: Precision::Usual,
            tolerance: 0.05,
            history_tolerance: 0.03,
            drift_tolerance: 0.10,
            floor: Duration::from_millis(1),
            must_detect: 0.20,
            history_must_detect: 0.30,
            phases: Vec::new(),
            requests: BTreeMap::new(),
            accepted: Vec::new(),
            missing_baseline: MissingBaseline::Warn,
            line: None,
        }
    }
}

/// How small a change a duet is to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Twelve pairs, twelve more where they did not suffice, and a tolerance of 5 %.
    #[default]
    Usual,
    /// Twenty-four pairs and a tolerance of 3 %, for changes of 10 %.
    High,
}

impl Precision {
    /// The tolerance where the file writes none.
    pub fn tolerance(self) -> f64 {
        match self {
            Self::Usual => 0.05,
            Self::High => 0.03,
        }
    }
}

/// What holds for one request name.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestRule {
    /// Reported and never gated.
    Off,
    /// Other numbers than the rest.
    Adjusted {
        /// In place of `tolerance` and `history_tolerance`.
        tolerance: Option<f64>,
        /// In place of `floor`.
        floor: Option<Duration>,
    },
}

/// A wanted slow-down.
#[derive(Clone, Debug, PartialEq)]
pub struct Acceptance {
    /// Whom it is for.
    pub subject: Subject,
    /// Which metric.
    pub metric: Metric,
    /// Takes the place of the tolerance: a fraction.
    pub up_to: f64,
    /// Last day on which it holds.
    pub until: jiff::civil::Date,
    /// Why.
    pub reason: String,
    /// Line of thresholds.yml, from 1.
    pub line: u32,
}

/// What a missing baseline does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingBaseline {
    /// It is said, and the limits alone decide.
    #[default]
    Warn,
    /// The run is invalid.
    Fail,
}

/// When a run stops early.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Abort {
    /// Error rate over the measured and unmeasured phases so far.
    pub error_rate: Share,
    /// Not before this much of the load has passed.
    pub after: Duration,
}
