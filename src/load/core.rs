//! What the users of one core share.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::pacer::Pacer;
use super::pool::Pool;
use super::recorder::{Recorder, Sample};
use super::sender::{Gear, Sent};
use crate::measurement::FailureKind;

/// One core of the run: its users run on its thread only.
pub(super) struct Core {
    pub(super) gear: Gear,
    pub(super) pacer: Rc<Pacer>,
    pub(super) recorder: RefCell<Recorder>,
    pub(super) pool: RefCell<Pool>,
    pub(super) seed: u64,
    /// Start of the load.
    pub(super) start: Instant,
    /// Its end: nothing becomes due from here on.
    pub(super) end: Instant,
    present: Cell<usize>,
    emptied: Notify,
    /// When the drain ended: what is dropped from then on is unfinished.
    drained: Cell<Option<Instant>>,
}

impl Core {
    pub(super) fn new(
        gear: Gear,
        pacer: Rc<Pacer>,
        recorder: Recorder,
        seed: u64,
        load: (Instant, Duration),
    ) -> Self {
        Self {
            gear,
            pacer,
            recorder: RefCell::new(recorder),
            pool: RefCell::default(),
            seed,
            start: load.0,
            end: load.0 + load.1,
            present: Cell::new(0),
            emptied: Notify::new(),
            drained: Cell::new(None),
        }
    }

    /// An instant of the schedule.
    pub(super) fn at(&self, offset: Duration) -> Instant {
        self.start + offset
    }

    /// An instant as the recorder knows it.
    pub(super) fn offset(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.start)
    }

    /// Waits until no user is left.
    pub(super) async fn empty(&self) {
        while self.present.get() > 0 {
            self.emptied.notified().await;
        }
    }

    /// Ends the drain: whatever is now given up counts as unfinished.
    pub(super) fn give_up(&self, now: Instant) {
        self.drained.set(Some(now));
    }

    /// Counts a request that was never sent, or whose end nobody waited for.
    pub(super) fn unfinished(&self, name: usize, due: Instant, ready: Instant, now: Instant) {
        self.recorder.borrow_mut().record(&Sample {
            request: name,
            due: self.offset(due),
            ready: self.offset(ready),
            sent: self.offset(ready),
            done: self.offset(now),
            failure: Some(FailureKind::Unfinished),
            cold: None,
            spent: None,
        });
    }
}

/// A user's presence, from joining to leaving, however it ends.
pub(super) struct Presence(Rc<Core>);

impl Presence {
    pub(super) fn new(core: &Rc<Core>) -> Self {
        core.present.set(core.present.get() + 1);
        let now = core.offset(Instant::now());
        core.recorder.borrow_mut().join(now);
        Self(Rc::clone(core))
    }

    pub(super) fn core(&self) -> &Rc<Core> {
        &self.0
    }
}

impl Drop for Presence {
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

/// A request on its way. Dropped unsettled after the drain, it counts as unfinished, so that no gap is left.
pub(super) struct Pending<'a> {
    core: &'a Core,
    name: usize,
    due: Instant,
    ready: Instant,
    settled: bool,
}

impl<'a> Pending<'a> {
    pub(super) fn new(core: &'a Core, name: usize, due: Instant, ready: Instant) -> Self {
        Self {
            core,
            name,
            due,
            ready,
            settled: false,
        }
    }

    /// Records what came of it.
    pub(super) fn settle(mut self, sent: &Sent) {
        self.settled = true;
        let core = self.core;
        core.recorder.borrow_mut().record(&Sample {
            request: self.name,
            due: core.offset(self.due),
            ready: core.offset(self.ready),
            sent: core.offset(sent.at),
            done: core.offset(sent.done),
            failure: sent.failure,
            cold: sent.cold,
            spent: sent.spent,
        });
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if let (false, Some(now)) = (self.settled, self.core.drained.get()) {
            self.core.unfinished(self.name, self.due, self.ready, now);
        }
    }
}
