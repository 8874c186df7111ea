//! A large result: twenty names, five phases, ten minutes.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::samples::gate;
use super::*;
use crate::baseline::{self, Job, RING, store};
use crate::measurement::{Arm, Cell, FailureKind, Parts};
use crate::record::sample::record;
use crate::record::{CellRecord, PartsRecord, RunRecord, SecondRecord, SliceRecord};

const NAMES: usize = 20;
const PHASES: usize = 5;
/// Slices of five seconds in ten minutes.
const SLICES: usize = 120;
/// Requests of one name in one slice: 400 requests/s in all.
const REQUESTS: usize = 100;

/// Latencies that spread as real ones do: most near 40 ms, some ten times that. The same on every machine.
struct Latency(u64);

impl Latency {
    fn next(&mut self) -> Duration {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let uniform = ((self.0 >> 33) as f64 + 1.0) / (f64::from(u32::MAX) + 2.0);
        // Exponential above a floor: a tail without end.
        Duration::from_secs_f64(0.03 - 0.02 * uniform.ln())
    }
}

/// One name in one slice; cold starts and failures come with the load, in the third phase.
fn cell(latency: &mut Latency, phase: usize) -> Cell {
    let mut cell = Cell::default();
    for _ in 0..REQUESTS - 3 {
        cell.record(latency.next(), None);
    }
    if phase == 2 {
        cell.record_cold(latency.next() * 8);
        cell.record(latency.next(), Some(FailureKind::Status(429)));
        cell.record(Duration::from_secs(30), Some(FailureKind::Timeout));
    }
    cell.compact();
    cell
}

fn large() -> RunRecord {
    let mut latency = Latency(7);
    let names = ["warm", "ramp", "burst", "peak", "recovery"];
    let run = names.iter().fold(record(), |run, name| run.steady(name));
    run.with(|run| {
        run.cold_start = Some("x-cold-start".to_owned());
        run.requests = (0..NAMES)
            .map(|n| format!("GET /catalog/items/{n}"))
            .collect();
        for index in 0..SLICES {
            let phase = index / (SLICES / PHASES);
            let cells = (0..NAMES).map(|name| CellRecord::new(name, cell(&mut latency, phase)));
            run.slices.push(SliceRecord {
                phase,
                pass: 0,
                arm: Arm::Target,
                pair: None,
                start_s: 5.0 * index as f64,
                length_s: 5.0,
                late_p99_s: 0.000_2,
                cells: cells.collect(),
            });
        }
        for place in 0..NAMES * PHASES {
            let mut parts = Parts::default();
            for _ in 0..2400 {
                let took = latency.next();
                for part in [
                    &mut parts.late,
                    &mut parts.service,
                    &mut parts.first_byte,
                    &mut parts.body,
                    &mut parts.warm,
                ] {
                    part.record(took);
                }
            }
            parts.cold.record(latency.next());
            let parts = parts.to_coarse();
            run.parts.push(PartsRecord {
                phase: place / NAMES,
                arm: Arm::Target,
                request: place % NAMES,
                parts,
            });
        }
        let second = |index: u32| SecondRecord {
            users: 20 + index,
            requests: 400,
            errors: 8,
            kinds: BTreeMap::from([(FailureKind::Status(429), 4), (FailureKind::Timeout, 4)]),
            p50_ms: Some(41.234_5),
            p95_ms: Some(123.456),
            p99_ms: Some(234.567),
        };
        run.timeline = (0..600).map(second).collect();
    })
    .build()
}

/// The large result, whose many requests are drawn once for all tests.
static LARGE: LazyLock<RunRecord> = LazyLock::new(large);

#[test]
fn a_large_result_takes_at_most_two_megabytes_and_is_told_whole() {
    let json = LARGE.to_json();
    assert!(json.len() <= 2_000_000, "{}", json.len());
    let read = RunRecord::from_json("result.json", &json).unwrap();
    assert_eq!(read.to_json(), json, "nothing is lost");
    let sample = gate(read).judged_whole();
    let summary = summary(&[sample.story()]);
    assert!(summary.len() <= 60_000);
    for block in ["Phases side by side of", "Over time of", "Cold starts of"] {
        assert!(summary.contains(block), "{block}");
    }
}

#[test]
fn a_full_ring_of_twenty_names_takes_at_most_a_hundred_kilobytes() {
    let job = Job::of(&LARGE, false);
    let ring = (0..RING).fold(None, |ring, day| {
        let mut job = job.clone();
        job.id = format!("20261128{day:03}-1");
        job.commit = Some(format!("8d10e7f{day:033}"));
        Some(baseline::add(ring, &LARGE.scenario, job))
    });
    let ring = ring.unwrap();
    let text = store::to_json(&ring);
    assert!(text.len() <= 100_000, "{}", text.len());
    assert_eq!(store::parse("baseline.json", &text).unwrap(), ring);
    let lines = text
        .lines()
        .filter(|line| line.contains("GET /catalog/items/7\""));
    assert_eq!(lines.count(), RING, "a line for each name and job");
}

/// How long it takes to read, judge and tell a large result. A figure and no bar: `cargo test --release -- --ignored`.
#[test]
#[ignore = "a measurement of the machine as much as of loadgate"]
fn measure_how_long_a_large_result_takes_to_read_and_tell() {
    let json = LARGE.to_json();
    let started = Instant::now();
    let read = RunRecord::from_json("result.json", &json).unwrap();
    let reading = started.elapsed();
    let sample = gate(read).judged_whole();
    let judging = started.elapsed();
    let story = sample.story();
    let text = [summary(&[story]), terminal(&story, 80, Colour::Never)].concat();
    let telling = started.elapsed();
    assert!(!text.is_empty());
    eprintln!(
        "{} bytes: read by {reading:?}, judged by {judging:?}, told by {telling:?}",
        json.len()
    );
}
