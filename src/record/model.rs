//! The record of one run, as `result.json` holds it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measurement::{
    Arm, FailureKind, LatencyHistogram, Parts, RequestStats, Totals, UnreachableCause,
};
use crate::metric::Metric;
use crate::units::six_digits;

/// The newest version of the format, and the only one so far.
pub const SCHEMA: u32 = 1;

/// Which requests count as failures, as a version of the rules, so that a comparison can say when its sides differ.
///
/// 0 (not stored): a request that died on a reused connection and was sent again counted as a success, and so did a redirect
/// out of the target. 1: both are failures.
pub const COUNTING: u32 = 1;

/// One run: what was sent, where, by whom, what came back, and how well the generator did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// Version of this format.
    pub schema: u32,
    /// Version of loadgate that measured.
    pub tool: String,
    /// Version of the rules by which requests count as failures.
    #[serde(default)]
    pub counting: u32,
    /// What was sent.
    pub scenario: ScenarioIdentity,
    /// The deployment under test.
    pub target: Deployment,
    /// The deployment it was compared with, in a duet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Deployment>,
    /// How the two took turns, in a duet.
    #[serde(default, rename = "turns", skip_serializing_if = "Option::is_none")]
    pub duet: Option<DuetSettings>,
    /// When and how the run went.
    pub run: RunInfo,
    /// What a baseline's jobs must share, from `--label`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The machine that sent the load.
    pub environment: Environment,
    /// How well the generator did.
    pub health: Health,
    /// The header by which the scenario knows a cold start, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold_start: Option<String>,
    /// Request names; `request` elsewhere is an index into it.
    pub requests: Vec<String>,
    /// Phases; `phase` elsewhere is an index into it.
    pub phases: Vec<PhaseRecord>,
    /// Slices in the order of their start.
    pub slices: Vec<SliceRecord>,
    /// Names that were not sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsent: Vec<UnsentRecord>,
    /// Where the time went, by phase, arm and request.
    #[serde(default)]
    pub parts: Vec<PartsRecord>,
    /// Second by second.
    #[serde(default)]
    pub timeline: Vec<SecondRecord>,
}

/// A scenario's identity: what was parsed, without target, secrets, comments and key order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioIdentity {
    /// Name of the gate.
    pub name: String,
    /// SHA-256 of `text`, in hex.
    pub sha256: String,
    /// Canonical text.
    pub text: String,
}

/// A deployment that was loaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deployment {
    /// Its URL without credentials, query and fragment.
    pub url: String,
    /// Whether it is on the generator's own machine, so that this machine decides its speed.
    pub loopback: bool,
    /// The proxy that led there, as host and port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// The variable of the environment that named the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_variable: Option<String>,
    /// Whether each request was sent to the proxy, which may then have responded itself; it opened a tunnel otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proxy_forwards: bool,
}

/// How the two deployments of a duet took turns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DuetSettings {
    /// Pairs of slices of each steady phase, before a second look.
    pub pairs: u32,
    /// Length of a slice, in seconds.
    pub slice_s: f64,
    /// The least time between two slices, in seconds.
    pub guard_s: f64,
    /// How many looks were planned: the false alarm rate is shared out among them.
    pub looks: u32,
    /// Pairs after which the servers were started anew; none where they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_every: Option<u32>,
}

/// When and how the run went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Run")]
pub struct RunInfo {
    /// Unique name of the run: that of the CI run, or one made from the start time.
    pub id: String,
    /// Which attempt of the CI run, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Commit under test, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Address of the CI run, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Start of the load.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started: Timestamp,
    /// Length of the load in seconds, the drain included.
    pub duration_s: f64,
    /// Seed of every random draw.
    pub seed: u64,
    /// How the run ended.
    pub ended: Ended,
    /// Whether certificates went unchecked (`--insecure`).
    #[serde(default)]
    pub insecure: bool,
    /// Whether the commit is only proposed, in a pull or merge request.
    #[serde(default, rename = "proposed")]
    pub from_pull_request: bool,
    /// Further arguments that it takes to run the same again; what may be secret in them is hidden.
    #[serde(default, rename = "given", skip_serializing_if = "Vec::is_empty")]
    pub extra_args: Vec<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Every phase ran.
    Completed,
    /// A signal cut it short: partial, not judged.
    Interrupted {
        /// Number of the signal.
        signal: i32,
    },
    /// `abort.error_rate` stopped it.
    Aborted {
        /// Failed requests by then.
        failures: u64,
        /// Requests by then.
        requests: u64,
    },
    /// A deployment did not answer the first, unrecorded user, or did not come up again.
    Unreachable {
        /// Which one.
        #[serde(default)]
        arm: Arm,
        /// What stands behind it, as far as it is known.
        #[serde(default)]
        cause: UnreachableCause,
        /// What happened.
        why: String,
    },
}

