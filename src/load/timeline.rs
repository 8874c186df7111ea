//! The run second by second, by when responses came.

use std::sync::Arc;
use std::time::Duration;

use super::live_counters::LiveCounters;
use crate::measurement::{FailureKind, LatencyHistogram, Second};

/// The seconds of one arm on one core: the running one open, those before compact.
#[derive(Clone)]
pub(super) struct Timeline {
    running: Second,
    ended: Vec<Second>,
    /// Users present now.
    users: u32,
    /// Whether they rest.
    is_resting: bool,
    pulse: Arc<LiveCounters>,
}

impl Timeline {
    pub(super) fn new(pulse: Arc<LiveCounters>) -> Self {
        Self {
            running: Second::default(),
            ended: Vec::new(),
            users: 0,
            is_resting: false,
            pulse,
        }
    }

    pub(super) fn join(&mut self, at: Duration) {
        self.roll_to(at);
        self.users += 1;
        self.running.users = self.running.users.max(self.users);
        self.pulse.set_users(self.users);
    }

    pub(super) fn leave(&mut self, at: Duration) {
        self.roll_to(at);
        self.users = self.users.saturating_sub(1);
        self.pulse.set_users(self.users);
    }

    /// The users send nothing until they are resumed, and do not count as present.
    pub(super) fn rest(&mut self, at: Duration) {
        self.roll_to(at);
        self.is_resting = true;
        self.pulse.set_users(0);
        self.pulse.publish(&LatencyHistogram::new());
    }

    pub(super) fn resume(&mut self, at: Duration) {
        self.roll_to(at);
        self.is_resting = false;
        self.running.users = self.running.users.max(self.users);
        self.pulse.set_users(self.users);
    }

    pub(super) fn record(&mut self, at: Duration, latency: Duration, failure: Option<FailureKind>) {
        self.roll_to(at);
        self.running.requests += 1;
        if let Some(kind) = failure {
            *self.running.errors.entry(kind).or_default() += 1;
        }
        self.pulse.count(failure.is_some());
        if failure.is_none_or(FailureKind::is_censored) {
            self.running.latencies.record(latency);
        }
    }

    fn roll_to(&mut self, at: Duration) {
        while (self.ended.len() as u64) < at.as_secs() {
            let latencies = self.running.latencies.take_compact();
            self.pulse.publish(&latencies);
            self.ended.push(Second {
                latencies,
                ..std::mem::take(&mut self.running)
            });
            self.running.users = if self.is_resting { 0 } else { self.users };
        }
    }

    /// All seconds that have begun by `now`.
    pub(super) fn finish(mut self, now: Duration) -> Vec<Second> {
        self.roll_to(now);
        let mut latencies = LatencyHistogram::new();
        std::mem::swap(&mut latencies, &mut self.running.latencies);
        latencies.compact();
        self.ended.push(Second {
            latencies,
            ..self.running
        });
        self.ended
    }
}
