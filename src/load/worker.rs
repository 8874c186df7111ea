//! One core's part of a run: its own runtime, its share of users and arrivals of each arm, its own measurements.

use std::io;
use std::iter::{self, Peekable};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc as commands, oneshot};
use tokio::task::{coop, spawn_local};

use super::arm_clock::{DueTime, Span};
use super::arm_state::{ActiveUser, ArmState};
use super::budget::Meter;
use super::cpu_time::CpuMeter;
use super::dealing::Dealer;
use super::http::Connector;
use super::live_counters::LiveCounters;
use super::prepared::CompiledScenario;
use super::real_time;
use super::recorder::{Recorder, Requests};
use super::schedule::{Arrival, LoadEvent, Schedule};
use super::scheduling::{Governor, Held, LocalTarget, SchedulingPolicy};
use super::sender::ClientContext;
use super::timetable::Timetable;
use super::user;
use crate::measurement::{FailureKind, Interleaving, Measurement};
use crate::scenario::Shape;
use crate::timer::Pacer;

/// Threads that resolve names; the default of 512 would cost more memory than all users.
const RESOLVERS: usize = 8;

/// What every core is told.
#[derive(Clone)]
pub(super) struct WorkerPlan {
    /// The arms: the deployment under test, and in a duet the one that it is compared with.
    pub(super) arms: Vec<ArmPlan>,
    /// How two arms share the run.
    pub(super) interleaving: Interleaving,
    /// Names of the requests.
    pub(super) names: Vec<String>,
    pub(super) seed: u64,
    /// Start of the load.
    pub(super) start: Instant,
    /// How long after the end of the load, or of a slice, what is unfinished is waited for.
    pub(super) drain: Duration,
    /// Which scheduling every core asks for.
    pub(super) scheduling: SchedulingPolicy,
    /// With a budget, the longest that a request is billed for, in milliseconds.
    pub(super) longest_billed_ms: Option<u64>,
    /// How long after the end of its span an arrival that is handed over still counts as achieved.
    pub(super) grace: Duration,
}

/// What every core is told of one arm.
#[derive(Clone)]
pub(super) struct ArmPlan {
    pub(super) script: Arc<CompiledScenario>,
    pub(super) connector: Arc<Connector>,
    /// In the arm's own time.
    pub(super) table: Arc<Timetable>,
    /// Weights of the classes.
    pub(super) weights: Vec<u32>,
}

/// Which part of the load is a core's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shard {
    pub(super) core: usize,
    pub(super) cores: usize,
}

/// What the conductor asks of every core. The driver is an index: each arm has one, and both arms of a mixed duet have one
/// together.
#[derive(Clone, Copy, Debug)]
pub(super) enum Command {
    /// Load the arms of a driver for a span of their time.
    Load {
        driver: usize,
        /// Their time.
        span: Span,
    },
    /// Wait until all that was due has ended.
    Settle { driver: usize },
    /// Let resting users look whether their connections are still there.
    Refresh { driver: usize },
    /// Wait until the last user has left.
    Drain { driver: usize },
    /// Tell that everything before has been done.
    Mark,
    /// Tell what was measured so far, and that everything before has been done.
    Report,
}

/// What a core tells the conductor.
#[derive(Debug)]
pub(super) enum Event {
    /// [`Command::Mark`] was reached.
    Reached,
    /// [`Command::Report`] was reached: what was measured so far.
    Measured(Box<WorkerResult>),
    /// The core has ended.
    Ended(Box<WorkerResult>),
    /// The core could not be set up.
    Failed(io::Error),
}

/// What a core brings back.
#[derive(Debug)]
pub(super) struct WorkerResult {
    /// By arm; slices are in the arm's own time.
    pub(super) arms: Vec<Measurement>,
    /// Arrivals that were due.
    pub(super) planned: u64,
    /// Arrivals that were started, or queued for want of an idle user, when they were due.
    pub(super) achieved: u64,
    /// How busy this core's thread was in the measured phases.
    pub(super) busy: Option<f64>,
    /// Which scheduling this core's thread had.
    pub(super) held: Held,
}