/// The machine that sent the load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Architecture, such as `x86_64`.
    pub arch: String,
    /// Operating system, such as `linux`.
    pub os: String,
    /// Kernel release, where known.
    #[serde(default)]
    pub kernel: String,
    /// CPU model, where known.
    #[serde(default)]
    pub cpu: String,
    /// Cores that the process may use.
    pub cores: u32,
    /// Memory in MB, where known.
    #[serde(default)]
    pub memory_mb: u64,
    /// The CI runner, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner: Option<String>,
    /// Scheduling of the threads that sent the load, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling: Option<Scheduling>,
}

/// Which scheduling the threads that send load had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scheduling {
    /// That of any other program.
    Normal,
    /// Real-time: they ran before every ordinary program.
    RealTime,
    /// Real-time for a part of the run: they needed more CPU time than real-time scheduling may give them.
    PartlyRealTime,
}

/// How well the generator did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// P99 of its own delay over the measured phases, in seconds.
    pub late_p99_s: f64,
    /// CPU time over wall time and cores that it may use, 0 to 1.
    pub cpu_share: f64,
    /// CPU time of the busiest core's thread over the time that measured phases took, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core_share: Option<f64>,
    /// CPU time that the host took away over all CPU time, 0 to 1; none where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steal_share: Option<f64>,
    /// Requests sent over requests planned, in the open model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub achieved: Option<f64>,
    /// Files and sockets that the process may hold open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
    /// What a slice's `late` may be, in seconds; 5 ms or a fifth of the median if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_late_s: Option<f64>,
}

/// A phase, its repeats pooled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseRecord {
    /// Name.
    pub name: String,
    /// The load in words of the scenario, such as `20 users` or `50/s..500/s`.
    pub load: String,
    /// Planned length of one pass, in seconds.
    pub duration_s: f64,
    /// Passes.
    pub passes: u32,
    /// Whether limits and regression look at it.
    pub measured: bool,
    /// Whether it is constant, nonzero, measured and not repeated: what regression compares.
    pub steady: bool,
    /// Whether nothing is sent in it.
    #[serde(default)]
    pub idle: bool,
    /// How its load is given.
    #[serde(default)]
    pub model: LoadModel,
    /// The most users, or arrivals per second.
    #[serde(default, rename = "most")]
    pub peak_load: f64,
}

impl PhaseRecord {
    /// Whether it is measured and not idle by its plan, so that there is something to tell of it.
    pub fn is_measured_load(&self) -> bool {
        self.measured && !self.idle
    }
}

/// How a load is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoadModel {
    /// By users, each of which waits for its answer.
    #[default]
    Users,
    /// By arrivals, whose number no answer delays.
    Arrivals,
}

/// One slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SliceRecord {
    /// Index of the phase.
    pub phase: usize,
    /// Which pass of a repeated phase, from 0.
    #[serde(default)]
    pub pass: u32,
    /// The deployment loaded.
    #[serde(default)]
    pub arm: Arm,
    /// In a duet, the pair that the slice belongs to, counted over the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<u32>,
    /// Start in seconds from the start of the load.
    pub start_s: f64,
    /// Length in seconds of the window in which requests became due.
    pub length_s: f64,
    /// P99 of the generator's own delay, in seconds.
    pub late_p99_s: f64,
    /// The requests that became due in it; names without any, and without a response that came in it, are left out.
    pub cells: Vec<RequestRecord>,
    /// Stretches of it in which nobody was served though a request was in flight, from a second on. None in older results,
    /// which do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silences: Option<Vec<SilenceRecord>>,
}

