//! One core's part of a run: its own runtime, its share of users and arrivals, its own measurement.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::oneshot;
use tokio::task::{coop, spawn_local};

use super::core::{Core, Presence};
use super::health::Meter;
use super::http::{Connector, Scratch};
use super::pacer::Pacer;
use super::prepared::Script;
use super::pulse::Pulse;
use super::recorder::Recorder;
use super::schedule::{Arrival, Schedule, Start};
use super::sender::Gear;
use super::timetable::Timetable;
use super::user;
use crate::measurement::Measurement;
use crate::scenario::Shape;

/// Threads that resolve names; the default of 512 would cost more memory than all users.
const RESOLVERS: usize = 8;

/// What every core is told.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) script: Arc<Script>,
    pub(super) connector: Arc<Connector>,
    pub(super) table: Timetable,
    /// Weights of the classes.
    pub(super) weights: Vec<u32>,
    /// Names of the requests.
    pub(super) names: Vec<String>,
    pub(super) seed: u64,
    /// Start of the load.
    pub(super) start: Instant,
    /// How long after its end what is unfinished is waited for.
    pub(super) drain: Duration,
}

/// Which part of the load is a core's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) core: usize,
    pub(super) cores: usize,
}

/// What a core brings back.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) measurement: Measurement,
    /// Arrivals that were due.
    pub(super) planned: u64,
    /// Arrivals that were started, or queued for want of an idle user, before the load ended.
    pub(super) achieved: u64,
    /// How busy this core's thread was in the measured phases.
    pub(super) busy: Option<f64>,
}

/// An arrival handed over so shortly after the end of the load still counts as achieved.
const GRACE: Duration = Duration::from_millis(100);

/// Runs one core's part until the load has ended and drained, or `stop` is told or dropped.
pub(super) fn run(
    plan: &Plan,
    part: Part,
    pulse: Arc<Pulse>,
    stop: oneshot::Receiver<()>,
) -> io::Result<Share> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(RESOLVERS)
        .build_local(LocalOptions::default())?;
    let (core, mut starter, now) = runtime.block_on(async {
        let core = core(plan, pulse)?;
        let mut starter = Starter::new(plan, part);
        let bound = (core.end + plan.drain).into();
        let now = tokio::select! {
            biased;
            _ = stop => Instant::now(),
            done = tokio::time::timeout_at(bound, starter.run(&core)) => {
                let now = Instant::now();
                if done.is_err() {
                    core.give_up(now);
                    starter.give_up(&core, now);
                }
                now
            }
        };
        io::Result::Ok((core, starter, now))
    })?;
    // Drops all users, which settles what they have in flight; a resolver that hangs is not waited for.
    runtime.shutdown_background();
    starter.planned = starter.planned.max(starter.achieved);
    let recorder = core.recorder.replace(Recorder::nothing());
    let ended = core.offset(now);
    Ok(Share {
        measurement: recorder.finish(ended, plan.names.clone()),
        planned: starter.planned,
        achieved: starter.achieved,
        busy: starter.meter.share(),
    })
}

fn core(plan: &Plan, pulse: Arc<Pulse>) -> io::Result<Rc<Core>> {
    let pacer = Pacer::new()?;
    let driver = Rc::clone(&pacer);
    spawn_local(async move { driver.drive().await });
    let gear = Gear {
        script: Arc::clone(&plan.script),
        connector: Arc::clone(&plan.connector),
        scratch: Scratch::default(),
    };
    let recorder = Recorder::new(plan.table.clone(), plan.script.names, pulse);
    let load = (plan.start, plan.table.end());
    Ok(Rc::new(Core::new(gear, pacer, recorder, plan.seed, load)))
}

/// Starts what is due on one core.
struct Starter<'p> {
    table: &'p Timetable,
    schedule: Schedule<'p>,
    part: Part,
    /// How many cores share the arrivals of the current window.
    sharing: usize,
    planned: u64,
    achieved: u64,
    meter: Meter,
}

impl<'p> Starter<'p> {
    fn new(plan: &'p Plan, part: Part) -> Self {
        Self {
            table: &plan.table,
            schedule: Schedule::new(&plan.table, &plan.weights, plan.seed),
            part,
            sharing: 1,
            planned: 0,
            achieved: 0,
            meter: Meter::new(),
        }
    }

    /// Starts everything when it is due, then waits for the end of the load and until the last user has left.
    async fn run(&mut self, core: &Rc<Core>) {
        loop {
            // A schedule that is behind must not keep its users from running.
            coop::consume_budget().await;
            let Some((at, start)) = self.schedule.next() else {
                break;
            };
            if self.is_own(start) {
                core.pacer.until(core.at(at)).await;
                self.start(core, start);
            }
        }
        core.pacer.until(core.end).await;
        self.meter.turn(false);
        Self::set_limit(core, 0);
        core.empty().await;
    }

    fn is_own(&self, start: Start) -> bool {
        let Part { core, cores } = self.part;
        match start {
            Start::Window(_) => true,
            Start::Join(stay) => stay.user % cores as u64 == core as u64,
            Start::Arrive(arrival) => arrival.index % self.sharing as u64 == core as u64,
        }
    }

    fn start(&mut self, core: &Rc<Core>, start: Start) {
        match start {
            Start::Window(index) => {
                let limit = self.enter(index);
                Self::set_limit(core, limit);
            }
            Start::Join(stay) => {
                spawn_local(user::closed(Presence::new(core), stay));
            }
            Start::Arrive(arrival) => self.arrive(core, arrival),
        }
    }

    /// This core's part of a window's users in the open model. Fewer users than cores leave some cores without.
    fn enter(&mut self, index: usize) -> usize {
        let window = &self.table.windows[index];
        self.meter.turn(window.measure && !window.shape.is_idle());
        let Shape::Arrivals { max_users, .. } = window.shape else {
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

    fn set_limit(core: &Rc<Core>, limit: usize) {
        let jobs = core.pool.borrow_mut().set_limit(limit, Instant::now());
        for job in jobs {
            spawn_local(user::open(Presence::new(core), job));
        }
    }

    fn arrive(&mut self, core: &Rc<Core>, arrival: Arrival) {
        self.planned += 1;
        self.achieved += u64::from(Instant::now() < core.end + GRACE);
        let made = core.pool.borrow_mut().offer(arrival, core.at(arrival.due));
        if let Some(job) = made {
            spawn_local(user::open(Presence::new(core), job));
        }
    }

    /// Counts every arrival that nobody served as unfinished: queued ones as the target's doing, and those that were not
    /// even started as the generator's.
    fn give_up(&mut self, core: &Core, now: Instant) {
        let queued = core.pool.borrow_mut().take_queue();
        for arrival in queued {
            Self::unserved(core, arrival, now, now);
        }
        while let Some((_, start)) = self.schedule.next() {
            if let (true, Start::Arrive(arrival)) = (self.is_own(start), start) {
                self.planned += 1;
                Self::unserved(core, arrival, core.at(arrival.due), now);
            }
        }
    }

    fn unserved(core: &Core, arrival: Arrival, ready: Instant, now: Instant) {
        if let Some(name) = user::first_name(&core.gear, core.seed, arrival) {
            core.unfinished(name, core.at(arrival.due), ready, now);
        }
    }
}
