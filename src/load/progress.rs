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
    table: &'p Timetable,
    duet: Option<&'p DuetSchedule>,
    /// The leg of a duet that began last.
    leg: Option<(Segment, Span)>,
}

impl<'p> Watch<'p> {
    /// Watches a run of one arm, or a duet.
    pub(super) fn new(plan: &'p WorkerPlan, duet: Option<&'p DuetSchedule>) -> Self {
        Self {
            start: plan.start,
            reported: plan.start,
            second: 0,
            p95: None,
            table: &plan.arms[0].table,
            duet,
            leg: None,
        }
    }

    /// The next leg begins.
    pub(super) fn enter(&mut self, leg: &Segment, span: Span) {
        self.leg = Some((*leg, span));
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
        let window = |at| &self.table.windows[self.table.window_at(at)];
        let Some(course) = self.duet else {
            let window = window(elapsed);
            return (window.phase, window.end.saturating_sub(elapsed), None);
        };
        let Some((leg, span)) = &self.leg else {
            return (self.table.windows[0].phase, Duration::ZERO, None);
        };
        // A leg of one arm lies in one phase, that of both goes through all of them.
        let passed = self.reported.saturating_duration_since(span.start);
        let now = (leg.from + passed).min(leg.to);
        let at = leg.arm.map_or(now, |_| leg.from);
        let window = window(at);
        let end = leg.arm.map_or(window.end, |_| leg.to);
        let turn = Turn {
            arm: leg.arm,
            pair: course.pair_at(at),
            pairs: course.pairs(),
        };
        (window.phase, end.saturating_sub(now), Some(turn))
    }
}