/// A request name that was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnsentRecord {
    /// Index of the request name.
    pub request: usize,
    /// How many requests of it were to be expected, from the weights and the requests of other tasks.
    pub expected: f64,
}

/// A stretch of a slice in which nobody was served though a request was in flight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SilenceRecord {
    /// The user class; none for users of every class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Index of the request name; none for all requests together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<usize>,
    /// When it begins, in seconds from the start of the slice.
    pub from_s: f64,
    /// When it ends; the slice's length if it goes on.
    pub to_s: f64,
    /// How long it went on after the slice, in seconds, while the load paused.
    #[serde(default)]
    pub after_s: f64,
    /// How long it lasts in all, in the slices before and after too.
    pub whole_s: f64,
}

/// The requests of one name in one slice. The figures beside the histograms are for readers of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestRecord {
    /// Index of the request name.
    pub request: usize,
    /// Requests.
    pub requests: u64,
    /// Failed requests.
    pub failures: u64,
    /// Latency quantiles in milliseconds, over successes, timeouts and unfinished requests.
    pub quantiles_ms: BTreeMap<Metric, f64>,
    /// The mean latency in milliseconds of requests that weigh as much as they last: what the request takes that is in flight
    /// at a random instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_weighted_ms: Option<f64>,
    /// The histograms and failures by kind, which everything is computed from.
    pub cell: RequestStats,
    /// Responses that came in the slice, whenever they were due. None in older results, which do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<u64>,
    /// When the first of them came, in seconds from the start of the slice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_s: Option<f64>,
}

impl RequestRecord {
    /// The record of one cell.
    pub fn new(request: usize, cell: RequestStats) -> Self {
        let latencies = cell.latencies();
        Self {
            request,
            requests: cell.requests(),
            failures: cell.failures(),
            quantiles_ms: quantiles_ms(&latencies),
            time_weighted_ms: latencies
                .time_weighted()
                .map(|seconds| six_digits(seconds * 1e3)),
            cell,
            completed: None,
            first_s: None,
        }
    }
}

impl RequestRecord {
    /// Requests that were due in the slice and sent.
    fn sent(&self) -> u64 {
        let errors = self.cell.errors.iter();
        let unsent = errors.filter(|(kind, _)| kind.is_unsent());
        let unsent: u64 = unsent.map(|(_, count)| count).sum();
        self.cell.requests().saturating_sub(unsent)
    }

    /// Requests that were due in the slice and got a response, whatever it says.
    fn answered(&self) -> u64 {
        let errors = self.cell.errors.iter();
        let without = errors.filter(|(kind, _)| !kind.is_response());
        let without: u64 = without.map(|(_, count)| count).sum();
        self.cell.requests().saturating_sub(without)
    }
}

/// All latency quantiles in milliseconds; empty where nothing was recorded.
pub fn quantiles_ms(latencies: &LatencyHistogram) -> BTreeMap<Metric, f64> {
    Metric::QUANTILES
        .into_iter()
        .filter_map(|metric| {
            let seconds = latencies.quantile(metric.quantile()?)?;
            Some((metric, six_digits(seconds * 1e3)))
        })
        .collect()
}

/// Where the time of one request name went, in one phase and arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PartsRecord {
    /// Index of the phase.
    pub phase: usize,
    /// The deployment loaded.
    #[serde(default)]
    pub arm: Arm,
    /// Index of the request name.
    pub request: usize,
    /// The parts.
    pub parts: Parts,
}

/// One second of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SecondRecord {
    /// Users present, the most in that second.
    pub users: u32,
    /// Answers and failures.
    pub requests: u64,
    /// Failures.
    pub errors: u64,
    /// Failures by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<FailureKind, u64>,
    /// Median latency in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// 95th percentile in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<f64>,
    /// 99th percentile in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
}

impl RunRecord {
    /// All requests of one name, or of all names where none, over the slices that `keep` picks.
    pub fn pooled(
        &self,
        request: Option<usize>,
        keep: impl Fn(&SliceRecord) -> bool,
    ) -> RequestStats {
        let kept = self.slices.iter().filter(|slice| keep(slice));
        let cells: Vec<&RequestStats> = kept.flat_map(|slice| slice.of_request(request)).collect();
        RequestStats::sum(&cells)
    }

