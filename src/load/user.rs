//! The flow of one virtual user, in the closed and in the open model.
//!
//! A request is due when the one before it and the pause after it have ended; the first one when its user joins, or when
//! its task arrives. Nothing here decides how much load there is: the schedule does.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::core::{Core, Pending, Presence};
use super::draws::{self, Purpose};
use super::pool::{Job, Seat, next_job};
use super::prepared::{Prepared, Script, Step, Task};
use super::schedule::{Arrival, Stay};
use super::sender::{Gear, Sender};

/// How long a user rests whose task sent nothing at all, for want of a value; it would spin otherwise.
const NOTHING_SENT: Duration = Duration::from_millis(10);

/// A virtual user.
struct User<'c> {
    core: &'c Core,
    sender: Sender,
    /// Whether anything was sent since this was last reset.
    sent: bool,
}

/// A user of the closed model: task after task, with the class's wait in between, until its time is over.
pub(super) async fn closed(presence: Presence, stay: Stay) {
    let core = presence.core();
    let (mut due, leave) = (core.at(stay.join), core.at(stay.leave));
    let class = &core.gear.script.classes[stay.class];
    let rng = draws::generator(core.seed, Purpose::User(stay.user));
    let mut user = User {
        core,
        sender: Sender::new(&core.gear, rng),
        sent: false,
    };
    match user.steps(&class.on_start, false, due, due).await {
        Some(ended) => due = ended,
        None => return,
    }
    while due < leave {
        let task = &class.tasks[class.draw(&mut user.sender.rng)];
        let Some(ended) = user.task(task, due, due).await else {
            return;
        };
        let mut rest = draws::pause(&mut user.sender.rng, class.wait);
        if !std::mem::take(&mut user.sent) {
            rest = rest.max(NOTHING_SENT);
        }
        due = ended + rest;
        core.pacer.until(due.min(leave)).await;
    }
}

/// A user of the open model: made for an arrival, and kept for those that follow while the pool wants it.
pub(super) async fn open(presence: Presence, mut job: Job) {
    let core = presence.core();
    let seat: Rc<Seat> = Rc::default();
    loop {
        let class = job.arrival.class;
        let rng = draws::generator(core.seed, Purpose::Newcomer(job.arrival.index));
        let mut user = User {
            core,
            sender: Sender::new(&core.gear, rng),
            sent: false,
        };
        let on_start = &core.gear.script.classes[class].on_start;
        // Until the user has logged in there is no idle user, so the arrival queues for as long.
        if let Some(ended) = user.steps(on_start, false, job.ready, job.ready).await {
            job.ready = ended;
        }
        while job.arrival.class == class {
            user.serve(job).await;
            match next_job(&core.pool, class, &seat).await {
                Some(next) => job = next,
                None => return,
            }
        }
    }
}

/// The task that an arrival draws.
fn drawn(script: &Script, seed: u64, arrival: Arrival) -> &Task {
    let class = &script.classes[arrival.class];
    let mut rng = draws::generator(seed, Purpose::Arrival(arrival.index));
    &class.tasks[class.draw(&mut rng)]
}

/// The name of the first request of an arrival's task, to count an arrival under that nobody served.
pub(super) fn first_name(gear: &Gear, seed: u64, arrival: Arrival) -> Option<usize> {
    let task = drawn(&gear.script, seed, arrival);
    let mut requests = task.steps.iter().filter_map(Step::request);
    requests.next().map(|request| request.name)
}

impl User<'_> {
    /// Runs the task of an arrival, by draws that are the arrival's own, whoever serves it.
    async fn serve(&mut self, job: Job) {
        let core = self.core;
        let class = &core.gear.script.classes[job.arrival.class];
        self.sender.rng = draws::generator(core.seed, Purpose::Arrival(job.arrival.index));
        let task = &class.tasks[class.draw(&mut self.sender.rng)];
        let due = core.at(job.arrival.due);
        self.task(task, due, job.ready.max(due)).await;
    }

    /// Runs one pass through a task; its `set` values hold until the end of the pass.
    async fn task(&mut self, task: &Task, due: Instant, ready: Instant) -> Option<Instant> {
        let hidden = self.sender.set(&task.set);
        let ended = self
            .steps(&task.steps, task.stop_on_failure, due, ready)
            .await;
        self.sender.restore(hidden);
        ended
    }

    /// Runs steps in order. The first is due at `due` and could have been sent at `ready`. Returns when what follows is
    /// due; none where that is after the end of the load.
    async fn steps(
        &mut self,
        steps: &[Step],
        stop_on_failure: bool,
        start: Instant,
        ready: Instant,
    ) -> Option<Instant> {
        let (mut due, mut ready) = (start, ready);
        for step in steps {
            match step {
                Step::Think(pause) => {
                    due = due.max(ready) + draws::pause(&mut self.sender.rng, *pause);
                    ready = due;
                }
                Step::Request(request) => {
                    if due >= self.core.end && due > start {
                        return None;
                    }
                    self.core.pacer.until(due).await;
                    let (done, failed) = self.request(request, due, ready).await;
                    (due, ready) = (done, done);
                    if failed && stop_on_failure {
                        break;
                    }
                }
            }
        }
        Some(due)
    }

    async fn request(
        &mut self,
        request: &Prepared,
        due: Instant,
        ready: Instant,
    ) -> (Instant, bool) {
        let pending = Pending::new(self.core, request.name, due, ready);
        let sent = self.sender.send(&self.core.gear, request).await;
        pending.settle(&sent);
        self.sent |= sent.spent.is_some();
        (sent.done, sent.failure.is_some())
    }
}
