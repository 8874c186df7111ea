//! The verdict as data: every figure that a report tells, and no prose.

use crate::baseline::Mismatch;
use crate::measurement::{Arm, FailureKind, Part, Totals, UnreachableCause};
use crate::metric::Metric;
use crate::record::Scheduling;
use crate::thresholds::{FailureSet, Subject};

/// What a run, or a line of it, came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Good enough.
    Passed,
    /// A limit is broken or a metric regressed.
    Failed,
    /// The run could not tell.
    Inconclusive,
    /// The run could not be judged.
    Invalid,
}

/// The whole judgement of one gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Name of the gate.
    pub gate: String,
    /// What it came to.
    pub outcome: Outcome,
    /// Whether the thresholds say `mode: observe`, so that the outcome fails nothing.
    pub observed: bool,
    /// What regression was judged against.
    pub comparison: Comparison,
    /// Every line, limits first, in the order of the file, then cells: overall before names, gated before reported.
    pub checks: Vec<Check>,
    /// Why the run as a whole could not be judged; empty unless invalid.
    pub invalid: Vec<InvalidReason>,
    /// What a person should know and nothing depends on.
    pub warnings: Vec<Warning>,
    /// How noisy the run was; none where too little was measured.
    pub noise: Option<Noise>,
    /// Requests and failures over the measured phases of the deployment under test.
    pub totals: Totals,
}

/// What regression was judged against.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// The base arm of the same job.
    Duet {
        /// Pairs kept.
        pairs: u32,
        /// Pairs dropped, since the generator fell behind in them.
        dropped: u32,
    },
    /// Five or more matching jobs of the baseline.
    History {
        /// Matching jobs.
        jobs: u32,
        /// Candidate jobs judged as one.
        candidates: u32,
    },
    /// One to four matching jobs: provisional, only large changes are seen.
    Provisional {
        /// Matching jobs.
        jobs: u32,
        /// Candidate jobs judged as one.
        candidates: u32,
    },
    /// Nothing: the limits alone decide.
    None(NoComparison),
}

/// Why nothing was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoComparison {
    /// No job of the baseline may be compared with.
    Baseline(Mismatch),
    /// The run could not be judged at all.
    NotJudged,
}

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

/// What a change came from, as far as the record shows it; nothing is named that does not stand out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attribution {
    /// The part of the latency that makes up most of the growth.
    pub part: Option<PartGrowth>,
    /// More cold starts, while warm answers hardly changed.
    pub cold: Option<ColdGrowth>,
    /// The kind of failure that makes up most of the growth.
    pub kind: Option<KindGrowth>,
    /// Whether the change is everywhere or in one place.
    pub location: Option<ChangeLocation>,
}

/// One part of the latency, at the quantile of the metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PartGrowth {
    /// Which part.
    pub part: Part,
    /// Before, in seconds.
    pub before_s: f64,
    /// Now, in seconds.
    pub now_s: f64,
}

/// The share of answers that a cold start delayed, and the metric over warm answers alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColdGrowth {
    /// The share before.
    pub before: f64,
    /// The share now.
    pub now: f64,
    /// The metric over warm answers before, in seconds.
    pub warm_before_s: f64,
    /// The same now.
    pub warm_now_s: f64,
}

/// One kind of failure, as a share of all requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KindGrowth {
    /// Which kind.
    pub kind: FailureKind,
    /// Before; none against a baseline, which keeps no kinds.
    pub before: Option<f64>,
    /// Now.
    pub now: f64,
}

/// Where in a run a change shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeLocation {
    /// In so many units (pairs of a duet, else slices) it is beyond what is tolerated.
    Units {
        /// Units that are worse.
        worse: u32,
        /// Units in all.
        of: u32,
    },
    /// Most of the failures came in one unit.
    Burst {
        /// Failures in the worst unit.
        worst: u64,
        /// Failures in all.
        of: u64,
    },
}

impl PartGrowth {
    /// By how much it grew, in seconds.
    pub fn growth(self) -> f64 {
        self.now_s - self.before_s
    }
}

