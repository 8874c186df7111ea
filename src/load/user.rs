//! The flow of one virtual user, in the closed and in the open model.
//!
//! A request is due when the one before it and the pause after it have ended; the first one when its user joins, or when
//! its task arrives. Nothing here decides how much load there is: the schedule does. All times are those of the user's
//! arm, so that a user rests when its arm does.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::arm_clock::{DueTime, Wait};
use super::arm_state::{ActiveUser, ArmState, InFlight, PendingRequest};
use super::dealing::Blocks;
use super::draws::{self, Purpose};
use super::message::CompiledRequest;
use super::pool::{Assignment, IdleSlot, Next, next_job};
use super::prepared::{Action, Class, CompiledScenario, Step, Task};
use super::schedule::{Arrival, UserSession};
use super::sender::{ClientContext, Sender};
use super::site;

/// How long a user rests whose task sent nothing at all, for want of a value; it would spin otherwise.
const NOTHING_SENT: Duration = Duration::from_millis(10);

/// A virtual user.
struct User<'c> {
    core: &'c ArmState,
    sender: Sender,
    /// Whether anything was sent since this was last reset.
    sent: bool,
}

/// A user of the closed model: task after task, with the class's wait in between, until its time is over.
pub(super) async fn closed(presence: ActiveUser, stay: UserSession) {
    let core = presence.core();
    let class = &core.context.script.classes[stay.class];
    let rng = draws::generator(core.seed, Purpose::User(stay.user));
    let mut user = User::new(core, rng);
    let joined = user.until(stay.join).await;
    user.sender.take_rows(&core.context, &class.own_rows);
    user.sender.take_rows(&core.context, &class.start_rows);
    let Some(mut due) = user
        .steps::<{ site::ON_START }>(&class.on_start, false, joined, joined.at)
        .await
    else {
        return;
    };
    while due < stay.leave.min(core.end()) {
        let task = &class.tasks[class.draw(&mut user.sender.rng)];
        let moment = user.until(due).await;
        let Some(ended) = user.task::<{ site::CLOSED }>(task, moment, moment.at).await else {
            return;
        };
        due = ended + user.rest(class);
    }
    leave(core, stay).await;
}

/// A user of the closed model in a mixed duet. It is logged in to both arms, with connections, captures and draws of its own
/// in each, and every pass goes to one of them.
pub(super) async fn mixed(presence: ActiveUser, other: Rc<ArmState>, stay: UserSession) {
    let arms: [&ArmState; 2] = [presence.core(), &other];
    let mut users = arms.map(|core| {
        // The same draws in both arms, so that the n-th pass of one is the n-th of the other.
        User::new(core, draws::generator(core.seed, Purpose::User(stay.user)))
    });
    let mut blocks = Blocks::new(draws::generator(other.seed, Purpose::Passes(stay.user)));
    let mut due = stay.join;
    for _ in arms {
        let start = User::until_in_both(&mut users, due).await;
        let user = &mut users[blocks.next_arm()];
        let class = user.class(stay.class);
        user.sender.take_rows(&user.core.context, &class.own_rows);
        user.sender.take_rows(&user.core.context, &class.start_rows);
        let ended = user.steps::<{ site::MIXED }>(&class.on_start, false, start, start.at);
        match ended.await {
            Some(ended) => due = ended,
            None => return,
        }
    }
    while due < stay.leave.min(arms[0].end()) {
        let start = User::until_in_both(&mut users, due).await;
        let user = &mut users[blocks.next_arm()];
        let class = user.class(stay.class);
        let task = &class.tasks[class.draw(&mut user.sender.rng)];
        let ended = user.task::<{ site::MIXED }>(task, start, start.at).await;
        match ended {
            Some(ended) => due = ended + user.rest(class),
            None => return,
        }
    }
    leave(arms[0], stay).await;
}

