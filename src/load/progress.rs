//! How far a run has come, for whoever shows it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::arm_clock::Span;
use super::duet_schedule::{DuetSchedule, Segment};
use super::live_counters::LiveCounters;
use super::timetable::Timetable;
use super::worker::WorkerPlan;
use crate::measurement::{Arm, LatencyHistogram};

/// How often it is told.
const EVERY: Duration = Duration::from_millis(200);

/// How far a run has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Since the start of the load.
    pub elapsed: Duration,
    /// Index of the current phase, repeats pooled under one.
    pub phase: usize,
    /// Until the current phase ends, in a duet the current turn; zero in the drain.
    pub left: Duration,
    /// In a duet, whose turn it is, and which pair's.
    pub turn: Option<Turn>,
    /// Users present.
    pub users: u32,
    /// Requests so far.
    pub requests: u64,
    /// Failed ones among them.
    pub errors: u64,
    /// P95 in seconds of the last whole second.
    pub p95: Option<f64>,
}

/// A turn of a duet, or the pair of a mixed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The arm that is loaded; none where both are.
    pub arm: Option<Arm>,
    /// The pair of slices, from 0; none in a ramp, a repeated phase or the warm-up.
    pub pair: Option<u32>,
    /// Pairs in all.
    pub pairs: u32,
}

/// Puts together what the cores tell.
pub(super) struct Watch<'p> {
    start: Instant,
    reported: Instant,
    /// The second that `p95` is of.
    second: u64,
    p95: Option<f64>,
    place: Place<'p>,
}

/// Where in its course a run is.
enum Place<'p> {
    /// As the table says.
    Table(&'p Timetable),
    /// In the leg that the conductor told of last.
    Leg {
        table: &'p Timetable,
        course: &'p DuetSchedule,
        leg: Option<(Segment, Span)>,
    },
}

impl<'p> Watch<'p> {
    /// Watches a run of one arm.
    pub(super) fn of_table(plan: &'p WorkerPlan) -> Self {
        Self::new(plan, Place::Table(&plan.arms[0].table))
    }

    /// Watches a duet.
    pub(super) fn of_legs(plan: &'p WorkerPlan, course: &'p DuetSchedule) -> Self {
        let (table, leg) = (&plan.arms[0].table, None);
        Self::new(plan, Place::Leg { table, course, leg })
    }

    fn new(plan: &WorkerPlan, place: Place<'p>) -> Self {
        Self {
            start: plan.start,
            reported: plan.start,
            second: 0,
            p95: None,
            place,
        }
    }

    /// The next leg begins.
    pub(super) fn enter(&mut self, leg: &Segment, span: Span) {
        if let Place::Leg { leg: current, .. } = &mut self.place {
            *current = Some((*leg, span));
        }
    }

    /// Tells the progress where it is time to.
    pub(super) fn report(&mut self, pulses: &[Arc<LiveCounters>], to: &mut dyn FnMut(&Progress)) {
        if self.reported.elapsed() < EVERY {
            return;
        }
        self.reported = Instant::now();
        let elapsed = self.start.elapsed();
        if elapsed.as_secs() != self.second {
            self.second = elapsed.as_secs();
            let mut latencies = LatencyHistogram::new();
            for pulse in pulses {
                pulse.add_last_second(&mut latencies);
            }
            self.p95 = latencies.quantile(0.95);
        }
        let (phase, left, turn) = self.place(elapsed);
        to(&Progress {
            elapsed,
            phase,
            left,
            turn,
            users: pulses.iter().map(|pulse| pulse.users()).sum(),
            requests: pulses.iter().map(|pulse| pulse.requests()).sum(),
            errors: pulses.iter().map(|pulse| pulse.errors()).sum(),
            p95: self.p95,
        });
    }

    fn place(&self, elapsed: Duration) -> (usize, Duration, Option<Turn>) {
        match &self.place {
            Place::Table(table) => {
                let window = &table.windows[table.window_at(elapsed)];
                (window.phase, window.end.saturating_sub(elapsed), None)
            }
            Place::Leg { table, course, leg } => {
                let Some((leg, span)) = leg else {
                    return (table.windows[0].phase, Duration::ZERO, None);
                };
                // A leg of one arm lies in one phase, that of both goes through all of them.
                let passed = self.reported.saturating_duration_since(span.start);
                let now = (leg.from + passed).min(leg.to);
                let at = leg.arm.map_or(now, |_| leg.from);
                let window = &table.windows[table.window_at(at)];
                let end = leg.arm.map_or(window.end, |_| leg.to);
                let turn = Turn {
                    arm: leg.arm,
                    pair: course.pair_at(at),
                    pairs: course.pairs(),
                };
                (window.phase, end.saturating_sub(now), Some(turn))
            }
        }
    }
}
