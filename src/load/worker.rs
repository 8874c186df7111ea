//! One core's part of a run: its own runtime, its share of users and arrivals of each arm, its own measurements.

use std::io;
use std::iter::Peekable;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc as commands, oneshot};
use tokio::task::{coop, spawn_local};

use super::arm_clock::{DueTime, Span};
use super::arm_state::{ActiveUser, ArmState};
use super::health::CpuMeter;
use super::http::Connector;
use super::live_counters::LiveCounters;
use super::prepared::CompiledScenario;
use super::recorder::Recorder;
use super::schedule::{Arrival, LoadEvent, Schedule};
use super::scheduling::{self, Governor, Held, LocalTarget, SchedulingPolicy};
use super::sender::ClientContext;
use super::timetable::Timetable;
use super::user;
use crate::measurement::{FailureKind, Measurement};
use crate::scenario::Shape;
use crate::timer::Pacer;

/// Threads that resolve names; the default of 512 would cost more memory than all users.
const RESOLVERS: usize = 8;

/// What every core is told.
#[derive(Clone)]
pub(super) struct WorkerPlan {
    /// The arms: the deployment under test, and in a duet the one that it is compared with.
    pub(super) arms: Vec<ArmPlan>,
    /// Names of the requests.
    pub(super) names: Vec<String>,
    pub(super) seed: u64,
    /// Start of the load.
    pub(super) start: Instant,
    /// How long after the end of the load, or of a slice, what is unfinished is waited for.
    pub(super) drain: Duration,
    /// Which scheduling every core asks for.
    pub(super) scheduling: SchedulingPolicy,
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

/// What the conductor asks of every core; the arm is an index into the plan's.
#[derive(Clone, Copy, Debug)]
pub(super) enum Command {
    /// Load an arm for a span of its time.
    Load {
        /// The arm.
        arm: usize,
        /// Its time.
        span: Span,
    },
    /// Wait until all that was due has ended.
    Settle {
        /// The arm.
        arm: usize,
    },
    /// Let resting users look whether their connections are still there.
    Refresh {
        /// The arm.
        arm: usize,
    },
    /// Wait until the last user has left.
    Drain {
        /// The arm.
        arm: usize,
    },
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
    /// Told or dropped, it ends the core at once.
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
    let told = match perform(plan, part, pulses, commands, &events, stop) {
        Ok(share) => Event::Ended(Box::new(share)),
        Err(error) => Event::Failed(error),
    };
    // The receiver is gone where another core failed first, and is told of then.
    let _ = events.send(told);
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
        .on_thread_start(scheduling::leave)
        .build_local(LocalOptions::default())?;
    let governor = Rc::new(Governor::start(plan.scheduling));
    let (mut arms, meter) = runtime.block_on(async {
        let pacer = Pacer::new()?;
        let driver = Rc::clone(&pacer);
        spawn_local(async move { driver.drive().await });
        let arms = plan.arms.iter().zip(pulses);
        let mut arms: Vec<ArmDriver<'_>> = arms
            .map(|(arm, pulse)| ArmDriver::new(plan, arm, part, &pacer, pulse))
            .collect();
        let local = arms.iter().zip(&plan.arms).zip(pulses);
        let local = local
            .filter(|((_, arm), _)| arm.connector.origin().is_loopback())
            .map(|((work, _), pulse)| LocalTarget::new(&work.core, pulse))
            .collect();
        let governed = Rc::clone(&governor);
        spawn_local(async move { governed.run(&pacer, local).await });
        let mut meter = CpuMeter::new();
        tokio::select! {
            biased;
            _ = stop => {}
            () = obey(&mut arms, &mut meter, commands, events, plan, &governor) => {}
        }
        meter.turn(false);
        io::Result::Ok((arms, meter))
    })?;
    let now = Instant::now();
    // Drops all users, which settles what they have in flight; a resolver that hangs is not waited for.
    runtime.shutdown_background();
    let measured = arms.iter_mut().map(|arm| arm.measured(now, &plan.names));
    let measured = measured.collect();
    Ok(share(&arms, measured, &meter, &governor))
}

fn share(
    arms: &[ArmDriver<'_>],
    measured: Vec<Measurement>,
    meter: &CpuMeter,
    governor: &Governor,
) -> WorkerResult {
    WorkerResult {
        arms: measured,
        planned: arms.iter().map(|arm| arm.planned.max(arm.achieved)).sum(),
        achieved: arms.iter().map(|arm| arm.achieved).sum(),
        busy: meter.share(),
        held: governor.held(),
    }
}

/// Does what the conductor asks, one thing after the other, until it asks for nothing more.
async fn obey(
    arms: &mut [ArmDriver<'_>],
    meter: &mut CpuMeter,
    mut commands: commands::UnboundedReceiver<Command>,
    events: &mpsc::Sender<Event>,
    plan: &WorkerPlan,
    governor: &Governor,
) {
    while let Some(command) = commands.recv().await {
        let told = match command {
            Command::Load { arm, span } => {
                arms[arm].load(span, meter).await;
                meter.turn(false);
                continue;
            }
            Command::Settle { arm } => {
                arms[arm].settle(plan.drain).await;
                continue;
            }
            Command::Refresh { arm } => {
                arms[arm].core.refresh().await;
                continue;
            }
            Command::Drain { arm } => {
                arms[arm].drain(plan.drain).await;
                continue;
            }
            Command::Mark => Event::Reached,
            Command::Report => {
                let now = Instant::now();
                let measured = arms.iter().map(|arm| arm.so_far(now, &plan.names));
                Event::Measured(Box::new(share(arms, measured.collect(), meter, governor)))
            }
        };
        if events.send(told).is_err() {
            return;
        }
    }
}

/// One arm on one core: starts what is due.
struct ArmDriver<'p> {
    core: Rc<ArmState>,
    table: &'p Timetable,
    schedule: Peekable<Schedule<'p>>,
    part: Shard,
    /// How many cores share the arrivals of the current window.
    sharing: usize,
    grace: Duration,
    planned: u64,
    achieved: u64,
}

impl<'p> ArmDriver<'p> {
    fn new(
        plan: &'p WorkerPlan,
        arm: &'p ArmPlan,
        part: Shard,
        pacer: &Rc<Pacer>,
        pulse: &Arc<LiveCounters>,
    ) -> Self {
        let gear = ClientContext::new(&arm.script, &arm.connector);
        let recorder = Recorder::new(
            Arc::clone(&arm.table),
            (arm.script.names, &arm.script.lanes),
            Arc::clone(pulse),
        );
        let load = (plan.start, arm.table.end());
        Self {
            core: Rc::new(ArmState::new(
                gear,
                Rc::clone(pacer),
                recorder,
                plan.seed,
                load,
            )),
            table: &arm.table,
            schedule: Schedule::new(&arm.table, &arm.weights, plan.seed).peekable(),
            part,
            sharing: 1,
            grace: plan.grace,
            planned: 0,
            achieved: 0,
        }
    }

    /// Starts everything that is due in a span when it is due, and returns when the span has ended.
    async fn load(&mut self, span: Span, meter: &mut CpuMeter) {
        self.core.clock.run(span);
        let now = self.core.offset(Instant::now());
        self.core.recorder.borrow_mut().resume(now);
        let window = &self.table.windows[self.table.window_at(span.from)];
        meter.turn(window.measure && !window.shape.is_idle());
        while let Some((time, start)) = self.schedule.next_if(|(time, _)| *time < span.to) {
            // A schedule that is behind must not keep its users from running.
            coop::consume_budget().await;
            if self.is_own(start) {
                self.core.pacer.until(span.instant(time)).await;
                self.start(span, start, meter);
            }
        }
        self.core.pacer.until(span.end()).await;
    }

    /// Waits until all that was due has ended; arrivals that still queue when the time for it is up are given up.
    async fn settle(&mut self, bound: Duration) {
        let core = Rc::clone(&self.core);
        if tokio::time::timeout(bound, core.settle()).await.is_err() {
            self.give_up_queue(Instant::now());
            core.settle().await;
        }
        let now = core.offset(Instant::now());
        core.recorder.borrow_mut().rest(now);
    }

    /// Waits until the last user has left; what is unfinished when the time for it is up counts as a failure.
    async fn drain(&mut self, bound: Duration) {
        let core = Rc::clone(&self.core);
        Self::set_limit(&core, 0);
        if tokio::time::timeout(bound, core.empty()).await.is_err() {
            let now = Instant::now();
            core.give_up(now);
            self.give_up_queue(now);
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

    fn start(&mut self, span: Span, start: LoadEvent, meter: &mut CpuMeter) {
        match start {
            LoadEvent::Window(index) => {
                let window = &self.table.windows[index];
                meter.turn(window.measure && !window.shape.is_idle());
                let limit = self.enter(window.shape);
                Self::set_limit(&self.core, limit);
            }
            LoadEvent::Join(stay) => {
                spawn_local(user::closed(ActiveUser::new(&self.core), stay));
            }
            LoadEvent::Arrive(arrival) => self.arrive(span, arrival),
        }
    }

    /// This core's part of a window's users in the open model. Fewer users than cores leave some cores without.
    fn enter(&mut self, shape: Shape) -> usize {
        let Shape::Arrivals { max_users, .. } = shape else {
            self.sharing = 1;
            return 0;
        };
        let users = (max_users as usize).max(1);
        self.sharing = self.part.cores.min(users);
        if self.part.core >= self.sharing {
            return 0;
        }
        users / self.sharing + usize::from(self.part.core < users % self.sharing)
    }

    fn set_limit(core: &Rc<ArmState>, limit: usize) {
        let jobs = core.pool.borrow_mut().set_limit(limit, Instant::now());
        for job in jobs {
            spawn_local(user::open(ActiveUser::new(core), job));
        }
    }

    fn arrive(&mut self, span: Span, arrival: Arrival) {
        self.planned += 1;
        self.achieved += u64::from(Instant::now() < span.end() + self.grace);
        let due = DueTime {
            time: arrival.due,
            at: span.instant(arrival.due),
        };
        let now = Instant::now();
        let full = self.core.pool.borrow().is_full_since(now);
        if let Some(waited) = full {
            // It would wait for as long as the first one has, at least.
            let at = due.at.checked_sub(waited).unwrap_or(due.at);
            let longer = DueTime { at, ..due };
            self.unserved(arrival, longer, now, Duration::ZERO, now);
            return;
        }
        let made = self.core.pool.borrow_mut().offer(arrival, due);
        if let Some(job) = made {
            spawn_local(user::open(ActiveUser::new(&self.core), job));
        }
    }

    /// Counts every arrival that nobody served, by the target's doing.
    fn give_up_queue(&self, now: Instant) {
        let queued = self.core.pool.borrow_mut().take_queue();
        for (arrival, due) in queued {
            self.unserved(arrival, due, now, Duration::ZERO, now);
        }
    }

    /// The same for arrivals that were not even started, by the generator's.
    fn give_up_unstarted(&mut self, now: Instant) {
        while let Some((_, start)) = self.schedule.next() {
            if let (true, LoadEvent::Arrive(arrival)) = (self.is_own(start), start) {
                self.planned += 1;
                let due = self.core.clock.moment_of(arrival.due);
                let late = now.saturating_duration_since(due.at);
                self.unserved(arrival, due, due.at, late, now);
            }
        }
    }

    fn unserved(
        &self,
        arrival: Arrival,
        due: DueTime,
        ready: Instant,
        late: Duration,
        now: Instant,
    ) {
        let core = &self.core;
        if let Some(name) = user::first_name(&core.gear, core.seed, arrival) {
            core.unanswered(name, due, ready, late, (FailureKind::Unserved, now));
        }
    }

    fn measured(&mut self, now: Instant, names: &[String]) -> Measurement {
        let recorder = self.core.recorder.replace(Recorder::nothing());
        recorder.finish(self.when(now), names.to_vec())
    }

    fn so_far(&self, now: Instant, names: &[String]) -> Measurement {
        let recorder = self.core.recorder.borrow().clone();
        recorder.finish(self.when(now), names.to_vec())
    }

    fn when(&self, now: Instant) -> (Duration, Duration) {
        (self.core.clock.time(now), self.core.offset(now))
    }
}
