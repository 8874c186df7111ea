//! Runs a scenario against a target: one thread per core, watched over by the caller's.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::oneshot;

use super::health::{self, Before, Health, TooFewFiles};
use super::http::{Connector, Origin, TlsError, Trust};
use super::prepared::Script;
use super::progress::{Progress, Watch};
use super::pulse::Pulse;
use super::reach::{self, Unreachable};
use super::timetable::Timetable;
use super::worker::{self, Part, Plan, Share};
use crate::measurement::Measurement;
use crate::scenario::{Phase, Scenario, Shape};

/// How often the caller's thread looks whether to stop.
const TICK: Duration = Duration::from_millis(50);
/// The longest that unfinished requests are waited for after the load.
const LONGEST_DRAIN: Duration = Duration::from_secs(30);
/// Until the load starts, so that every core is there in time.
const HEAD_START: Duration = Duration::from_millis(3);

/// What to run, and against what.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The deployment to load.
    pub target: Origin,
    /// Whose certificates are accepted.
    pub trust: Trust<'a>,
    /// Seed of every random draw.
    pub seed: u64,
    /// How many cores to use; as many as the process may where none.
    pub cores: Option<NonZeroUsize>,
    /// When to stop early.
    pub abort: Option<Abort>,
    /// How long the target may take to answer for the first time.
    pub wait: Duration,
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

impl Stop {
    /// Stops the run on behalf of a signal.
    pub fn set(&self, signal: i32) {
        self.0.store(signal, Ordering::Relaxed);
    }

    fn signal(&self) -> Option<i32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|signal| *signal != 0)
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
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
    /// The target did not answer the first, unrecorded user.
    Unreachable {
        /// What happened.
        why: String,
    },
}

/// What a run brought.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What came back.
    pub measurement: Measurement,
    /// How well the generator did.
    pub health: Health,
    /// How it ended.
    pub ended: Ended,
    /// Start of the load.
    pub started: SystemTime,
    /// Length of the load, the drain included.
    pub duration: Duration,
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
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
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

/// Runs a scenario and returns what came back. Blocks until the load has ended; `progress` is told several times a second.
pub fn run(
    order: &Order<'_>,
    progress: &mut dyn FnMut(&Progress),
    stop: &Stop,
) -> Result<Outcome, Error> {
    let scenario = order.scenario;
    if scenario.load.is_empty() || scenario.user_classes.is_empty() {
        return Err(Error::NoLoad);
    }
    let open_files = health::open_files(&scenario.load)?;
    let script = Script::new(scenario, &order.target)
        .map_err(|unsent| Error::Request(unsent.to_string()))?;
    let script = Arc::new(script);
    let connector = Arc::new(Connector::new(
        order.target.clone(),
        scenario.http,
        order.trust,
    )?);
    if let Some(ended) = reach(order, &script, &connector, stop)? {
        return Ok(never_began(scenario, ended, open_files));
    }
    let cores = cores(order);
    let before = Before::now();
    let table = Timetable::new(&scenario.load);
    let (started, start) = (SystemTime::now() + HEAD_START, Instant::now() + HEAD_START);
    let plan = Plan {
        script,
        connector,
        table,
        weights: scenario
            .user_classes
            .iter()
            .map(|class| class.weight)
            .collect(),
        names: scenario.requests.clone(),
        seed: order.seed,
        start,
        drain: drain(scenario),
    };
    let (share, ended) = Crew::start(&plan, cores)?.watch(order, progress, stop)?;
    let duration = plan.start.elapsed();
    let (cpu_share, steal_share) = before.shares(available());
    let health = Health {
        late_p99: health::late_p99(&share.measurement, &scenario.load),
        cpu_share,
        core_share: share.busy,
        steal_share,
        achieved: (share.planned > 0).then(|| share.achieved as f64 / share.planned as f64),
        open_files,
    };
    Ok(Outcome {
        measurement: share.measurement,
        health,
        ended,
        started,
        duration,
    })
}

/// Looks whether the target answers; how the run has ended already where it does not.
fn reach(
    order: &Order<'_>,
    script: &Arc<Script>,
    connector: &Arc<Connector>,
    stop: &Stop,
) -> Result<Option<Ended>, Error> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    let ended = runtime.block_on(async {
        let told = async {
            loop {
                if let Some(signal) = stop.signal() {
                    return signal;
                }
                tokio::time::sleep(TICK).await;
            }
        };
        tokio::select! {
            biased;
            signal = told => Some(Ended::Interrupted { signal }),
            reached = reach::reach(script, connector, order.seed, order.wait) => match reached {
                Ok(()) => None,
                Err(Unreachable(why)) => Some(Ended::Unreachable { why }),
            },
        }
    });
    // A resolver that hangs is not waited for.
    runtime.shutdown_background();
    Ok(ended)
}

