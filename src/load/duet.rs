//! Conducts a duet: one arm is loaded at a time, leg by leg, while the other rests; or both at once where they are mixed.

use std::time::{Duration, Instant};

use super::arm_clock::Span;
use super::config::{Error, Hooks, Interim, LoadEnd, RunOutcome};
use super::duet_schedule::{DuetSchedule, Segment};
use super::engine::{EngineRun, HEAD_START};
use super::worker::{Command, WorkerResult};
use super::worker_pool::{RunMonitor, WaitOutcome, WorkerPool};
use crate::measurement::{Arm, Measurement};

/// Runs the legs of a course one after the other.
pub(super) fn conduct(
    run: &EngineRun<'_>,
    course: &DuetSchedule,
    guard: Duration,
    mut crew: WorkerPool<'_>,
    overseer: &mut RunMonitor<'_>,
    hooks: &mut Hooks<'_>,
) -> Result<RunOutcome, Error> {
    let mut past = DuetState {
        run,
        course,
        spans: Vec::new(),
        free: run.plan.start,
    };
    let mut ended = LoadEnd::Completed;
    for (number, leg) in course.legs.iter().enumerate() {
        if course.looks.contains(&number) {
            match crew.report(overseer)? {
                Ok(share) => {
                    let so_far = past.outcome(share, LoadEnd::Completed);
                    if (hooks.look)(so_far) == Interim::Stop {
                        break;
                    }
                }
                Err(early) => {
                    ended = early;
                    break;
                }
            }
        }
        if let (Some(pair), true) = (leg.pair, leg.is_first)
            && let Err(early) = (hooks.before_pair)(pair)
        {
            ended = early;
            break;
        }
        if let WaitOutcome::Early(early) = past.load(*leg, guard, &mut crew, overseer)? {
            ended = early;
            break;
        }
    }
    let share = crew.finish(&mut ended, overseer.budget)?;
    Ok(past.outcome(share, ended))
}

/// What was run so far.
struct DuetState<'r> {
    run: &'r EngineRun<'r>,
    course: &'r DuetSchedule,
    /// Where the legs that were begun lie in real time.
    spans: Vec<(Segment, Span)>,
    /// From when on the next leg may begin.
    free: Instant,
}

impl DuetState<'_> {
    /// Loads what a leg loads, and waits until all that was due in it has ended.
    fn load(
        &mut self,
        leg: Segment,
        guard: Duration,
        crew: &mut WorkerPool<'_>,
        overseer: &mut RunMonitor<'_>,
    ) -> Result<WaitOutcome, Error> {
        let driver = leg.arm.map_or(0, index);
        // Connections that the server closed while the arm rested are opened before the leg begins.
        crew.send(Command::Refresh { driver });
        if let early @ WaitOutcome::Early(_) = crew.wait(overseer)? {
            return Ok(early);
        }
        let span = Span {
            from: leg.from,
            to: leg.to,
            start: self.free.max(Instant::now() + HEAD_START),
        };
        self.spans.push((leg, span));
        overseer.watch.enter(&leg, span);
        crew.send(Command::Load { driver, span });
        crew.send(Command::Settle { driver });
        self.free = span.end() + guard;
        crew.wait(overseer)
    }

    fn outcome(&self, mut share: WorkerResult, ended: LoadEnd) -> RunOutcome {
        let arms = std::mem::take(&mut share.arms);
        let mut measurement = Measurement::default();
        for (arm, measured) in [Arm::Target, Arm::Base].into_iter().zip(arms) {
            let placed = self.placed(arm, measured);
            measurement.add_arm(placed, self.run.users_of_both());
        }
        let legs = self.spans.len();
        let outcome = self
            .run
            .outcome(measurement, &share, self.course.phases(legs), ended);
        RunOutcome {
            look: self.course.look_after(legs),
            ..outcome
        }
    }

    /// One arm's measurement with its slices in real time and in their pairs.
    fn placed(&self, arm: Arm, mut measured: Measurement) -> Measurement {
        let own = |leg: &Segment| leg.arm.is_none_or(|own| own == arm);
        let own = || self.spans.iter().filter(|(leg, _)| own(leg));
        measured.slices.retain_mut(|slice| {
            let found = own().find(|(leg, _)| (leg.from..leg.to).contains(&slice.start));
            let Some((_, span)) = found else {
                return false;
            };
            slice.pair = self.course.pair_at(slice.start);
            let start = span.instant(slice.start);
            slice.start = start.saturating_duration_since(self.run.plan.start);
            true
        });
        measured
    }
}

/// Which driver loads an arm that is loaded alone.
fn index(arm: Arm) -> usize {
    match arm {
        Arm::Target => 0,
        Arm::Base => 1,
    }
}
