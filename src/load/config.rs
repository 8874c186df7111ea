//! What a run is asked for, and what it brings.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, SystemTime};

use super::budget::Budget;
use super::duet_schedule::DuetTurns;
use super::health::{GeneratorHealth, TooFewFiles};
use super::http::{Origin, TlsError, Trust};
use super::scheduling::SchedulingPolicy;
use crate::measurement::{Arm, Measurement, UnreachableCause};
use crate::processes::DeniedVariables;
use crate::scenario::{Phase, Scenario};

/// What to run, and against what.
#[derive(Clone)]
pub struct RunConfig<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The deployment to load.
    pub target: Origin,
    /// Where the programs of the scenario are run.
    pub folder: &'a Path,
    /// What they do not inherit of the environment.
    pub withheld: &'a DeniedVariables,
    /// Whose certificates are accepted.
    pub trust: Trust<'a>,
    /// Seed of every random draw.
    pub seed: u64,
    /// How many cores to use; as many as the process may where none.
    pub cores: Option<NonZeroUsize>,
    /// Which scheduling the threads ask for.
    pub scheduling: SchedulingPolicy,
    /// When to stop early.
    pub abort: Option<Abort>,
    /// What the load may cost, both deployments of a duet together.
    pub budget: Option<Budget>,
    /// How long the target may take to respond for the first time.
    pub wait: Duration,
    /// How late an arrival may be handed over, if that is more than usual.
    pub max_late: Duration,
    /// The path below each deployment's own that must respond below 400 first.
    pub ready: Option<&'a str>,
    /// Called when a deployment is waited for because of what it responds.
    pub waiting: &'a dyn Fn(&Waiting),
}

/// A deployment is waited for: a gateway responds in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// It responded with a status of gateways that was not the last one.
    Began {
        /// Which one.
        arm: Arm,
        /// 502, 503 or 504.
        status: u16,
    },
    /// It is there.
    Ended {
        /// Which one.
        arm: Arm,
        /// The last status of a gateway.
        status: u16,
        /// How long it was waited for.
        after: Duration,
    },
}

/// A second deployment that is loaded in the same run as the first, in turns or mixed.
#[derive(Clone, Debug)]
pub struct Duet<'a> {
    /// The same scenario with the values that this deployment needs.
    pub scenario: &'a Scenario,
    /// The deployment.
    pub target: Origin,
    /// How the two share the run.
    pub turns: DuetTurns,
}

/// What a duet asks its caller on its way.
pub struct Hooks<'h> {
    /// Shown what was measured when a look is due that is not the last; says whether to go on.
    pub look: &'h mut dyn FnMut(RunOutcome) -> Interim,
    /// Called before each pair of slices with its number: servers may be started anew. An error ends the run, by the
    /// arm that it concerns.
    pub before_pair: &'h mut dyn FnMut(u32) -> Result<(), LoadEnd>,
}

/// Whether a duet goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interim {
    /// It does.
    Continue,
    /// What was measured suffices.
    Stop,
}

/// When going on would tell nothing more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Abort {
    /// The share of failed requests above which the run stops.
    pub error_rate: f64,
    /// From when on, since the start of the load.
    pub after: Duration,
}

/// Tells a run to stop, from a signal handler or another thread.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicI32>);

/// How long a thread that was told to stop is waited for. One that computes without end, such as a `JSONPath` over a
/// large body, is then left behind.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

impl Stop {
    /// Stops the run on behalf of a signal.
    pub fn set(&self, signal: i32) {
        self.0.store(signal, Ordering::Relaxed);
    }

    /// Whether the run was told to stop.
    pub fn is_set(&self) -> bool {
        self.signal().is_some()
    }

    /// The signal on whose behalf it was told to.
    pub fn signal(&self) -> Option<i32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|signal| *signal != 0)
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadEnd {
    /// Every phase ran.
    Completed,
    /// A signal cut it short.
    Interrupted {
        /// Number of the signal.
        signal: i32,
    },
    /// Too many requests failed.
    Aborted {
        /// Failed requests by then.
        failures: u64,
        /// Requests by then.
        requests: u64,
    },
    /// The load has cost all that it may cost.
    BudgetSpent {
        /// An upper bound of what it has cost, in picodollars.
        picodollars: u64,
    },
    /// A deployment did not respond to the first, unrecorded user, or did not restart.
    Unreachable(ServerFailure),
}

/// A deployment that did not respond, or did not come up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFailure {
    /// Which one.
    pub arm: Arm,
    /// Cause, if known.
    pub cause: UnreachableCause,
    /// What happened, in words.
    pub why: String,
}

impl From<ServerFailure> for LoadEnd {
    fn from(failure: ServerFailure) -> Self {
        Self::Unreachable(failure)
    }
}

/// What a run brought.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// What came back.
    pub measurement: Measurement,
    /// The phases as they were run, each pass once: in a duet as long as all of their slices on one arm.
    pub load: Vec<Phase>,
    /// How well the generator did.
    pub health: GeneratorHealth,
    /// How it ended.
    pub ended: LoadEnd,
    /// The look at a duet that this is for, the first being 1; 0 without a duet.
    pub look: u32,
    /// Start of the load.
    pub started: SystemTime,
    /// Length of the load, the drain included.
    pub duration: Duration,
}

impl RunOutcome {
    /// What a run brought that never began.
    pub fn never_began(scenario: &Scenario, ended: LoadEnd) -> Self {
        Self {
            measurement: Measurement {
                requests: scenario.requests.clone(),
                ..Measurement::default()
            },
            load: scenario.load.clone(),
            health: GeneratorHealth::default(),
            ended,
            look: 0,
            started: SystemTime::now(),
            duration: Duration::ZERO,
        }
    }
}

/// Why a run could not be started, or told nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing to send.
    #[error("the scenario has no phase of load or no class of users")]
    NoLoad,
    /// Too few files for the users.
    #[error(transparent)]
    OpenFiles(#[from] TooFewFiles),
    /// The two scenarios of a duet send different things.
    #[error(
        "the values of --against-set change request names, so target and base cannot be compared; set other variables"
    )]
    OtherRequests,
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A program fails already before the load.
    #[error("no load was sent: {0}")]
    Command(String),
    /// A request can never be sent.
    #[error("a request of the scenario can never be sent: {0}")]
    Request(String),
    /// The system gave no thread, timer or socket.
    #[error("the load generator could not be set up")]
    System(#[from] std::io::Error),
    /// A worker died of a bug.
    #[error("a worker of the load generator died; please report this as a bug of loadgate")]
    Worker,
}
