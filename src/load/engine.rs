//! Runs a scenario against one deployment, or against two in one run: one thread per core, watched over by the caller's.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::apart;
use super::arm_clock::Span;
use super::config::{
    Duet, Error, Hooks, LoadEnd, RunConfig, RunOutcome, ServerFailure, Stop, Waiting,
};
use super::duet;
use super::duet_schedule::DuetSchedule;
use super::health::{self, CpuSnapshot, GeneratorHealth};
use super::http::{Connector, Origin};
use super::preflight::{self, Ahead, PreflightError, Unreached};
use super::prepared::CompiledScenario;
use super::progress::{Progress, Watch};
use super::timetable::Timetable;
use super::worker::{ArmPlan, Command, WorkerPlan, WorkerResult};
use super::worker_pool::{RunMonitor, WaitOutcome, WorkerPool};
use crate::measurement::{Arm, Interleaving, Measurement};
use crate::scenario::{Phase, Scenario, Step};

/// An arrival handed over so shortly after the end of its span still counts as achieved.
const GRACE: Duration = Duration::from_millis(100);
/// The longest that unfinished requests are waited for after the load.
const LONGEST_DRAIN: Duration = Duration::from_secs(30);
/// Until the load starts, so that every core is there in time.
pub(super) const HEAD_START: Duration = Duration::from_millis(3);

/// Runs a scenario and returns what came back. Blocks until the load has ended; `progress` is told several times a second.
pub fn run(
    order: &RunConfig<'_>,
    progress: &mut dyn FnMut(&Progress),
    stop: &Stop,
) -> Result<RunOutcome, Error> {
    let run = EngineRun::prepare(order, Timetable::new(&order.scenario.load), None)?;
    if let Some(ended) = reach(order, &run.plan.arms, stop)? {
        return Ok(run.never_began(ended));
    }
    let run = run.begun();
    let mut overseer = run.overseer(stop, Watch::new(&run.plan, None), progress);
    let (mut share, ended) = alone(&run.plan, cores(order), &mut overseer)?;
    let measurement = std::mem::take(&mut share.arms).remove(0);
    Ok(run.outcome(measurement, &share, order.scenario.load.clone(), ended))
}

/// Runs a scenario against two deployments, in turns or mixed. Blocks as [`run`] does.
pub fn run_duet(
    order: &RunConfig<'_>,
    duet: &Duet<'_>,
    progress: &mut dyn FnMut(&Progress),
    stop: &Stop,
    hooks: &mut Hooks<'_>,
) -> Result<RunOutcome, Error> {
    let course = DuetSchedule::new(&order.scenario.load, &duet.turns, order.seed);
    let base = Some((duet, course.table(Arm::Base)));
    let run = EngineRun::prepare(order, course.table(Arm::Target), base)?;
    if let Some(ended) = reach(order, &run.plan.arms, stop)? {
        return Ok(run.never_began(ended));
    }
    let run = run.begun();
    let mut overseer = run.overseer(stop, Watch::new(&run.plan, Some(&course)), progress);
    let crew = WorkerPool::start(&run.plan, cores(order))?;
    duet::conduct(&run, &course, duet.turns.guard, crew, &mut overseer, hooks)
}

/// A run, ready to begin.
pub(super) struct EngineRun<'o> {
    order: &'o RunConfig<'o>,
    pub(super) plan: WorkerPlan,
    open_files: Option<u64>,
    before: CpuSnapshot,
    started: SystemTime,
}

impl<'o> EngineRun<'o> {
    fn prepare(
        order: &'o RunConfig<'_>,
        table: Timetable,
        base: Option<(&Duet<'_>, Timetable)>,
    ) -> Result<Self, Error> {
        let scenario = order.scenario;
        if scenario.load.is_empty() || scenario.user_classes.is_empty() {
            return Err(Error::NoLoad);
        }
        let duet = base.as_ref().map(|(duet, _)| *duet);
        if duet.is_some_and(|duet| duet.scenario.requests != scenario.requests) {
            return Err(Error::OtherRequests);
        }
        let arms = 1 + u64::from(duet.is_some());
        let open_files = health::open_files(&scenario.load, arms)?;
        let mut plans = vec![arm(order, scenario, &order.target, table)?];
        let interleaving = duet.map(|duet| duet.turns.interleaving);
        if let Some((duet, table)) = base {
            plans.push(arm(order, duet.scenario, &duet.target, table)?);
        }
        Ok(Self {
            order,
            plan: WorkerPlan {
                arms: plans,
                interleaving: interleaving.unwrap_or_default(),
                names: scenario.requests.clone(),
                seed: order.seed,
                start: Instant::now(),
                drain: drain(scenario),
                scheduling: order.scheduling,
                longest_billed_ms: order.budget.map(|budget| budget.longest_ms),
                grace: GRACE.max(order.max_late),
            },
            open_files,
            before: CpuSnapshot::now(),
            started: SystemTime::now(),
        })
    }

    /// The same, beginning right now.
    fn begun(mut self) -> Self {
        self.before = CpuSnapshot::now();
        self.started = SystemTime::now() + HEAD_START;
        self.plan.start = Instant::now() + HEAD_START;
        self
    }

    fn overseer<'r>(
        &'r self,
        stop: &'r Stop,
        watch: Watch<'r>,
        progress: &'r mut dyn FnMut(&Progress),
    ) -> RunMonitor<'r> {
        RunMonitor {
            stop,
            abort: self.order.abort,
            budget: self.order.budget,
            watch,
            progress,
        }
    }

    /// How many users are present in a second in which both arms have some.
    pub(super) fn users_of_both(&self) -> fn(u32, u32) -> u32 {
        match self.plan.interleaving {
            // They are never present together.
            Interleaving::Turns => u32::max,
            Interleaving::Mixed => u32::saturating_add,
        }
    }

    /// What the run brought.
    pub(super) fn outcome(
        &self,
        measurement: Measurement,
        share: &WorkerResult,
        load: Vec<Phase>,
        ended: LoadEnd,
    ) -> RunOutcome {
        let (cpu_share, steal_share) = self.before.shares(available());
        let achieved = share.achieved as f64 / share.planned as f64;
        RunOutcome {
            health: GeneratorHealth {
                late_p99: health::late_p99(&measurement, &load),
                cpu_share,
                core_share: share.busy,
                steal_share,
                achieved: (share.planned > 0).then_some(achieved),
                open_files: self.open_files,
                scheduling: share.held.scheduling(),
            },
            measurement,
            load,
            ended,
            look: 0,
            started: self.started,
            duration: self.plan.start.elapsed(),
        }
    }

    fn never_began(&self, ended: LoadEnd) -> RunOutcome {
        let mut outcome = RunOutcome::never_began(self.order.scenario, ended);
        outcome.health.open_files = self.open_files;
        outcome
    }
}