/// What a core is steered by.
pub(super) struct WorkerChannels {
    pub(super) commands: commands::UnboundedReceiver<Command>,
    pub(super) events: mpsc::Sender<Event>,
    /// A message ends the core when all that it sent has ended. If the sender is dropped, the core ends at once.
    pub(super) stop: oneshot::Receiver<()>,
}

/// Obeys the conductor until it is done with this core, and tells what was measured. `pulses` has one for each arm.
pub(super) fn run(
    plan: &WorkerPlan,
    part: Shard,
    pulses: &[Arc<LiveCounters>],
    strings: WorkerChannels,
) {
    let WorkerChannels {
        commands,
        events,
        stop,
    } = strings;
    let event = match perform(plan, part, pulses, commands, &events, stop) {
        Ok(share) => Event::Ended(Box::new(share)),
        Err(error) => Event::Failed(error),
    };
    // The receiver is gone where another core failed first, and is told of then.
    let _ = events.send(event);
}

fn perform(
    plan: &WorkerPlan,
    part: Shard,
    pulses: &[Arc<LiveCounters>],
    commands: commands::UnboundedReceiver<Command>,
    events: &mpsc::Sender<Event>,
    stop: oneshot::Receiver<()>,
) -> io::Result<WorkerResult> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(RESOLVERS)
        .on_thread_start(real_time::leave)
        .build_local(LocalOptions::default())?;
    let governor = Rc::new(Governor::start(plan.scheduling));
    let (drivers, meter) = runtime.block_on(async {
        let pacer = Pacer::new()?;
        let driver = Rc::clone(&pacer);
        spawn_local(async move { driver.drive().await });
        let arms: Vec<(&ArmPlan, &Arc<LiveCounters>)> = plan.arms.iter().zip(pulses).collect();
        let each = match plan.interleaving {
            Interleaving::Turns => 1,
            Interleaving::Mixed => arms.len(),
        };
        let shares = arms.chunks(each.max(1));
        let mut drivers: Vec<Driver<'_>> = shares
            .clone()
            .filter_map(|arms| Driver::new(plan, arms, part, &pacer))
            .collect();
        let is_local = |(arm, _): &(&ArmPlan, _)| arm.connector.origin().is_loopback();
        let local = drivers.iter().zip(shares);
        let local = local
            .filter(|(_, arms)| arms.iter().any(is_local))
            .map(|(driver, arms)| {
                let pulses = arms.iter().map(|(_, pulse)| Arc::clone(pulse));
                LocalTarget::new(driver.cores().cloned().zip(pulses).collect())
            })
            .collect();
        let governed = Rc::clone(&governor);
        spawn_local(async move { governed.run(&pacer, local).await });
        let mut meter = CpuMeter::new();
        tokio::select! {
            biased;
            stopped = stop => {
                if stopped.is_ok() {
                    wind_down(&drivers, plan.drain).await;
                }
            }
            () = obey(&mut drivers, &mut meter, commands, events, plan, &governor) => {}
        }
        meter.turn(false);
        io::Result::Ok((drivers, meter))
    })?;
    let now = Instant::now();
    // Drops all users, which settles what they have in flight; a resolver that hangs is not waited for.
    runtime.shutdown_background();
    let measured = drivers.iter().flat_map(Driver::cores);
    let measured = measured.map(|core| measured_by(core, now, &plan.names));
    let measured = measured.collect();
    Ok(share(&drivers, measured, &meter, &governor))
}

