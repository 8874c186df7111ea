//! The keys of thresholds.yml. Each key stands here once: its doc comment is its description in the JSON Schema.

use std::time::Duration;

use jiff::civil::Date;
use serde_json::json;

use super::metrics::{ColdMetrics, MetricLimits, Metrics, OverallMetrics};
use super::misplaced;
use super::model::{FailureSet, Instances, MissingBaseline, Mode, Precision, RequestRule};
use super::values::{
    AbortRate, BuiltIn, Change, Gate, Invocations, LimitRate, LimitShare, Milliseconds, MustDetect,
    OrOff, PositiveChange,
};
use crate::metric::Metric;
use crate::units::Dollars;
use crate::yaml::{Line, Located, Map, Set, source};

source! {
    /// What is promised: thresholds.yml of a gate.
    /// `loadgate validate` also checks that names are those of the scenario.
    #[misplaced(misplaced::IN_FILE)]
    struct File<'d> {
        /// observe: report everything, and fail nothing
        mode: Option<Mode>,
        /// Absolute limits, which need no baseline
        limits: Option<Limits<'d>>,
        /// Checks against the baseline, or against the base of a duet
        regression: Option<Located<'d, Regression<'d>>>,
        /// When a run is stopped early
        abort: Option<Abort>,
    }

    /// Absolute limits
    struct Limits<'d> {
        ..sections: Sections<'d>,
        /// Limits of all requests together
        overall: Option<Overall<'d>>,
        /// Limits that only warn
        warn: Option<Warnings<'d>>,
        /// Limits of what AWS says of the functions; the scenario must name them in `aws`
        aws: Option<Located<'d, AwsLimits<'d>>>,
    }

    /// Limits of what AWS says of the functions
    struct AwsLimits<'d> {
        /// The most throttled invocations
        throttles: Option<Located<'d, Invocations>>,
        /// The most invocations that end in an error
        errors: Option<Located<'d, Invocations>>,
        /// The most invocations for which provisioned concurrency does not suffice
        spillover: Option<Located<'d, Invocations>>,
        /// The largest share of its memory that a function uses
        memory_used: Option<Located<'d, LimitShare>>,
        /// The highest 95th percentile of billed milliseconds
        billed_ms_p95: Option<Located<'d, Milliseconds>>,
        /// The highest cost of a million requests, such as $4
        cost_per_million: Option<Located<'d, Dollars>>,
    }

    /// Limits that only warn
    struct Warnings<'d> {
        ..sections: Sections<'d>,
        /// Limits of all requests together
        overall: Option<OverallWarnings<'d>>,
    }

    struct Sections<'d> {
        /// Limits by request name
        requests: Map<'d, Request<'d>>,
        /// Limits by phase
        phases: Map<'d, Phase<'d>>,
        /// The largest share of requests by status, class such as 5xx, or kind of failure
        errors: Errors<'d>,
        /// Limits of cold starts
        cold: Option<Cold<'d>>,
    }

    struct Overall<'d> {
        ..metrics: MetricLimits<'d, OverallMetrics>,
        /// The largest share of a phase in which no request succeeds although one is in flight; 10% by default, off removes it
        unavailable: Option<Located<'d, OrOff<LimitShare>>>,
    }

    struct OverallWarnings<'d> {
        ..metrics: MetricLimits<'d, Metrics>,
    }

    struct Request<'d> {
        ..limits: Phase<'d>,
        /// Limits by phase
        phases: Map<'d, Phase<'d>>,
    }

    struct Phase<'d> {
        ..metrics: MetricLimits<'d, Metrics>,
        /// The largest share of requests by status, class such as 5xx, or kind of failure
        errors: Errors<'d>,
        /// Limits of cold starts
        cold: Option<Cold<'d>>,
    }

    struct Cold<'d> {
        ..metrics: MetricLimits<'d, ColdMetrics>,
    }

    /// Checks for regressions
    #[misplaced(misplaced::IN_REGRESSION)]
    struct Regression<'d> {
        /// Metrics that may fail a build; all others are reported
        gate: Option<Gate<'d>>,
        /// high: a tolerance of 1 %, and more pairs
        precision: Option<Precision>,
        /// many: several processes respond per deployment, so a duet needs no allowance for the luck of one start
        instances: Option<Instances>,
        /// Smaller changes in a duet are ignored
        tolerance: Option<Change>,
        /// Smaller changes against a history are ignored
        history_tolerance: Option<Change>,
        /// Smaller changes against the anchor are ignored
        drift_tolerance: Option<Change>,
        /// Smaller differences in latency are ignored
        floor: Option<Duration>,
        /// A check passes when the upper bound of the change is below this
        must_detect: Option<Located<'d, MustDetect>>,
        /// Exceptions by request name
        requests: Map<'d, RequestRule>,
        /// Accepted slow-downs
        accepted: Option<Vec<Located<'d, Acceptance<'d>>>>,
        /// The outcome of a run without a baseline
        missing_baseline: Option<MissingBaseline>,
        /// Ramps and repeated phases that are checked as well
        phases: Option<Set<'d, Line>>,
        /// Where the base version is, which a run then loads beside the target
        base: Option<Located<'d, Base>>,
        /// A service that never changes, which each job measures beside the target
        reference: Option<Located<'d, ReferenceService>>,
    }

    /// A service that never changes: how fast it is shows how fast the runner is
    struct ReferenceService {
        /// The built-in server: its median latency, or `auto` for the target's own
        built_in: Option<BuiltIn>,
        /// Address that gets a GET request each time
        url: Option<Line>,
        /// Command that serves it on `127.0.0.1:$LOADGATE_PORT`
        serve: Option<Line>,
        /// Path that it gets requests of, and that responds below 400 once it is ready
        ready: Option<Line>,
        /// Requests per second; 50 by default
        rate: Option<LimitRate>,
    }

    /// Where the base version is: an address, or what serves a checkout of it
    struct Base {
        /// Address of the base; `$LOADGATE_BASE_COMMIT` stands for the newest commit of the baseline
        url: Option<Line>,
        /// Command that serves a checkout on `127.0.0.1:$LOADGATE_PORT`
        serve: Option<Line>,
        /// Command that builds a checkout before it is served
        build: Option<Line>,
        /// Path that responds below 400 once a server is ready
        ready: Option<Line>,
        /// Git revision to check out; the newest commit of the baseline by default
        revision: Option<Line>,
    }

    struct MustDetectByMode {
        /// In a duet
        duet: Option<PositiveChange>,
        /// Against a history
        history: Option<PositiveChange>,
    }

    #[rules(json!({ "minProperties": 1 }))]
    struct AdjustedRule {
        /// Replaces `tolerance` and `history_tolerance`
        tolerance: Option<Change>,
        /// Replaces `floor`
        floor: Option<Duration>,
    }

    /// An accepted slow-down
    struct Acceptance<'d> {
        /// A request name, or overall
        request: Located<'d, Line>,
        /// The metric that may be slower
        metric: Located<'d, Metric>,
        /// The largest change that is accepted
        up_to: PositiveChange,
        /// The last day of the acceptance
        until: Date,
        /// Why the change is accepted
        reason: Line,
    }

    struct Abort {
        /// The run stops above this share of failed requests
        error_rate: AbortRate,
        /// The run does not stop before this much of the load has passed
        after: Option<Duration>,
    }
}

/// The largest shares by kind of failure.
pub(super) type Errors<'d> = Map<'d, LimitShare, FailureSet>;
