//! The record of one run, as `result.json` holds it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AwsRecord, PhaseRecord, SliceRecord};
use crate::measurement::{
    Arm, FailureKind, Interleaving, Parts, Scheduling, SentRequest, SentTrace, UnreachableCause,
};
use crate::metric::Metric;

/// The newest version of the format, and the only one so far.
pub const SCHEMA: u32 = 1;

/// Which requests count as failures, as a version of the rules, so that a comparison can say when its sides differ.
///
/// 0 (not stored): a request that died on a reused connection and was sent again counted as a success, and so did a
/// redirect out of the target. 1: both are failures.
pub const COUNTING: u32 = 1;

/// One run: its requests, its target, its results and the health of the generator.
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
    /// Why the base that the thresholds name was not loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_missing: Option<String>,
    /// What was measured beside the target and never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ReferenceRecord>,
    /// Why the reference that the thresholds name was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_missing: Option<String>,
    /// How the two shared the run, in a duet.
    #[serde(default, rename = "turns", skip_serializing_if = "Option::is_none")]
    pub duet: Option<DuetSettings>,
    /// When and how the run went.
    pub run: RunInfo,
    /// Labels that a baseline's jobs must share, from `--label`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The machine that sent the load.
    pub environment: Environment,
    /// How well the generator did.
    pub health: Health,
    /// The header that marks a cold start, if the scenario names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold_start: Option<String>,
    /// The AWS services behind the target, if the scenario names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsRecord>,
    /// Request names; `request` elsewhere is an index into it.
    pub requests: Vec<String>,
    /// Phases; `phase` elsewhere is an index into it.
    pub phases: Vec<PhaseRecord>,
    /// Slices in the order of their start.
    pub slices: Vec<SliceRecord>,
    /// Names that were not sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsent: Vec<UnsentRecord>,
    /// Latency parts by phase, arm and request.
    #[serde(default)]
    pub parts: Vec<PartsRecord>,
    /// Second by second.
    #[serde(default)]
    pub timeline: Vec<SecondRecord>,
    /// Requests one by one, if the scenario names AWS services; kept in a file beside this one.
    #[serde(skip)]
    #[schemars(skip)]
    pub sent: Vec<SentRequest>,
    /// Those of them that were traced; kept in the same file.
    #[serde(skip)]
    #[schemars(skip)]
    pub traces: Vec<SentTrace>,
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
    /// Whether it runs on the generator's machine, which then decides its speed.
    pub loopback: bool,
    /// The commit of a base, where it is known; that of the target is the run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Whether the thresholds say where it is, so that no argument has to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_thresholds: bool,
    /// The proxy that was used, as host and port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// The variable of the environment that named the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_variable: Option<String>,
    /// Whether the proxy forwarded each request and may have responded itself; otherwise it opened a tunnel.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proxy_forwards: bool,
}

/// A service that never changes, measured beside the target: how fast it is shows how fast the runner is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceRecord {
    /// The address of the service, the command that served it, or `built-in`. Only equal ones are compared.
    pub service: String,
    /// The median latency of a built-in one, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built_in_s: Option<f64>,
    /// Planned requests per second.
    pub rate: f64,
    /// Requests in the time of the load.
    pub requests: u64,
    /// Those that failed.
    pub failures: u64,
    /// Latency percentiles in seconds: the median over slices. Those with too few requests are left out.
    pub latencies: BTreeMap<Metric, f64>,
}

impl ReferenceRecord {
    /// Whether both measured the same service in the same way.
    pub fn is_like(&self, other: &Self) -> bool {
        let way = |of: &Self| {
            (
                of.built_in_s.unwrap_or_default().to_bits(),
                of.rate.to_bits(),
            )
        };
        self.service == other.service && way(self) == way(other)
    }
}

/// How many times a duet that may end early is looked at.
pub const LOOKS: u32 = 3;

