//! What the users of one arm share on one core.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::arm_clock::{ArmClock, DueTime};
use super::budget::Meter;
use super::http::Exchange;
use super::message::CompiledRequest;
use super::pool::Pool;
use super::recorder::{Recorder, RequestSample};
use super::sender::{ClientContext, Sent};
use crate::measurement::{ColdStartMark, FailureKind};
use crate::timer::Pacer;

/// What a target owes at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backlog {
    /// Requests that are due and have not ended.
    pub(super) outstanding: usize,
    /// Users of the closed model; none in the open model.
    pub(super) users: Option<usize>,
}

impl Backlog {
    /// What two targets owe that have their users in common.
    pub(super) fn with(self, other: Self) -> Self {
        let users = self.users.zip(other.users);
        Self {
            outstanding: self.outstanding + other.outstanding,
            users: users.map(|(own, other)| own + other),
        }
    }
}

/// One arm on one core: its users run on that core's thread only.
pub(super) struct ArmState {
    pub(super) context: ClientContext,
    pub(super) pacer: Rc<Pacer>,
    pub(super) clock: ArmClock,
    pub(super) recorder: RefCell<Recorder>,
    pub(super) pool: RefCell<Pool>,
    pub(super) seed: u64,
    /// The arm's last time: nothing becomes due from here on.
    end: Cell<Duration>,
    /// Start of the load, from which instants are told.
    start: Instant,
    /// Counts what is used of a budget, if there is one.
    meter: Option<Meter>,
    present: Cell<usize>,
    emptied: Notify,
    /// Requests that were due and have not ended.
    owed: Cell<usize>,
    /// Whether somebody waits until none is.
    is_settling: Cell<bool>,
    settled: Notify,
    /// When the drain ended: what is dropped from then on is unfinished.
    drained: Cell<Option<Instant>>,
}

impl ArmState {
    pub(super) fn new(
        context: ClientContext,
        pacer: Rc<Pacer>,
        recorder: Recorder,
        seed: u64,
        load: (Instant, Duration),
    ) -> Self {
        Self {
            context,
            pacer,
            clock: ArmClock::default(),
            recorder: RefCell::new(recorder),
            pool: RefCell::default(),
            seed,
            end: Cell::new(load.1),
            start: load.0,
            meter: None,
            present: Cell::new(0),
            emptied: Notify::new(),
            owed: Cell::new(0),
            is_settling: Cell::new(false),
            settled: Notify::new(),
            drained: Cell::new(None),
        }
    }

    /// The same with what counts for a budget.
    pub(super) fn with_meter(self, meter: Option<Meter>) -> Self {
        Self { meter, ..self }
    }

    /// The arm's last time.
    pub(super) fn end(&self) -> Duration {
        self.end.get()
    }

    /// Lets nothing become due any more, not even what is queued.
    pub(super) fn send_no_more(&self) {
        self.end.set(Duration::ZERO);
        drop(self.pool.borrow_mut().take_queue());
    }

    /// An instant as the recorder knows it.
    pub(super) fn offset(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.start)
    }

    /// What the target owes right now.
    pub(super) fn backlog(&self) -> Backlog {
        let pool = self.pool.borrow();
        Backlog {
            outstanding: self.owed.get() + pool.queued(),
            users: pool.is_closed().then(|| self.present.get()),
        }
    }

    /// Waits until no user is left.
    pub(super) async fn empty(&self) {
        while self.present.get() > 0 {
            self.emptied.notified().await;
        }
    }

    /// Waits until all that was due has ended, queued arrivals included.
    pub(super) async fn settle(&self) {
        self.is_settling.set(true);
        while self.owed.get() > 0 || !self.pool.borrow().is_settled() {
            self.settled.notified().await;
        }
        self.is_settling.set(false);
    }

    /// Lets every resting user look whether its connection is still there, and waits until all have.
    pub(super) async fn refresh(&self) {
        let resting = self.clock.refresh() + self.pool.borrow_mut().refresh();
        // Each gives one back.
        self.owed.set(self.owed.get() + resting);
        self.settle().await;
    }

    /// A user begins the job that it was given; its first request is owed from here on.
    pub(super) fn begin(&self) {
        self.pool.borrow_mut().begin();
        self.tell_settled();
    }

    fn tell_settled(&self) {
        if self.owed.get() == 0 && self.is_settling.get() {
            self.settled.notify_one();
        }
    }

    /// Ends the drain: whatever is now given up counts as unfinished.
    pub(super) fn give_up(&self, now: Instant) {
        self.drained.set(Some(now));
    }

    /// Counts a request that nobody waits for any more, sent or not. Of its time until `now`, what passed before `ready` was
    /// spent in the queue, and `delay` was the generator's own delay.
    pub(super) fn unanswered(
        &self,
        (request, lane): (usize, usize),
        due: DueTime,
        ready: Instant,
        delay: Duration,
        (failure, now): (FailureKind, Instant),
    ) {
        self.recorder.borrow_mut().record(&RequestSample {
            request,
            lane,
            due: due.time,
            ended: self.clock.time(now),
            done: self.offset(now),
            latency: now.saturating_duration_since(due.at),
            queue: ready.saturating_duration_since(due.at),
            late: delay,
            service: now.saturating_duration_since(ready),
            failure: Some(failure),
            start: ColdStartMark::Untracked,
            id: None,
            exchange: None,
        });
    }
}