    /// Failures by kind over the slices that `keep` picks, all names together.
    pub fn failures(&self, keep: impl Fn(&SliceRecord) -> bool) -> BTreeMap<FailureKind, u64> {
        let kept = self.slices.iter().filter(|slice| keep(slice));
        Totals::from_stats(kept.flat_map(|slice| slice.of_request(None))).failures
    }

    /// Failures of one name by kind over the measured phases of the deployment under test.
    pub fn failures_of(&self, request: usize) -> BTreeMap<FailureKind, u64> {
        let measured = self.slices.iter().filter(|slice| self.is_measured(slice));
        Totals::from_stats(measured.flat_map(|slice| slice.of_request(Some(request)))).failures
    }

    /// Whether a slice belongs to a measured phase of the deployment under test.
    pub fn is_measured(&self, slice: &SliceRecord) -> bool {
        slice.arm == Arm::Target && self.phases[slice.phase].measured
    }

    /// Whether it says when responses came; older results say only when requests were due.
    pub fn counts_responses(&self) -> bool {
        self.slices.iter().any(|slice| slice.silences.is_some())
    }

    /// Whether the run was cut short, so that nothing may be judged by it.
    pub fn is_partial(&self) -> bool {
        self.signal().is_some()
    }

    /// The signal that cut the run short, if one did.
    pub fn signal(&self) -> Option<i32> {
        match self.run.ended {
            Ended::Interrupted { signal } => Some(signal),
            Ended::Completed | Ended::Aborted { .. } | Ended::Unreachable { .. } => None,
        }
    }
}

/// Responses and the time that they took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Throughput {
    /// Responses.
    pub responses: u64,
    /// Seconds.
    pub seconds: f64,
}

impl Throughput {
    /// Responses per second; none if no time passed.
    pub fn per_second(self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.responses as f64 / self.seconds)
    }

    /// Adds responses and their time.
    pub fn add(&mut self, other: Self) {
        self.responses += other.responses;
        self.seconds += other.seconds;
    }
}

impl SliceRecord {
    /// The responses of one name, or of all names where none, that came in this slice, and the time that they took.
    ///
    /// The load of a slice that begins at rest gives no response before the first can be there. So the time of its
    /// responses begins with the first, which is then not counted. In a duet the load pauses after each slice until all is
    /// answered, and what came in that pause counts, unless it is most: then the target did not keep up. An older result
    /// counts the requests that it sent, when they were due.
    pub fn throughput(&self, request: Option<usize>) -> Throughput {
        let cells = self.cells.iter();
        let own = || {
            let cells = cells.clone();
            cells.filter(|cell| request.is_none_or(|index| index == cell.request))
        };
        let responses: u64 = own()
            .map(|cell| cell.completed.unwrap_or_else(|| cell.sent()))
            .sum();
        let first = own().filter_map(|cell| cell.first_s).reduce(f64::min);
        let is_paired = self.pair.is_some();
        if is_paired && own().all(|cell| cell.completed.is_some()) {
            let answered: u64 = own().map(RequestRecord::answered).sum();
            if 2 * responses >= answered {
                return Throughput {
                    responses: answered,
                    seconds: self.length_s,
                };
            }
        }
        let is_at_rest = is_paired || self.start_s <= 0.0;
        match first.filter(|first| is_at_rest && responses > 1 && *first < self.length_s) {
            Some(first) => Throughput {
                responses: responses - 1,
                seconds: self.length_s - first,
            },
            None => Throughput {
                responses,
                seconds: self.length_s,
            },
        }
    }

    /// The requests of one name in this slice, or of all names where none.
    pub fn cell(&self, request: Option<usize>) -> RequestStats {
        RequestStats::sum(&self.of_request(request).collect::<Vec<_>>())
    }

    /// What is held of one request name in this slice, or of every name where none.
    pub fn of_request(&self, request: Option<usize>) -> impl Iterator<Item = &RequestStats> {
        self.cells
            .iter()
            .filter(move |cell| request.is_none_or(|index| index == cell.request))
            .map(|cell| &cell.cell)
    }
}