/// How the two deployments of a duet shared the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DuetSettings {
    /// Whether they took turns or were loaded at once.
    #[serde(default, skip_serializing_if = "Interleaving::is_turns")]
    pub interleaving: Interleaving,
    /// Planned pairs of slices of each steady phase.
    pub pairs: u32,
    /// Length of a slice, in seconds; of a mixed duet, half the length of a pair.
    pub slice_s: f64,
    /// The least time between two slices, in seconds.
    pub guard_s: f64,
    /// Planned number of interim analyses, which share the false alarm rate.
    pub looks: u32,
    /// The interim analysis that ended the load, 1 being the first; absent where the rate is shared evenly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<u32>,
    /// Pairs between restarts of the servers; absent without restarts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_every: Option<u32>,
}

/// When and how the run went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Run")]
pub struct RunInfo {
    /// Unique name of the run: that of the CI run, or one made from the start time.
    pub id: String,
    /// Attempt number of the CI run, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Commit under test, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Address of the CI run, if there is one.
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
    /// Whether the commit is from a pull or merge request.
    #[serde(default, rename = "proposed")]
    pub from_pull_request: bool,
    /// Further arguments to run the same again; secrets in them are hidden.
    #[serde(default, rename = "given", skip_serializing_if = "Vec::is_empty")]
    pub extra_args: Vec<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Every phase ran.
    Completed,
    /// A signal ended it early: partial, not judged.
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
    /// The load had cost all of `aws.budget`: partial, not judged.
    BudgetSpent {
        /// An upper bound of what it had cost, in dollars.
        usd: f64,
    },
    /// A deployment did not respond to the first, unrecorded user, or did not restart.
    Unreachable {
        /// Which one.
        #[serde(default)]
        arm: Arm,
        /// Cause, if known.
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
    /// Kernel release, if known.
    #[serde(default)]
    pub kernel: String,
    /// CPU model, if known.
    #[serde(default)]
    pub cpu: String,
    /// Cores that the process may use.
    pub cores: u32,
    /// Memory in MB, if known.
    #[serde(default)]
    pub memory_mb: u64,
    /// The CI runner, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner: Option<String>,
    /// Scheduling of the threads that sent the load, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling: Option<Scheduling>,
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
    /// Share of CPU time that the host took (steal), 0 to 1; absent if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steal_share: Option<f64>,
    /// Requests sent over requests planned, in the open model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub achieved: Option<f64>,
    /// Files and sockets that the process may hold open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
    /// Largest valid `late` of a slice, in seconds; 5 ms or a fifth of the median by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_late_s: Option<f64>,
}

/// A request name that was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnsentRecord {
    /// Index of the request name.
    pub request: usize,
    /// Expected number of its requests, from the weights and the requests of other tasks.
    pub expected: f64,
}

/// Latency parts of one request name in one phase and arm.
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
    /// Responses and failures.
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
    /// Whether the scenario says how cold starts are found: by a header, or by the log of a function.
    pub fn marks_cold_starts(&self) -> bool {
        let functions = self.aws.as_ref().map(|aws| aws.services.functions.len());
        self.cold_start.is_some() || functions.is_some_and(|count| count > 0)
    }

    /// Whether both deployments of a duet were loaded at once.
    pub fn is_mixed(&self) -> bool {
        let duet = self.duet.as_ref();
        duet.is_some_and(|duet| duet.interleaving == Interleaving::Mixed)
    }

    /// Seconds of load that a duet left out, since its result was clear before; none if it left out nothing.
    pub fn saved_s(&self) -> Option<f64> {
        let duet = self.duet.as_ref()?;
        let look = duet.look.filter(|look| *look < duet.looks)?;
        let pairs = f64::from(duet.pairs) * f64::from(duet.looks - look) / f64::from(duet.looks);
        let steady = self.phases.iter().filter(|phase| phase.steady).count();
        let is_whole = matches!(self.run.ended, Ended::Completed);
        is_whole.then_some(2.0 * duet.slice_s * pairs.ceil() * steady as f64)
    }

    /// Whether the run was cut short, so that nothing may be judged by it.
    pub fn is_partial(&self) -> bool {
        self.signal().is_some()
    }

    /// The signal that cut the run short, if one did.
    pub fn signal(&self) -> Option<i32> {
        match self.run.ended {
            Ended::Interrupted { signal } => Some(signal),
            Ended::Completed
            | Ended::Aborted { .. }
            | Ended::BudgetSpent { .. }
            | Ended::Unreachable { .. } => None,
        }
    }
}