fn never_began(scenario: &Scenario, ended: Ended, open_files: Option<u64>) -> Outcome {
    Outcome {
        measurement: Measurement {
            requests: scenario.requests.clone(),
            ..Measurement::default()
        },
        health: Health {
            open_files,
            ..Health::default()
        },
        ended,
        started: SystemTime::now(),
        duration: Duration::ZERO,
    }
}

/// Cores that the process may use.
fn available() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Cores to use: no more than there are users to run on them.
fn cores(order: &Order<'_>) -> usize {
    let users = |phase: &Phase| match phase.shape {
        Shape::Users { from, to } => from.max(to),
        Shape::Arrivals { max_users, .. } => max_users,
    };
    let most = order.scenario.load.iter().map(users).max().unwrap_or(1);
    let cores = order.cores.map_or_else(available, NonZeroUsize::get);
    cores.clamp(1, (most as usize).max(1))
}

/// The longest timeout of the scenario, within reason.
fn drain(scenario: &Scenario) -> Duration {
    let classes = scenario.user_classes.iter();
    let steps = classes.flat_map(|class| {
        let tasks = class.tasks.iter().flat_map(|task| &task.steps);
        class.on_start.iter().chain(tasks)
    });
    let timeouts = steps.filter_map(|step| match step {
        crate::scenario::Step::Request(request) => Some(request.timeout),
        crate::scenario::Step::Think(_) => None,
    });
    timeouts.max().unwrap_or_default().min(LONGEST_DRAIN)
}

/// The threads of a run.
struct Crew<'p> {
    plan: &'p Plan,
    pulses: Vec<Arc<Pulse>>,
    stops: Vec<oneshot::Sender<()>>,
    shares: mpsc::Receiver<std::io::Result<Share>>,
}

impl<'p> Crew<'p> {
    /// Starts one worker per core.
    fn start(plan: &'p Plan, cores: usize) -> Result<Self, Error> {
        let (sender, shares) = mpsc::channel();
        let mut crew = Self {
            plan,
            pulses: Vec::new(),
            stops: Vec::new(),
            shares,
        };
        for core in 0..cores {
            let (stop, stopped) = oneshot::channel();
            let pulse = Arc::new(Pulse::default());
            crew.pulses.push(Arc::clone(&pulse));
            crew.stops.push(stop);
            let (plan, sender) = (plan.clone(), sender.clone());
            let part = Part { core, cores };
            // A worker that dies drops its sender, which its receiver notices.
            thread::Builder::new()
                .name(format!("load-{core}"))
                .spawn(move || {
                    // The receiver is gone where another worker died first, and is told of then.
                    let _ = sender.send(worker::run(&plan, part, pulse, stopped));
                })?;
        }
        Ok(crew)
    }

    /// Waits for all workers, and stops them early where that is called for.
    fn watch(
        mut self,
        order: &Order<'_>,
        progress: &mut dyn FnMut(&Progress),
        stop: &Stop,
    ) -> Result<(Share, Ended), Error> {
        let mut ended = Ended::Completed;
        let mut watch = Watch::new(self.plan);
        let mut merged: Option<Share> = None;
        let mut working = self.pulses.len();
        while working > 0 {
            match self.shares.recv_timeout(TICK) {
                Ok(share) => {
                    working -= 1;
                    merged = Some(match merged {
                        Some(merged) => merged.with(share?),
                        None => share?,
                    });
                }
                Err(RecvTimeoutError::Disconnected) => return Err(Error::Worker),
                Err(RecvTimeoutError::Timeout) => {
                    if let (Some(early), Ended::Completed) = (self.early(order, stop), &ended) {
                        ended = early;
                        // Dropped, each tells its worker.
                        self.stops.clear();
                    }
                    watch.tell(&self.pulses, progress);
                }
            }
        }
        merged.map(|merged| (merged, ended)).ok_or(Error::Worker)
    }

    /// Why the run must stop before its end, if it must.
    fn early(&self, order: &Order<'_>, stop: &Stop) -> Option<Ended> {
        if let Some(signal) = stop.signal() {
            return Some(Ended::Interrupted { signal });
        }
        let abort = order.abort?;
        if self.plan.start.elapsed() < abort.after {
            return None;
        }
        let requests: u64 = self.pulses.iter().map(|pulse| pulse.requests()).sum();
        let failures: u64 = self.pulses.iter().map(|pulse| pulse.errors()).sum();
        (failures as f64 > abort.error_rate * requests as f64)
            .then_some(Ended::Aborted { failures, requests })
    }
}

impl Share {
    fn with(mut self, other: Self) -> Self {
        self.measurement.merge(other.measurement);
        self.planned += other.planned;
        self.achieved += other.achieved;
        self.busy = self.busy.into_iter().chain(other.busy).reduce(f64::max);
        self
    }
}