/// Waits until a user leaves.
async fn leave(core: &ArmState, stay: UserSession) {
    while let Wait::Refresh = core.clock.wait_past(&core.pacer, stay.leave).await {
        // Who leaves needs no connection, and yet was told to look.
        drop(InFlight::refresh(core));
    }
}

/// A user of the open model: made for an arrival, and kept for those that follow while the pool wants it.
pub(super) async fn open(presence: ActiveUser, mut job: Assignment) {
    let core = presence.core();
    let seat: Rc<IdleSlot> = Rc::default();
    loop {
        let class = job.arrival.class;
        let rng = draws::generator(core.seed, Purpose::Newcomer(job.arrival.index));
        let mut user = User::new(core, rng);
        user.log_in(&mut job).await;
        while job.arrival.class == class {
            user.serve(job).await;
            job = loop {
                match next_job(&core.pool, class, &seat).await {
                    Next::Serve(next) => break next,
                    Next::Refresh => user.refresh().await,
                    Next::Leave => return,
                }
            };
        }
    }
}

/// The index of the task that an arrival draws.
pub(super) fn drawn(script: &CompiledScenario, seed: u64, arrival: Arrival) -> usize {
    let mut rng = draws::generator(seed, Purpose::Arrival(arrival.index));
    script.classes[arrival.class].draw(&mut rng)
}

/// The name and lane of the first request of an arrival's task, to count an arrival under that nobody served.
pub(super) fn first_name(
    context: &ClientContext,
    seed: u64,
    arrival: Arrival,
) -> Option<(usize, usize)> {
    let task = drawn(&context.script, seed, arrival);
    let task = &context.script.classes[arrival.class].tasks[task];
    let mut requests = task.steps.iter().filter_map(Step::request);
    requests
        .next()
        .map(|request| (request.spec.name, request.lane))
}

impl<'c> User<'c> {
    fn new(core: &'c ArmState, rng: rand_chacha::ChaCha8Rng) -> Self {
        Self {
            core,
            sender: Sender::new(&core.context, rng),
            sent: false,
        }
    }

    /// Runs `on_start` for an arrival that waits for it: until the user has logged in there is no idle user, so the
    /// arrival queues for as long. It was due already, so nothing of this waits for the arm's time to run on.
    async fn log_in(&mut self, job: &mut Assignment) {
        let core = self.core;
        let class = &core.context.script.classes[job.arrival.class];
        self.sender.take_rows(&core.context, &class.own_rows);
        self.sender.take_rows(&core.context, &class.start_rows);
        for step in &class.on_start {
            if !self.sender.should_run(step) {
                continue;
            }
            match &step.action {
                Action::Think(pause) => {
                    let rest = draws::pause(&mut self.sender.rng, *pause);
                    core.pacer.until(job.ready + rest).await;
                    job.ready += rest;
                }
                Action::Command(command) => {
                    // What fails makes the next request fail, which is how it shows.
                    let _ = self.sender.run(&core.context, command).await;
                    job.ready = Instant::now();
                }
                Action::Request(request) => {
                    let due = core.clock.moment_within(job.ready);
                    let sent = self.request::<{ site::LOG_IN }>(request, due, job.ready);
                    job.ready = sent.await.0.at;
                }
            }
        }
    }

    /// Runs the task of an arrival, by draws that are the arrival's own, whoever serves it.
    async fn serve(&mut self, job: Assignment) {
        let core = self.core;
        let class = &core.context.script.classes[job.arrival.class];
        self.sender.rng = draws::generator(core.seed, Purpose::Arrival(job.arrival.index));
        let task = &class.tasks[class.draw(&mut self.sender.rng)];
        core.begin();
        self.task::<{ site::OPEN }>(task, job.due, job.ready.max(job.due.at))
            .await;
    }