/// Waits until all that was sent has ended. What is unfinished after some time is given up.
async fn wind_down(drivers: &[Driver<'_>], bound: Duration) {
    let cores = || drivers.iter().flat_map(Driver::cores);
    cores().for_each(|core| core.send_no_more());
    let ended = async {
        for core in cores() {
            core.settle().await;
        }
    };
    let _ = tokio::time::timeout(bound, ended).await;
}

fn share(
    drivers: &[Driver<'_>],
    measured: Vec<Measurement>,
    meter: &CpuMeter,
    governor: &Governor,
) -> WorkerResult {
    WorkerResult {
        arms: measured,
        planned: drivers.iter().map(|it| it.planned.max(it.achieved)).sum(),
        achieved: drivers.iter().map(|it| it.achieved).sum(),
        busy: meter.share(),
        held: governor.held(),
    }
}

/// Does what the conductor asks, one thing after the other, until it asks for nothing more.
async fn obey(
    drivers: &mut [Driver<'_>],
    meter: &mut CpuMeter,
    mut commands: commands::UnboundedReceiver<Command>,
    events: &mpsc::Sender<Event>,
    plan: &WorkerPlan,
    governor: &Governor,
) {
    while let Some(command) = commands.recv().await {
        let event = match command {
            Command::Load { driver, span } => {
                drivers[driver].load(span, meter).await;
                meter.turn(false);
                continue;
            }
            Command::Settle { driver } => {
                drivers[driver].settle(plan.drain).await;
                continue;
            }
            Command::Refresh { driver } => {
                for core in drivers[driver].cores() {
                    core.refresh().await;
                }
                continue;
            }
            Command::Drain { driver } => {
                drivers[driver].drain(plan.drain).await;
                continue;
            }
            Command::Mark => Event::Reached,
            Command::Report => {
                let now = Instant::now();
                let measured = drivers.iter().flat_map(Driver::cores);
                let measured = measured.map(|core| measured_so_far(core, now, &plan.names));
                let measured = measured.collect();
                Event::Measured(Box::new(share(drivers, measured, meter, governor)))
            }
        };
        if events.send(event).is_err() {
            return;
        }
    }
}

/// One arm on one core, or both arms of a mixed duet: starts what is due.
struct Driver<'p> {
    core: Rc<ArmState>,
    /// The second arm of a mixed duet.
    mixed: Option<Mixed>,
    table: &'p Timetable,
    schedule: Peekable<Schedule<'p>>,
    part: Shard,
    /// How many cores share the arrivals of the current window.
    sharing: usize,
    grace: Duration,
    planned: u64,
    achieved: u64,
}

/// The second arm of a mixed duet, whose time is that of the first.
struct Mixed {
    core: Rc<ArmState>,
    dealer: Dealer,
}

impl<'p> Driver<'p> {
    /// The driver of these arms; none where there is no arm.
    fn new(
        plan: &'p WorkerPlan,
        arms: &[(&'p ArmPlan, &Arc<LiveCounters>)],
        part: Shard,
        pacer: &Rc<Pacer>,
    ) -> Option<Self> {
        let mut cores = arms.iter().map(|(arm, pulse)| {
            let context = ClientContext::new(&arm.script, &arm.connector);
            let names = (arm.script.names, &arm.script.lanes[..]);
            let requests = match arm.script.request_id {
                Some(_) => Requests::Kept,
                None => Requests::Summed,
            };
            let table = Arc::clone(&arm.table);
            let recorder = Recorder::new(table, names, Arc::clone(pulse), requests);
            let load = (plan.start, arm.table.end());
            let pacer = Rc::clone(pacer);
            let meter = plan.longest_billed_ms.map(|longest_ms| Meter {
                longest_ms,
                usage: Arc::clone(&pulse.usage),
            });
            let state = ArmState::new(context, pacer, recorder, plan.seed, load);
            Rc::new(state.with_meter(meter))
        });
        let (arm, _) = arms.first()?;
        Some(Self {
            core: cores.next()?,
            mixed: cores.next().map(|core| Mixed {
                core,
                dealer: Dealer::new(&arm.script, plan.seed),
            }),
            table: &arm.table,
            schedule: Schedule::new(&arm.table, &arm.weights, plan.seed).peekable(),
            part,
            sharing: 1,
            grace: plan.grace,
            planned: 0,
            achieved: 0,
        })
    }

    fn cores(&self) -> impl Iterator<Item = &Rc<ArmState>> {
        let other = self.mixed.as_ref().map(|mixed| &mixed.core);
        iter::once(&self.core).chain(other)
    }

    /// Starts everything that is due in a span when it is due, and returns when the span has ended.
    async fn load(&mut self, span: Span, meter: &mut CpuMeter) {
        for core in self.cores() {
            core.clock.run(span);
            let now = core.offset(Instant::now());
            core.recorder.borrow_mut().resume(now);
        }
        let window = &self.table.windows[self.table.window_at(span.from)];
        meter.turn(window.measure && !window.shape.is_idle());
        while let Some((time, start)) = self.schedule.next_if(|(time, _)| *time < span.to) {
            // A schedule that is behind must not keep its users from running.
            coop::consume_budget().await;
            let core = self.deal(start);
            if self.is_own(start) {
                self.core.pacer.until(span.instant(time)).await;
                self.start(span, start, &core, meter);
            }
        }
        self.core.pacer.until(span.end()).await;
    }

    /// Waits until all that was due has ended; arrivals that still queue when the time for it is up are given up.
    async fn settle(&mut self, bound: Duration) {
        let settled = async {
            for core in self.cores() {
                core.settle().await;
            }
        };
        if tokio::time::timeout(bound, settled).await.is_err() {
            let now = Instant::now();
            for core in self.cores() {
                give_up_queue(core, now);
            }
            for core in self.cores() {
                core.settle().await;
            }
        }
        for core in self.cores() {
            let now = core.offset(Instant::now());
            core.recorder.borrow_mut().rest(now);
        }
    }

    /// Waits until the last user has left; what is unfinished when the time for it is up counts as a failure.
    async fn drain(&mut self, bound: Duration) {
        let emptied = async {
            for core in self.cores() {
                set_limit(core, 0);
            }
            for core in self.cores() {
                core.empty().await;
            }
        };
        if tokio::time::timeout(bound, emptied).await.is_err() {
            let now = Instant::now();
            for core in self.cores() {
                core.give_up(now);
                give_up_queue(core, now);
            }
            self.give_up_unstarted(now);
        }
    }

    fn is_own(&self, start: LoadEvent) -> bool {
        let Shard { core, cores } = self.part;
        match start {
            LoadEvent::Window(_) => true,
            LoadEvent::Join(stay) => stay.user % cores as u64 == core as u64,
            LoadEvent::Arrive(arrival) => arrival.index % self.sharing as u64 == core as u64,
        }
    }

    /// The arm that something goes to. Every core asks this of all arrivals in their order, also of those of others.
    fn deal(&mut self, start: LoadEvent) -> Rc<ArmState> {
        let core = match (&mut self.mixed, start) {
            (Some(mixed), LoadEvent::Arrive(arrival)) => {
                match mixed.dealer.arm(&self.core.context.script, arrival) {
                    0 => &self.core,
                    _ => &mixed.core,
                }
            }
            (Some(_), LoadEvent::Window(_) | LoadEvent::Join(_)) | (None, _) => &self.core,
        };
        Rc::clone(core)
    }

    fn start(&mut self, span: Span, start: LoadEvent, core: &Rc<ArmState>, meter: &mut CpuMeter) {
        match start {
            LoadEvent::Window(index) => {
                let window = &self.table.windows[index];
                meter.turn(window.measure && !window.shape.is_idle());
                let limit = self.enter(window.shape);
                for core in self.cores() {
                    set_limit(core, limit);
                }
            }
            LoadEvent::Join(stay) => {
                let presence = ActiveUser::new(core);
                match &self.mixed {
                    None => spawn_local(user::closed(presence, stay)),
                    Some(mixed) => spawn_local(user::mixed(presence, Rc::clone(&mixed.core), stay)),
                };
            }
            LoadEvent::Arrive(arrival) => self.arrive(span, arrival, core),
        }
    }

    /// This core's part of a window's users in the open model. Fewer users than cores leave some cores without. Each arm of a
    /// mixed duet may have half of the users, as it gets half of the arrivals.
    fn enter(&mut self, shape: Shape) -> usize {
        let Shape::Arrivals { max_users, .. } = shape else {
            self.sharing = 1;
            return 0;
        };
        let arms = self.cores().count();
        let users = (max_users as usize).div_ceil(arms).max(1);
        self.sharing = self.part.cores.min(users);
        if self.part.core >= self.sharing {
            return 0;
        }
        users / self.sharing + usize::from(self.part.core < users % self.sharing)
    }

    fn arrive(&mut self, span: Span, arrival: Arrival, core: &Rc<ArmState>) {
        self.planned += 1;
        self.achieved += u64::from(Instant::now() < span.end() + self.grace);
        let due = DueTime {
            time: arrival.due,
            at: span.instant(arrival.due),
        };
        let now = Instant::now();
        let full = core.pool.borrow().is_full_since(now);
        if let Some(waited) = full {
            // It would wait for as long as the first one has, at least.
            let at = due.at.checked_sub(waited).unwrap_or(due.at);
            let longer = DueTime { at, ..due };
            unserved(core, arrival, longer, now, Duration::ZERO, now);
            return;
        }
        let made = core.pool.borrow_mut().offer(arrival, due);
        if let Some(job) = made {
            spawn_local(user::open(ActiveUser::new(core), job));
        }
    }

    /// Counts arrivals that were not even started, by the generator's doing.
    fn give_up_unstarted(&mut self, now: Instant) {
        while let Some((_, start)) = self.schedule.next() {
            let core = self.deal(start);
            if let (true, LoadEvent::Arrive(arrival)) = (self.is_own(start), start) {
                self.planned += 1;
                let due = core.clock.moment_of(arrival.due);
                let late = now.saturating_duration_since(due.at);
                unserved(&core, arrival, due, due.at, late, now);
            }
        }
    }
}

fn set_limit(core: &Rc<ArmState>, limit: usize) {
    let jobs = core.pool.borrow_mut().set_limit(limit, Instant::now());
    for job in jobs {
        spawn_local(user::open(ActiveUser::new(core), job));
    }
}

/// Counts every arrival that nobody served, by the target's doing.
fn give_up_queue(core: &ArmState, now: Instant) {
    let queued = core.pool.borrow_mut().take_queue();
    for (arrival, due) in queued {
        unserved(core, arrival, due, now, Duration::ZERO, now);
    }
}

fn unserved(
    core: &ArmState,
    arrival: Arrival,
    due: DueTime,
    ready: Instant,
    late: Duration,
    now: Instant,
) {
    if let Some(name) = user::first_name(&core.context, core.seed, arrival) {
        core.unanswered(name, due, ready, late, (FailureKind::Unserved, now));
    }
}

/// What an arm measured, when nothing more will be.
fn measured_by(core: &ArmState, now: Instant, names: &[String]) -> Measurement {
    let recorder = core.recorder.replace(Recorder::nothing());
    Measurement {
        traces: core.context.traces.take(),
        ..recorder.finish(when(core, now), names.to_vec())
    }
}

fn measured_so_far(core: &ArmState, now: Instant, names: &[String]) -> Measurement {
    let recorder = core.recorder.borrow().clone();
    recorder.finish(when(core, now), names.to_vec())
}

fn when(core: &ArmState, now: Instant) -> (Duration, Duration) {
    (core.clock.time(now), core.offset(now))
}
