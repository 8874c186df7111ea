//! How far a run has come, for whoever shows it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::pulse::Pulse;
use super::timetable::Timetable;
use super::worker::Plan;
use crate::measurement::Latencies;

/// How often it is told.
const EVERY: Duration = Duration::from_millis(200);

/// How far a run has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Since the start of the load.
    pub elapsed: Duration,
    /// Planned length of the load.
    pub total: Duration,
    /// Position of the current phase in the scenario's load, repeats unrolled.
    pub position: usize,
    /// Until the current phase ends; zero in the drain.
    pub phase_left: Duration,
    /// Users present.
    pub users: u32,
    /// Requests so far.
    pub requests: u64,
    /// Failed ones among them.
    pub errors: u64,
    /// P95 in seconds of the last whole second.
    pub p95: Option<f64>,
}

/// Puts together what the cores tell.
pub(super) struct Watch<'p> {
    table: &'p Timetable,
    start: Instant,
    told: Instant,
    /// The second that `p95` is of.
    second: u64,
    p95: Option<f64>,
}

impl<'p> Watch<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        Self {
            table: &plan.table,
            start: plan.start,
            told: plan.start,
            second: 0,
            p95: None,
        }
    }

    /// Tells the progress where it is time to.
    pub(super) fn tell(&mut self, pulses: &[Arc<Pulse>], to: &mut dyn FnMut(&Progress)) {
        if self.told.elapsed() < EVERY {
            return;
        }
        self.told = Instant::now();
        let elapsed = self.start.elapsed();
        if elapsed.as_secs() != self.second {
            self.second = elapsed.as_secs();
            let mut latencies = Latencies::new();
            for pulse in pulses {
                pulse.add_last_second(&mut latencies);
            }
            self.p95 = latencies.quantile(0.95);
        }
        let position = self.table.window_at(elapsed);
        to(&Progress {
            elapsed,
            total: self.table.end(),
            position,
            phase_left: self.table.windows[position].end.saturating_sub(elapsed),
            users: pulses.iter().map(|pulse| pulse.users()).sum(),
            requests: pulses.iter().map(|pulse| pulse.requests()).sum(),
            errors: pulses.iter().map(|pulse| pulse.errors()).sum(),
            p95: self.p95,
        });
    }
}
