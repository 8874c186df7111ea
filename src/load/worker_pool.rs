//! The threads of a run, one per core, as their conductor sees them: told what to do, waited for, watched.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc as commands, oneshot};

use super::budget::Budget;
use super::config::{Abort, Error, LoadEnd, PATIENCE, Stop};
use super::live_counters::LiveCounters;
use super::progress::Watch;
use super::scheduling::Held;
use super::worker::{self, Command, Event, Shard, WorkerChannels, WorkerPlan, WorkerResult};
use crate::measurement::Measurement;

/// How often the caller's thread looks whether to stop.
const TICK: Duration = Duration::from_millis(50);

/// The threads of a run.
pub(super) struct WorkerPool<'p> {
    plan: &'p WorkerPlan,
    /// One per core and arm.
    pulses: Vec<Arc<LiveCounters>>,
    commands: Vec<commands::UnboundedSender<Command>>,
    stops: Vec<oneshot::Sender<()>>,
    events: mpsc::Receiver<Event>,
    /// What cores that have ended brought back.
    shares: Vec<WorkerResult>,
}

/// What ends a run early, and whoever is told how it goes.
pub(super) struct RunMonitor<'o> {
    pub(super) stop: &'o Stop,
    pub(super) abort: Option<Abort>,
    pub(super) budget: Option<Budget>,
    pub(super) watch: Watch<'o>,
    pub(super) progress: &'o mut dyn FnMut(&super::Progress),
}

/// What waiting came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WaitOutcome {
    /// Every core has done what it was told.
    Done,
    /// The run must end now.
    Early(LoadEnd),
}

impl<'p> WorkerPool<'p> {
    /// Starts one thread per core.
    pub(super) fn start(plan: &'p WorkerPlan, cores: usize) -> Result<Self, Error> {
        let (sender, events) = mpsc::channel();
        let mut crew = Self {
            plan,
            pulses: Vec::new(),
            commands: Vec::new(),
            stops: Vec::new(),
            events,
            shares: Vec::new(),
        };
        for core in 0..cores {
            let (command, orders) = commands::unbounded_channel();
            let (stop, stopped) = oneshot::channel();
            let pulses: Vec<Arc<LiveCounters>> = plan.arms.iter().map(|_| Arc::default()).collect();
            crew.pulses.extend(pulses.iter().cloned());
            crew.commands.push(command);
            crew.stops.push(stop);
            let strings = WorkerChannels {
                commands: orders,
                events: sender.clone(),
                stop: stopped,
            };
            let (plan, part) = (plan.clone(), Shard { core, cores });
            // A worker that dies drops its sender, which its receiver notices.
            thread::Builder::new()
                .name(format!("load-{core}"))
                .spawn(move || worker::run(&plan, part, &pulses, strings))?;
        }
        Ok(crew)
    }

    /// Tells every core what to do next.
    pub(super) fn send(&self, command: Command) {
        for core in &self.commands {
            // A core that died is noticed where it is waited for.
            let _ = core.send(command);
        }
    }

    /// Waits until every core has done all that it was told.
    pub(super) fn wait(&mut self, overseer: &mut RunMonitor<'_>) -> Result<WaitOutcome, Error> {
        self.send(Command::Mark);
        self.gather(overseer, |event| match event {
            Event::Reached => Ok(()),
            other @ (Event::Measured(_) | Event::Ended(_) | Event::Failed(_)) => Err(other),
        })
        .map(|gathered| gathered.map_or_else(WaitOutcome::Early, |_| WaitOutcome::Done))
    }

    /// What was measured so far; the end where the run must end now.
    pub(super) fn report(
        &mut self,
        overseer: &mut RunMonitor<'_>,
    ) -> Result<Result<WorkerResult, LoadEnd>, Error> {
        self.send(Command::Report);
        let gathered = self.gather(overseer, |event| match event {
            Event::Measured(share) => Ok(*share),
            other @ (Event::Reached | Event::Ended(_) | Event::Failed(_)) => Err(other),
        })?;
        gathered.map_or_else(
            |early| Ok(Err(early)),
            |shares| together(shares.into_iter()).map(Ok),
        )
    }

