//! Warnings about a service that does not keep up with the arrivals. Arrivals do not wait, so a service that is too slow for them falls behind more
//! and more: each request takes longer than the one before, and more are open at the end than at the start.

use super::Warning;
use crate::measurement::Arm;
use crate::record::{Aggregate, LoadModel, RunRecord, SliceRecord, Throughput};
use crate::units::six_digits;
use crate::verdict::input::CandidateRun;

/// Slices without which a trend is chance.
const FEWEST_SLICES: usize = 6;
/// Share of the arrivals that a service which keeps up may leave open more at the end than at the start.
const SHORTAGE: f64 = 0.1;
/// The same in standard deviations of as many independent arrivals.
const SPREAD: f64 = 5.0;
/// The median latency grows by this factor from the first third of a phase to its last. Of a queue that grows evenly it is
/// five.
const GROWTH: f64 = 2.0;

/// The phases in which the target did not keep up.
pub(in crate::verdict) fn overloaded(runs: &[CandidateRun<'_>]) -> Vec<Warning> {
    let of_run = |run: &CandidateRun<'_>| {
        let record = run.record;
        let phases = 0..record.phases.len();
        phases
            .filter_map(|phase| behind(record, phase))
            .collect::<Vec<_>>()
    };
    runs.iter().flat_map(of_run).collect()
}

fn behind(record: &RunRecord, index: usize) -> Option<Warning> {
    let phase = &record.phases[index];
    // In a duet the load pauses until all is answered.
    if !phase.is_measured_load() || phase.model != LoadModel::Arrivals || record.base.is_some() {
        return None;
    }
    let passes = 0..phase.passes.max(1);
    let found = passes.filter_map(|pass| {
        let own = |slice: &&SliceRecord| {
            let is_own = slice.phase == index && slice.pass == pass && slice.arm == Arm::Target;
            is_own && slice.silences.is_some()
        };
        backlog(&record.slices.iter().filter(own).collect::<Vec<_>>())
    });
    let worst = found.max_by(|a, b| (a.due / a.served).total_cmp(&(b.due / b.served)))?;
    Some(Warning::Overloaded {
        phase: phase.name.clone(),
        due: six_digits(worst.due),
        served: six_digits(worst.served),
        first_s: six_digits(worst.first_s),
        last_s: six_digits(worst.last_s),
    })
}

/// Arrivals and responses per second, and the median latency of the first third and of the last.
struct Backlog {
    due: f64,
    served: f64,
    first_s: f64,
    last_s: f64,
}

fn backlog(slices: &[&SliceRecord]) -> Option<Backlog> {
    if slices.len() < FEWEST_SLICES {
        return None;
    }
    let third = slices.len() / 3;
    let (first, rest) = slices.split_at(third);
    let (middle, last) = rest.split_at(rest.len() - third);
    let median =
        |slices: &[&SliceRecord]| Aggregate::from_slices(slices, None).latencies.quantile(0.5);
    let (first_s, middle_s, last_s) = (median(first)?, median(middle)?, median(last)?);
    let is_growing = first_s < middle_s && middle_s <= last_s && last_s >= GROWTH * first_s;
    let mut served = Throughput::default();
    let mut due = 0;
    for slice in rest {
        served.add(slice.throughput(None));
        due += slice.cells.iter().map(|cell| cell.requests).sum::<u64>();
    }
    let due_count = due as f64;
    let open = due_count - served.responses as f64;
    let is_short = open > (SHORTAGE * due_count).max(SPREAD * libm::sqrt(due_count));
    (is_growing && is_short && served.seconds > 0.0).then(|| Backlog {
        due: due_count / served.seconds,
        served: served.responses as f64 / served.seconds,
        first_s,
        last_s,
    })
}