impl KindGrowth {
    /// By how much its share grew.
    pub fn growth(self) -> f64 {
        self.now - self.before.unwrap_or(0.0)
    }
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

/// Redirects of one request name that were not followed, and that its step does not ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct UnfollowedRedirects {
    /// The deployment that redirects.
    pub arm: Arm,
    /// The name.
    pub request: String,
    /// Responses that redirect.
    pub redirects: u64,
    /// All responses.
    pub responses: u64,
    /// The status that redirects most often.
    pub status: Option<u16>,
    /// Where the first of them led.
    pub address: Option<String>,
}

/// Why a run as a whole could not be judged.
#[derive(Clone, Debug, PartialEq)]
pub enum InvalidReason {
    /// A deployment did not answer.
    Unreachable {
        /// Which one.
        arm: Arm,
        /// What stands behind it.
        cause: UnreachableCause,
        /// What happened.
        why: String,
    },
    /// A signal cut the run short.
    Interrupted,
    /// No request was sent in a measured phase.
    NoRequests,
    /// The generator fell behind in too many slices.
    GeneratorLate {
        /// Slices (in a duet: pairs) dropped.
        dropped: u32,
        /// Slices (in a duet: pairs) in all.
        of: u32,
        /// P99 of its delay in the worst slice, in seconds.
        worst_s: f64,
        /// What a slice's P99 may be, in seconds.
        limit_s: f64,
    },
    /// A core of the generator had no time left: what it measured is its own delay.
    GeneratorBusy {
        /// CPU time of its busiest thread over wall time.
        share: f64,
        /// What that may be.
        limit: f64,
    },
    /// The generator started too few of the arrivals that were due.
    GeneratorShort {
        /// Arrivals started or queued in time over arrivals planned.
        achieved: f64,
        /// What that must be.
        limit: f64,
    },
    /// The generator's machine had no file or port left for some requests.
    NoSockets {
        /// How many.
        requests: u64,
    },
    /// All responses of some names were redirects that were not followed: what they lead to was not measured.
    Unfollowed(Vec<UnfollowedRedirects>),
    /// A limit got too few requests.
    TooFewForLimit {
        /// Index of the line.
        check: usize,
    },
    /// A metric that is gated overall got too few requests or slices.
    TooFewForRegression {
        /// Index of the line.
        check: usize,
    },
    /// `missing_baseline: fail`, and there is none to compare with.
    MissingBaseline,
    /// In a duet, the base arm never answered.
    BaseUnresponsive,
    /// In a duet, the base arm served nobody for much of the time.
    BaseUnavailable {
        /// How long, in seconds.
        seconds: f64,
        /// Of how long.
        of_s: f64,
    },
}

