//! The thresholds as the verdict uses them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::measurement::FailureKind;
use crate::metric::Metric;
use crate::units::Share;

/// The limits, and how changes are tested.
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds {
    /// Whether a broken limit fails the build.
    pub mode: Mode,
    /// Absolute limits in the order of the file, with those that only warn.
    pub limits: Vec<Limit>,
    /// How long the target may be unavailable; none if that is not checked.
    pub availability: Option<Availability>,
    /// Limits of what AWS says, in the order of the file.
    pub aws: Vec<AwsLimit>,
    /// How a change against the baseline or the base is judged.
    pub regression: Regression,
    /// When the run stops early.
    pub abort: Option<Abort>,
}

/// How long the target may be unavailable: no request succeeds although one is in flight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Availability {
    /// Share of each measured phase.
    pub share: Share,
    /// Line of thresholds.yml, from 1; none for a default.
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

/// Whether a broken limit fails the build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Judge, report, and exit accordingly.
    #[default]
    Enforce,
    /// Judge and report, but exit with 0: for the first two weeks.
    Observe,
}

/// The requests that a limit or a check is about.
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

/// An absolute limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// The requests that it is about.
    pub subject: Subject,
    /// The phase; none for all measured phases.
    pub phase: Option<String>,
    /// The bound.
    pub bound: Bound,
    /// Whether breaking it fails.
    pub severity: Severity,
    /// Line of thresholds.yml, from 1; none for a default.
    pub line: Option<u32>,
}

/// A bound of a metric.
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
    /// At most this share of the successful responses is delayed by a cold start.
    ColdShare(Share),
    /// At most this share of requests fails in this way.
    Failures(FailureSet, Share),
    /// At least this many requests per second.
    RequestsPerSecond(f64),
}

impl Bound {
    /// The metric that is bounded; none for a kind of failure.
    pub fn metric(self) -> Option<Metric> {
        match self {
            Self::Latency { metric, .. } => Some(metric),
            Self::ErrorRate(_) => Some(Metric::ErrorRate),
            Self::ColdShare(_) => Some(Metric::ColdShare),
            Self::Failures(..) => None,
            Self::RequestsPerSecond(_) => Some(Metric::RequestsPerSecond),
        }
    }

    /// The bound as written: seconds, a share, or per second.
    pub fn value(self) -> f64 {
        match self {
            Self::Latency { at_most, .. } => at_most.as_secs_f64(),
            Self::ErrorRate(share) | Self::ColdShare(share) | Self::Failures(_, share) => {
                share.fraction()
            }
            Self::RequestsPerSecond(rate) => rate,
        }
    }
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
            (Self::Kind(one), other) => one == other,
        }
    }
}

/// Whether breaking a limit fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It fails.
    Fail,
    /// It is reported and does not fail the build.
    Warn,
}

/// How a change is judged. Fractions, such as 0.05 for 5 %.
#[derive(Clone, Debug, PartialEq)]
pub struct Regression {
    /// Metrics that may fail a build; every other one is reported.
    pub gate: Vec<Metric>,
    /// How small a change a duet can detect.
    pub precision: Precision,
    /// How many processes respond per deployment.
    pub instances: Instances,
    /// Changes up to this fraction are ignored in a duet.
    pub tolerance: f64,
    /// The same against a history.
    pub history_tolerance: f64,
    /// The same against the anchor, from which many small changes may add up.
    pub drift_tolerance: f64,
    /// Changes in latency below this are ignored.
    pub floor: Duration,
    /// A check passes when the upper bound of its change is below this fraction, in a duet.
    pub must_detect: f64,
    /// The same against a history.
    pub history_must_detect: f64,
    /// Phases gated beside the steady ones, one unit per pass.
    pub phases: Vec<String>,
    /// Exceptions for request names.
    pub requests: BTreeMap<String, RequestRule>,
    /// Accepted slow-downs.
    pub accepted: Vec<Acceptance>,
    /// The outcome if the baseline is missing or of another scenario.
    pub missing_baseline: MissingBaseline,
    /// Where the base version is that a run loads beside the target.
    pub base: Option<BaseSource>,
    /// What each job measures beside the target, so that a history can tell a slow runner from a slow target.
    pub reference: Option<ReferenceService>,
    /// Line of the `regression` section in thresholds.yml, from 1.
    pub line: Option<u32>,
}

impl Default for Regression {
    fn default() -> Self {
        Self {
            gate: vec![Metric::P95, Metric::P99, Metric::ErrorRate],
            precision: Precision::Usual,
            instances: Instances::One,
            tolerance: Precision::Usual.tolerance(),
            history_tolerance: 0.03,
            drift_tolerance: 0.10,
            floor: Duration::from_millis(1),
            must_detect: 0.20,
            history_must_detect: 0.30,
            phases: Vec::new(),
            requests: BTreeMap::new(),
            accepted: Vec::new(),
            missing_baseline: MissingBaseline::Warn,
            base: None,
            reference: None,
            line: None,
        }
    }
}

