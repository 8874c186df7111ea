//! Bursts on a target that marks its cold starts.

use super::shop::{finished, second};
use super::{Sample, gate, recorded};
use crate::measurement::{Arm, FailureKind, Parts};
use crate::record::samples::{record, traffic};
use crate::record::{PartsRecord, RunRecord, SecondRecord};

/// What is promised of cold starts.
const PROMISES: &str = "\
limits:
  overall: { warm_p95: 120ms }
  cold: { p50: 450ms, share: 25% }
regression: { gate: [cold_p50, cold_share, warm_p95], phases: [burst] }
";

/// Three bursts of 900 requests, so many of each delayed by a cold start of so long.
fn bursts(cold: u64, millis: f64, marked: u64) -> RunRecord {
    let burst = [traffic("POST /reports/generate-preview", 900, 40.0).cold(cold, millis)];
    let run = (0..3).fold(record().repeated("burst"), |run, _| {
        run.slice(&burst).next_pass()
    });
    finished(run.marking(marked))
}

/// Three bursts of two seconds, each followed by three of silence.
pub(in crate::report) fn silent_between() -> Sample {
    let burst = [traffic("POST /reports/generate-preview", 900, 40.0)];
    let run = record().repeated("burst").slices(6, &burst);
    let run = run.repeated("idle").slices(9, &[]);
    gate(finished(run.with(|run| run.phases[1].idle = true)))
        .promising("limits: { overall: { requests_per_second: 500 } }")
        .judged_whole()
}

fn before() -> crate::baseline::Baseline {
    let millis = [400.0, 412.0, 391.0, 405.0, 398.0];
    recorded(millis.map(|millis| bursts(100, millis, 300)))
}

/// Cold starts take longer than before, and than was promised.
pub(in crate::report) fn cold_starts() -> Sample {
    gate(bursts(102, 640.0, 306))
        .after(&before())
        .promising(PROMISES)
        .judged()
}

/// Nothing tells whether there was any.
pub(in crate::report) fn no_cold_start() -> Sample {
    gate(bursts(0, 0.0, 0))
        .after(&before())
        .promising(PROMISES)
        .judged()
}

/// The phases of the guide: warm, burst, peak and recovery, with throttling and cold starts under load.
pub(in crate::report) fn guide() -> Sample {
    let [orders, profile] = second(40.0);
    let [slow, quick] = second(70.0);
    let burst = [
        slow.cold(60, 640.0).failing(FailureKind::Status(429), 30),
        quick.cold(20, 500.0),
    ];
    let [busy, user] = second(52.0);
    let peak = [
        busy.failing(FailureKind::Status(429), 12)
            .failing(FailureKind::Status(504), 2),
        user,
    ];
    let calm = [orders, profile];
    let run = record().steady("warm").slices(6, &calm).repeated("burst");
    let run = (0..3).fold(run, |run, _| run.slices(2, &burst).next_pass());
    let run = run.steady("peak").slices(6, &peak).steady("recovery");
    let run = run.slices(6, &calm).marking(500).with(|run| {
        for (phase, (most, load)) in [(1, (300.0, "300 users")), (2, (100.0, "100 users"))] {
            run.phases[phase].peak_load = most;
            load.clone_into(&mut run.phases[phase].load);
        }
        run.timeline = run.slices.iter().map(timeline).collect();
        for phase in 0..4 {
            let mut parts = Parts::default();
            (0..3_600).for_each(|_| parts.service.record_micros(45_000));
            run.parts.push(PartsRecord {
                phase,
                arm: Arm::Target,
                request: 0,
                parts,
            });
        }
    });
    gate(finished(run)).judged_whole()
}

/// A second that was as its slice.
fn timeline(slice: &crate::record::SliceRecord) -> SecondRecord {
    let cell = slice.cell(None);
    SecondRecord {
        users: [20, 300, 100, 20][slice.phase],
        requests: cell.requests(),
        errors: cell.failures(),
        kinds: cell.errors,
        p50_ms: None,
        p95_ms: None,
        p99_ms: None,
    }
}