/// Loads the only arm from its start to its end.
fn alone(
    plan: &WorkerPlan,
    cores: usize,
    overseer: &mut RunMonitor<'_>,
) -> Result<(WorkerResult, LoadEnd), Error> {
    let mut crew = WorkerPool::start(plan, cores)?;
    let span = Span {
        from: Duration::ZERO,
        to: plan.arms[0].table.end(),
        start: plan.start,
    };
    crew.send(Command::Load { driver: 0, span });
    crew.send(Command::Drain { driver: 0 });
    let mut ended = match crew.wait(overseer)? {
        WaitOutcome::Done => LoadEnd::Completed,
        WaitOutcome::Early(ended) => ended,
    };
    let share = crew.finish(&mut ended, overseer.budget)?;
    Ok((share, ended))
}

/// What every core is told of one deployment.
fn arm(
    order: &RunConfig<'_>,
    scenario: &Scenario,
    target: &Origin,
    table: Timetable,
) -> Result<ArmPlan, Error> {
    let script = CompiledScenario::new(scenario, target, order.folder, order.withheld)
        .map_err(|unsent| Error::Request(unsent.to_string()))?;
    let connector = Connector::new(target.clone(), scenario.http, order.trust)?;
    let classes = scenario.user_classes.iter();
    Ok(ArmPlan {
        script: Arc::new(script),
        connector: Arc::new(connector),
        table: Arc::new(table),
        weights: classes.map(|class| class.weight).collect(),
    })
}

/// Looks whether every deployment responds; how the run has ended already if one does not.
fn reach(order: &RunConfig<'_>, arms: &[ArmPlan], stop: &Stop) -> Result<Option<LoadEnd>, Error> {
    let arms = arms.to_vec();
    let ahead = Ahead {
        seed: order.seed,
        wait: order.wait,
        ready: order.ready.map(str::to_owned),
    };
    let work = move |waits: Sender<Waiting>| async move { reach_all(&arms, &ahead, &waits).await };
    match apart::obedient(stop, work, &mut |waiting| (order.waiting)(waiting))? {
        Some(reached) => reached,
        None => Ok(stop.signal().map(|signal| LoadEnd::Interrupted { signal })),
    }
}

async fn reach_all(
    arms: &[ArmPlan],
    ahead: &Ahead,
    waits: &Sender<Waiting>,
) -> Result<Option<LoadEnd>, Error> {
    for (plan, arm) in arms.iter().zip([Arm::Target, Arm::Base]) {
        match preflight::reach(ahead, arm, plan, waits).await {
            Ok(()) => {}
            Err(PreflightError::Unreachable(Unreached { cause, why, .. })) => {
                return Ok(Some(ServerFailure { arm, cause, why }.into()));
            }
            Err(PreflightError::Command(why)) => return Err(Error::Command(why)),
        }
    }
    Ok(None)
}

/// Cores that the process may use.
fn available() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Cores to use: no more than there are users to run on them.
fn cores(order: &RunConfig<'_>) -> usize {
    let users = order.scenario.load.iter().map(|it| it.shape.most_users());
    let most = users.max().unwrap_or(1);
    let cores = order.cores.map_or_else(available, NonZeroUsize::get);
    cores.clamp(1, (most as usize).max(1))
}

/// The longest timeout of the scenario, within reason.
fn drain(scenario: &Scenario) -> Duration {
    let requests = scenario.steps().filter_map(Step::request);
    let longest = requests.map(|request| request.timeout).max();
    longest.unwrap_or_default().min(LONGEST_DRAIN)
}