/// What a person should know and nothing depends on.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// Much faster than anything before: perhaps it no longer does its work.
    MuchFaster {
        /// Index of the line.
        check: usize,
    },
    /// Nobody was served for some time, though a request was in flight: too short to fail, or of the base arm.
    Silent {
        /// Which deployment.
        arm: Arm,
        /// Whose requests.
        subject: Subject,
        /// The user class alone whose requests they were.
        class: Option<String>,
        /// How long, in seconds.
        seconds: f64,
        /// Of how long.
        of_s: f64,
    },
    /// A request name of the scenario was not sent, and may not have had its turn.
    NeverSent {
        /// The name.
        request: String,
    },
    /// The service did not keep up with the arrivals of a phase: latency grew through all of it.
    Overloaded {
        /// The phase.
        phase: String,
        /// Arrivals per second.
        due: f64,
        /// Responses per second.
        served: f64,
        /// Median latency in the first third of the phase, in seconds.
        first_s: f64,
        /// The same in the last third.
        last_s: f64,
    },
    /// Names that are sent so rarely that their changes cannot be judged.
    RareRequests {
        /// The names.
        requests: Vec<String>,
    },
    /// Weighed by time, requests take longer than nearly all of them: a few long waits make up most of the time.
    LongWaits {
        /// What the request takes that is in flight at a random instant, on average, in seconds.
        by_time_s: f64,
        /// The 99th percentile of the latency, in seconds.
        p99_s: f64,
    },
    /// Requests per second are compared with jobs that counted what was due, not what came back.
    RateDefinitionDiffers,
    /// A request name of the baseline was not sent.
    MissingRequest {
        /// The name.
        request: String,
    },
    /// Most responses of some names were redirects that were not followed.
    Unfollowed(Vec<UnfollowedRedirects>),
    /// Requests of some names failed since they were redirected out of the target, or further than their step follows.
    RedirectedAway(Vec<UnfollowedRedirects>),
    /// Requests got no response after they had been written, and were sent again. Each is a failure.
    Resent {
        /// How many, over the measured phases.
        resent: u64,
        /// The name that it happened to most often, and how often.
        most: Option<(String, u64)>,
    },
    /// The two sides of the comparison counted failures by different rules: see [`COUNTING`](crate::record::COUNTING).
    FailureRulesDiffer {
        /// Whether it is the baseline that knew fewer failures.
        baseline_is_older: bool,
    },
    /// An acceptance no longer holds.
    AcceptanceExpired {
        /// Index into the thresholds' list.
        acceptance: usize,
    },
    /// An acceptance is no longer needed.
    AcceptanceUnneeded {
        /// Index into the thresholds' list.
        acceptance: usize,
    },
    /// This set-up cannot see the change that `must_detect` names.
    CannotDetect {
        /// Index of the line that sees least.
        check: usize,
        /// What would let it see that; none where nothing within reason would.
        advice: Option<SampleSizeAdvice>,
    },
    /// `abort.error_rate` stopped the run.
    Aborted {
        /// Failed requests by then.
        failures: u64,
        /// Requests by then.
        requests: u64,
    },
    /// Nothing was compared, and a run like this could not be compared with this one either: a metric that is gated overall
    /// would get too few requests.
    TooFewToCompare {
        /// The metric that lacks most.
        metric: Metric,
        /// One phase; all steady ones when there is none.
        phase: Option<String>,
        /// What it lacks.
        why: NotJudged,
        /// How many times as long the load would have to last.
        times: f64,
    },
    /// In over a quarter of the baseline's jobs the generator was late in part.
    LateJobs {
        /// Such jobs.
        late: u32,
        /// Jobs that the run is compared with.
        of: u32,
        /// The newest such job.
        id: String,
    },
    /// The CPU model differs from that of matching jobs.
    CpuDiffers {
        /// In the baseline's newest matching job.
        baseline: String,
        /// In this run.
        current: String,
    },
    /// The threads that sent the load had another scheduling than in some of the matching jobs.
    SchedulingDiffers {
        /// Jobs with another scheduling.
        differing: u32,
        /// Matching jobs.
        jobs: u32,
        /// In this run.
        current: Scheduling,
    },
    /// Warm answers are judged by themselves, and no answer says whether it is one.
    NoColdStartHeader,
    /// Certificates went unchecked.
    CertificatesUnchecked,
    /// Every response was one that proxies send of their own, and each request was sent to one.
    ProxyResponses {
        /// The deployment that was loaded.
        arm: Arm,
        /// The status of most of them.
        status: u16,
        /// How many there were.
        requests: u64,
    },
    /// The run was far noisier than the baseline's jobs: see [`Verdict::noise`].
    Noisy,
    /// Slices or pairs in which the generator was late, too few to make the run invalid: latencies are judged without them.
    LateSlices {
        /// Left out.
        dropped: u32,
        /// All.
        of: u32,
        /// The largest `late` P99, in seconds.
        worst_s: f64,
        /// What it may be, in seconds.
        limit_s: f64,
    },
}

/// How much more would let a line see the change that `must_detect` names, if the noise stays what it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SampleSizeAdvice {
    /// So many pairs per steady phase of a duet.
    Pairs {
        /// Pairs per steady phase.
        pairs: u32,
        /// How long they take in all.
        seconds: f64,
    },
    /// So many parallel jobs judged as one, against the same baseline.
    ParallelJobs(u32),
}

/// How much a latency varies from slice to slice, which is the machine's and the network's doing as long as nothing is
/// deployed in between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Which latency, over all requests of the steady phases.
    pub metric: Metric,
    /// Which deployment's slices: the base's in a duet, since nothing in it is new.
    pub arm: Arm,
    /// Standard deviation of the natural logarithm over slices: 0.03 is 3 %.
    pub spread: f64,
    /// The same in the jobs of the baseline: their median; none where there are none.
    pub usual_spread: Option<f64>,
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
