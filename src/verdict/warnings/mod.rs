//! Warnings: what a person should know although no outcome depends on it.

mod checks;
mod overload;
pub(super) mod redirects;
mod runs;

pub(super) use checks::for_checks;
pub(super) use overload::overloaded;
pub use redirects::UnfollowedRedirects;
pub(super) use runs::for_runs;

use super::NotJudged;
use crate::measurement::{Arm, Scheduling};
use crate::metric::Metric;
use crate::thresholds::Subject;

/// Something that a person should know although no outcome depends on it.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// Much faster than anything before: perhaps it no longer does its work.
    MuchFaster {
        /// Index of the check.
        check: usize,
    },
    /// No request succeeded for some time, though a request was in flight: too short to fail, or of the base arm.
    Silent {
        /// Which deployment.
        arm: Arm,
        /// The request name, or all requests.
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
    /// The base that the thresholds name was not loaded, so that the run is compared with the baseline alone.
    BaseMissing {
        /// Why.
        why: String,
    },
    /// The reference has no percentiles in this run, so that levels are not relative to it.
    ReferenceMissing {
        /// Why.
        why: String,
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
        /// Index of the least sensitive check.
        check: usize,
        /// A sample size that would suffice; none if no reasonable one would.
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

/// A sample size with which a check would detect the change that `must_detect` names, if the noise stays the same.
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