/// How small a change a duet can detect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Fifteen pairs, fewer if the result is clear before, and a tolerance of 3 %.
    #[default]
    Usual,
    /// Twenty-four pairs and a tolerance of 1 %, for changes of 10 %.
    High,
}

impl Precision {
    /// The default tolerance.
    pub fn tolerance(self) -> f64 {
        match self {
            Self::Usual => 0.03,
            Self::High => 0.01,
        }
    }

    /// The allowance in the standard error of a duet for what two starts of one process differ by, as a log-ratio.
    ///
    /// The tolerance covers a part of it, so a smaller tolerance needs a larger allowance for the same false alarm rate.
    pub fn process_allowance(self) -> f64 {
        match self {
            Self::Usual => 0.01,
            Self::High => 0.02,
        }
    }
}

/// How many processes respond per deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Instances {
    /// One process, or so few that the luck of a start shows in the latency.
    #[default]
    One,
    /// Many, such as the environments of a Lambda function or several pods: the luck of a start averages out.
    Many,
}

/// An exception for a request name.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestRule {
    /// Reported, but never fails the build.
    Off,
    /// Other numbers.
    Adjusted {
        /// Replaces `tolerance` and `history_tolerance`.
        tolerance: Option<f64>,
        /// Replaces `floor`.
        floor: Option<Duration>,
    },
}

/// An accepted slow-down.
#[derive(Clone, Debug, PartialEq)]
pub struct Acceptance {
    /// The requests that it is about.
    pub subject: Subject,
    /// The metric.
    pub metric: Metric,
    /// Replaces the tolerance: a fraction.
    pub up_to: f64,
    /// The last day of the acceptance.
    pub until: jiff::civil::Date,
    /// The reason.
    pub reason: String,
    /// Line of thresholds.yml, from 1.
    pub line: u32,
}

/// The outcome without a baseline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingBaseline {
    /// A warning; only the limits decide.
    #[default]
    Warn,
    /// The run is invalid.
    Fail,
}

/// Where the base version is that a run loads beside the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseSource {
    /// At an address, in which [`COMMIT_VARIABLE`] stands for the newest commit of the baseline.
    Url(String),
    /// In a checkout, from which a command serves it.
    Checkout(Checkout),
}

/// What `url` names the newest commit of the baseline by, and commands get it in.
pub const COMMIT_VARIABLE: &str = "LOADGATE_BASE_COMMIT";

/// A version of the service that a command serves from a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// What a shell runs to serve it on `127.0.0.1:$LOADGATE_PORT`.
    pub serve: String,
    /// What a shell runs before.
    pub build: Option<String>,
    /// The path that responds below 400 once it is ready.
    pub ready: Option<String>,
    /// A Git revision; none for the newest commit of the baseline.
    pub revision: Option<String>,
    /// Line of `base` in thresholds.yml, from 1.
    pub line: u32,
}

/// A service that never changes and that each job measures beside the target.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceService {
    /// Where it is.
    pub source: ReferenceSource,
    /// Requests per second.
    pub rate: f64,
    /// Line of `reference` in thresholds.yml, from 1.
    pub line: u32,
}

/// Where a reference service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceSource {
    /// In loadgate itself, with this median latency; none for that of the target.
    BuiltIn(Option<Duration>),
    /// At an address.
    Url(String),
    /// Served by a command.
    Command {
        /// What a shell runs to serve it on `127.0.0.1:$LOADGATE_PORT`.
        serve: String,
        /// The path of its requests, which responds below 400 once it is ready.
        ready: Option<String>,
    },
}

/// A figure of AWS, summed or the largest over all functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AwsMetric {
    /// Invocations refused for want of concurrency.
    Throttles,
    /// Invocations that ended in an error.
    Errors,
    /// Invocations for which provisioned concurrency did not suffice.
    Spillover,
    /// The most memory used, as a share of the memory size.
    MemoryUsed,
    /// 95th percentile of the billed time of one invocation, in seconds.
    BilledP95,
    /// Dollars for a million requests, at list prices.
    CostPerMillion,
}

/// The most that a figure of AWS may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AwsLimit {
    /// The figure.
    pub metric: AwsMetric,
    /// At most.
    pub at_most: f64,
    /// Line of thresholds.yml, from 1.
    pub line: u32,
}

/// When a run stops early.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Abort {
    /// Error rate of all phases so far, measured or not.
    pub error_rate: Share,
    /// Not before this much of the load has passed.
    pub after: Duration,
}