/// A user's presence, from joining to leaving, however it ends.
pub(super) struct ActiveUser(Rc<ArmState>);

impl ActiveUser {
    pub(super) fn new(core: &Rc<ArmState>) -> Self {
        core.present.set(core.present.get() + 1);
        let now = core.offset(Instant::now());
        core.recorder.borrow_mut().join(now);
        Self(Rc::clone(core))
    }

    pub(super) fn core(&self) -> &Rc<ArmState> {
        &self.0
    }
}

impl Drop for ActiveUser {
    fn drop(&mut self) {
        let core = &self.0;
        let now = core.offset(Instant::now());
        core.recorder.borrow_mut().leave(now);
        core.present.set(core.present.get() - 1);
        if core.present.get() == 0 {
            core.emptied.notify_one();
        }
    }
}

/// Something that was due and has not ended: as long as there is one, its arm is not settled.
pub(super) struct InFlight<'a>(&'a ArmState);

impl<'a> InFlight<'a> {
    pub(super) fn new(core: &'a ArmState) -> Self {
        core.owed.set(core.owed.get() + 1);
        Self(core)
    }

    /// What [`ArmState::refresh`] counted already.
    pub(super) fn refresh(core: &'a ArmState) -> Self {
        Self(core)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.owed.set(self.0.owed.get() - 1);
        self.0.tell_settled();
    }
}

/// A request on its way. Dropped unsettled after the drain, it counts as unfinished, so that no gap is left.
pub(super) struct PendingRequest<'a> {
    owed: InFlight<'a>,
    name: usize,
    lane: usize,
    due: DueTime,
    ready: Instant,
    /// How often it may be sent, redirects included.
    times: u64,
    settled: bool,
}

impl<'a> PendingRequest<'a> {
    pub(super) fn new(
        core: &'a ArmState,
        request: &CompiledRequest,
        due: DueTime,
        ready: Instant,
    ) -> Self {
        if let Some(meter) = &core.meter {
            meter.begin(core.offset(ready));
        }
        Self {
            owed: InFlight::new(core),
            name: request.spec.name,
            lane: request.lane,
            due,
            ready,
            times: 1 + u64::from(request.spec.redirects),
            settled: false,
        }
    }

    /// Records what came of it, on the wire too where it was sent. Returns when it ended.
    pub(super) fn settle(mut self, sent: &Sent, exchange: Option<&Exchange>) -> DueTime {
        self.settled = true;
        let core = self.owed.0;
        if let Some(meter) = &core.meter {
            meter.end(core.offset(self.ready), sent, self.times);
        }
        // One follows the other, so they add up to the latency.
        let queue = self.ready.saturating_duration_since(self.due.at);
        let late = sent.at.saturating_duration_since(self.ready);
        let service = sent.done.saturating_duration_since(sent.at);
        let ended = DueTime {
            time: core.clock.time(sent.done),
            at: sent.done,
        };
        core.recorder.borrow_mut().record(&RequestSample {
            request: self.name,
            lane: self.lane,
            due: self.due.time,
            ended: ended.time,
            done: core.offset(ended.at),
            latency: queue + late + service,
            queue,
            late,
            service,
            failure: sent.failure,
            start: sent.start,
            id: sent.id,
            exchange,
        });
        ended
    }
}

impl Drop for PendingRequest<'_> {
    fn drop(&mut self) {
        let core = self.owed.0;
        if let (false, Some(now)) = (self.settled, core.drained.get()) {
            let end = (FailureKind::Unfinished, now);
            core.unanswered(
                (self.name, self.lane),
                self.due,
                self.ready,
                Duration::ZERO,
                end,
            );
        }
    }
}