    fn class(&self, index: usize) -> &'c Class {
        &self.core.context.script.classes[index]
    }

    /// How long a user of the closed model rests after a pass.
    fn rest(&mut self, class: &Class) -> Duration {
        let rest = draws::pause(&mut self.sender.rng, class.wait);
        if std::mem::take(&mut self.sent) {
            rest
        } else {
            rest.max(NOTHING_SENT)
        }
    }

    /// Waits until a time of both arms of a mixed duet, which is the same in both, and keeps the connections meanwhile.
    async fn until_in_both(users: &mut [Self; 2], time: Duration) -> DueTime {
        let core = users[0].core;
        loop {
            match core.clock.wait(&core.pacer, time).await {
                Wait::Over(moment) => return moment,
                Wait::Refresh => {
                    let _owed = InFlight::refresh(core);
                    for user in users.iter_mut() {
                        user.sender.refresh(&user.core.context).await;
                    }
                }
            }
        }
    }

    /// Waits until a time of the arm, and keeps the connection while it rests.
    async fn until(&mut self, time: Duration) -> DueTime {
        loop {
            match self.core.clock.wait(&self.core.pacer, time).await {
                Wait::Over(moment) => return moment,
                Wait::Refresh => self.refresh().await,
            }
        }
    }

    /// Opens the connection again where the server has closed it.
    async fn refresh(&mut self) {
        let _owed = InFlight::refresh(self.core);
        self.sender.refresh(&self.core.context).await;
    }

    /// Runs one pass through a task; its `set` values hold until the end of the pass.
    async fn task<const SITE: u8>(
        &mut self,
        task: &Task,
        due: DueTime,
        ready: Instant,
    ) -> Option<Duration> {
        self.sender.take_rows(&self.core.context, &task.rows);
        let hidden = self.sender.set(&task.set);
        let ended = self
            .steps::<SITE>(&task.steps, task.stop_on_failure, due, ready)
            .await;
        self.sender.restore(hidden);
        ended
    }

    /// Runs steps in order. The first is due at `start` and could have been sent at `ready`. Returns when what follows is
    /// due; none where that is after the end of the load.
    async fn steps<const SITE: u8>(
        &mut self,
        steps: &[Step],
        stop_on_failure: bool,
        start: DueTime,
        ready: Instant,
    ) -> Option<Duration> {
        let mut due = start.time;
        // A queued arrival's first request is due when it came; all else when its time comes.
        let mut first = Some((start, ready));
        for step in steps {
            if !self.sender.should_run(step) {
                continue;
            }
            match &step.action {
                Action::Think(pause) => {
                    if first.take().is_some() {
                        due = due.max(self.core.clock.time(ready));
                    }
                    due += draws::pause(&mut self.sender.rng, *pause);
                }
                Action::Command(command) => {
                    if first.take().is_some() {
                        due = due.max(self.core.clock.time(ready));
                    } else if due >= self.core.end() {
                        return None;
                    } else {
                        self.until(due).await;
                    }
                    let failed = self.sender.run(&self.core.context, command).await.is_err();
                    due = due.max(self.core.clock.time(Instant::now()));
                    if failed && stop_on_failure {
                        break;
                    }
                }
                Action::Request(request) => {
                    let (moment, ready) = match first.take() {
                        Some(first) => first,
                        None if due >= self.core.end() => return None,
                        None => {
                            let moment = self.until(due).await;
                            (moment, moment.at)
                        }
                    };
                    let (ended, failed) = self.request::<SITE>(request, moment, ready).await;
                    due = ended.time;
                    if failed && stop_on_failure {
                        break;
                    }
                }
            }
        }
        Some(due)
    }

    /// Sends a request; returns when it ended, and whether it is lost to the steps that follow.
    async fn request<const SITE: u8>(
        &mut self,
        request: &CompiledRequest,
        due: DueTime,
        ready: Instant,
    ) -> (DueTime, bool) {
        let pending = PendingRequest::new(self.core, request, due, ready);
        let sent = self.sender.send::<SITE>(&self.core.context, request).await;
        let exchange = sent.went_out.then_some(&self.sender.exchange);
        let ended = pending.settle(&sent, exchange);
        self.core.pacer.saw(ended.at);
        self.sent |= sent.went_out;
        (ended, sent.is_lost())
    }
}
