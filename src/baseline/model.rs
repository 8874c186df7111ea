//! The baseline: a ring of accepted jobs, each boiled down to a few numbers per request name.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reported::ReportedRow;
use super::stored::StoredJob;
use crate::measurement::{FailureKind, LatencyHistogram, Totals};
use crate::metric::{Metric, StartFilter};
use crate::record::{
    Breakdown, CostRecord, DropCount, Environment, ReferenceRecord, ScenarioIdentity,
};

/// The newest version of the format. Version 1 wrote an object for each request name, which is still read.
pub const SCHEMA: u32 = 2;

/// Jobs kept per environment class; the oldest leaves.
pub const RING: usize = 20;

/// Digits of a stored value: one more than the histograms that it is read from have.
pub(super) const VALUE_DIGITS: usize = 4;

/// Accepted jobs of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Baseline {
    /// Version of this format.
    pub schema: u32,
    /// The scenario that all jobs ran.
    pub scenario: ScenarioIdentity,
    /// The release job that drift is measured from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Job>,
    /// Accepted jobs, newest last.
    pub jobs: Vec<Job>,
    /// Whether a run that is told of was taken out, so that the newest job left was not the newest when it was
    /// recorded.
    #[serde(skip)]
    pub is_cut: bool,
}

/// One accepted job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "StoredJob", into = "StoredJob")]
pub struct Job {
    /// The run's unique name.
    pub id: String,
    /// Commit that was measured, where known.
    pub commit: Option<String>,
    /// Start of the run.
    pub started: Timestamp,
    /// Version of the rules by which its requests counted as failures: see [`COUNTING`](crate::record::COUNTING).
    pub counting: u32,
    /// Whether somebody accepted it although it was judged worse.
    pub accepted_worse: bool,
    /// Whether its requests per second are responses that came; older jobs hold what was due.
    pub counts_responses: bool,
    /// Whether the target was on the generator's own machine.
    pub loopback: bool,
    /// What jobs must share.
    pub labels: BTreeMap<String, String>,
    /// The machine that sent the load.
    pub environment: Environment,
    /// The numbers.
    pub cells: Vec<RequestSummary>,
    /// What its run told of each name and phase, of the newest job alone of those that are alike.
    pub reported_rows: Vec<ReportedRow>,
    /// Slices or pairs in which the generator was late: its latencies are kept without them.
    pub late: DropCount,
    /// What was measured beside the target and never changes.
    pub reference: Option<ReferenceRecord>,
    /// What its load cost on AWS, if that is known.
    pub cost: Option<CostRecord>,
}

/// The phases that a summary covers.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Scope")]
pub enum PhaseScope {
    /// All steady phases: each weighs the same.
    Steady,
    /// One ramp or repeated phase; the units are its passes.
    Phase(String),
}

/// One request name, or all of them, in one scope of one job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CellSummary")]
pub struct RequestSummary {
    /// The phases.
    pub scope: PhaseScope,
    /// The request name; none for all requests together.
    pub request: Option<String>,
    /// Requests.
    pub n: u64,
    /// Failed requests.
    pub errors: u64,
    /// Successes that a cold start delayed, if the target marks them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold: Option<u64>,
    /// By metric: the value (seconds, or per second) and the spread within the job (the standard deviation over slices
    /// of the natural logarithm). The value is the mean over phases of the median over that phase's slices, of the
    /// logarithm. A metric whose slices hold too few requests is left out, and shares are counted above. Without a cold
    /// start those of warm answers are those of all. A stored job has spreads of all requests together alone.
    pub metrics: BTreeMap<Metric, (f64, f64)>,
    /// Failures by kind, only of all requests together.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<FailureKind, u64>,
    /// Latencies at two significant digits, of the newest job only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latencies: Option<LatencyHistogram>,
    /// Latency parts, of the newest job only; they explain a later change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breakdown: Option<Breakdown>,
}

impl RequestSummary {
    /// The value of a metric that has a level.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        let metric = match (metric.starts(), self.cold) {
            (StartFilter::Warm, Some(0)) => metric.of_all(),
            (StartFilter::All | StartFilter::Cold | StartFilter::Warm, _) => metric,
        };
        self.metrics.get(&metric).map(|(value, _)| *value)
    }

    /// What a share counts, and of how many: failures of all requests, cold starts of all that succeeded.
    pub fn share(&self, metric: Metric) -> (u64, u64) {
        if metric == Metric::ColdShare {
            let cold = self.cold.unwrap_or_default();
            (cold, self.n.saturating_sub(self.errors))
        } else {
            (self.errors, self.n)
        }
    }
}

impl Job {
    /// All requests with their failures by kind; none where the job does not tell kinds.
    pub fn totals(&self) -> Option<Totals> {
        let mut totals = Totals::default();
        for cell in self.cells.iter().filter(|cell| cell.request.is_none()) {
            if cell.errors > 0 && cell.kinds.is_empty() {
                return None;
            }
            totals.add(cell.n, &cell.kinds);
        }
        Some(totals)
    }

    /// The reported figures of a request name (none for all together) in a phase (none for all measured ones together).
    pub fn reported(&self, phase: Option<&str>, request: Option<&str>) -> Option<&ReportedRow> {
        self.reported_rows
            .iter()
            .find(|row| row.phase.as_deref() == phase && row.request.as_deref() == request)
    }

    /// The numbers of a request name (none for all together) in a scope.
    pub fn cell(&self, scope: &PhaseScope, request: Option<&str>) -> Option<&RequestSummary> {
        self.cells
            .iter()
            .find(|cell| cell.scope == *scope && cell.request.as_deref() == request)
    }

    /// The same job without its histograms and breakdowns: what a ring keeps of all but its newest.
    #[must_use]
    pub fn without_histograms(mut self) -> Self {
        for cell in &mut self.cells {
            cell.latencies = None;
            cell.breakdown = None;
        }
        self
    }
}