    /// One event of a kind from every core; the end where the run must end before.
    fn gather<T>(
        &mut self,
        overseer: &mut RunMonitor<'_>,
        wanted: impl Fn(Event) -> Result<T, Event>,
    ) -> Result<Result<Vec<T>, LoadEnd>, Error> {
        let mut gathered = Vec::new();
        while gathered.len() < self.commands.len() {
            match self.events.recv_timeout(TICK) {
                Ok(event) => match wanted(event) {
                    Ok(one) => gathered.push(one),
                    Err(Event::Failed(error)) => return Err(error.into()),
                    Err(Event::Reached | Event::Measured(_) | Event::Ended(_)) => {
                        return Err(Error::Worker);
                    }
                },
                Err(RecvTimeoutError::Disconnected) => return Err(Error::Worker),
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(ended) = self.early(overseer) {
                        return Ok(Err(ended));
                    }
                    overseer.watch.report(&self.pulses, overseer.progress);
                }
            }
        }
        Ok(Ok(gathered))
    }

    /// Ends every core and puts together what they bring back. If the run ends early, they end at once, and one that does
    /// not brings nothing back. What was sent is waited for if it is paid for.
    pub(super) fn finish(
        mut self,
        ended: &mut LoadEnd,
        budget: Option<Budget>,
    ) -> Result<WorkerResult, Error> {
        let until = match ended {
            LoadEnd::Completed => None,
            LoadEnd::BudgetSpent { .. } => {
                for stop in self.stops.drain(..) {
                    // A core that died is noticed below.
                    let _ = stop.send(());
                }
                Some(Instant::now() + self.plan.drain + PATIENCE)
            }
            LoadEnd::Interrupted { .. } | LoadEnd::Aborted { .. } | LoadEnd::Unreachable(_) => {
                // Dropped, each ends its core.
                self.stops.clear();
                Some(Instant::now() + PATIENCE)
            }
        };
        self.commands.clear();
        let cores = self.pulses.len() / self.plan.arms.len().max(1);
        while self.shares.len() < cores {
            match self.next(until) {
                Ok(Event::Ended(share)) => self.shares.push(*share),
                Ok(Event::Failed(error)) => return Err(error.into()),
                Ok(Event::Reached | Event::Measured(_)) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return Err(Error::Worker),
            }
        }
        if let (LoadEnd::BudgetSpent { picodollars }, Some(spent)) = (ended, self.spent(budget)) {
            *picodollars = spent;
        }
        if self.shares.is_empty() {
            return Ok(WorkerResult::nothing(self.plan));
        }
        together(self.shares.into_iter())
    }

    fn next(&self, until: Option<Instant>) -> Result<Event, RecvTimeoutError> {
        match until {
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                self.events.recv_timeout(left)
            }
            None => Ok(self.events.recv()?),
        }
    }

    /// What the run has cost so far, if that is all of its budget.
    fn spent(&self, budget: Option<Budget>) -> Option<u64> {
        let usage = self.pulses.iter().map(|pulse| &*pulse.usage);
        budget?.spent(usage, self.plan.start.elapsed())
    }

    /// Why the run must stop before its end, if it must.
    fn early(&self, overseer: &RunMonitor<'_>) -> Option<LoadEnd> {
        if let Some(signal) = overseer.stop.signal() {
            return Some(LoadEnd::Interrupted { signal });
        }
        if let Some(picodollars) = self.spent(overseer.budget) {
            return Some(LoadEnd::BudgetSpent { picodollars });
        }
        let abort = overseer.abort?;
        if self.plan.start.elapsed() < abort.after {
            return None;
        }
        let requests: u64 = self.pulses.iter().map(|pulse| pulse.requests()).sum();
        let failures: u64 = self.pulses.iter().map(|pulse| pulse.errors()).sum();
        (failures as f64 > abort.error_rate * requests as f64)
            .then_some(LoadEnd::Aborted { failures, requests })
    }
}

impl WorkerResult {
    /// What is there if no core brings anything back.
    fn nothing(plan: &WorkerPlan) -> Self {
        let measured = |_| Measurement {
            requests: plan.names.clone(),
            ..Measurement::default()
        };
        Self {
            arms: plan.arms.iter().map(measured).collect(),
            planned: 0,
            achieved: 0,
            busy: None,
            held: Held::default(),
        }
    }

    fn with(mut self, other: Self) -> Self {
        for (arm, other) in self.arms.iter_mut().zip(other.arms) {
            arm.merge(other);
        }
        self.planned += other.planned;
        self.achieved += other.achieved;
        self.held.add(other.held);
        self.busy = self.busy.into_iter().chain(other.busy).reduce(f64::max);
        self
    }
}

/// What all cores brought back.
fn together(mut shares: impl Iterator<Item = WorkerResult>) -> Result<WorkerResult, Error> {
    let first = shares.next().ok_or(Error::Worker)?;
    Ok(shares.fold(first, WorkerResult::with))
}
