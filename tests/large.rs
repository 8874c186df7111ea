//! A large result, as a run of ten minutes leaves it: twenty request names, five phases, 400 requests/s, some of which fail
//! or start cold. The same on every machine.

use std::collections::BTreeMap;
use std::time::Duration;

use loadgate::baseline::{Matching, Mismatch};
use loadgate::measurement::{Arm, FailureKind, Parts, RequestStats};
use loadgate::plan::phase_names;
use loadgate::record::{PartsRecord, RequestRecord, RunRecord, SecondRecord, SliceRecord};
use loadgate::report::{ComparedWith, ReportInput, View};
use loadgate::thresholds::{self, Names, Thresholds};
use loadgate::verdict::{JudgeInput, Verdict, judge};
use serde_json::json;

const PHASES: [&str; 5] = ["warm", "ramp", "burst", "peak", "recovery"];
/// Requests of one name in a second.
const RATE: usize = 20;
/// Length of a slice in seconds.
const SLICE: usize = 5;

/// Latencies that spread as real ones do: most near 40 ms, some ten times that.
struct Latency(u64);

impl Latency {
    fn next(&mut self) -> Duration {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let uniform = ((self.0 >> 33) as f64 + 1.0) / (f64::from(u32::MAX) + 2.0);
        // Exponential above a floor: a tail without end.
        Duration::from_secs_f64(0.03 - 0.02 * libm::log(uniform))
    }
}

/// One name in one slice; cold starts and failures come with the load, in the burst.
fn cell(latency: &mut Latency, phase: usize) -> RequestStats {
    let mut cell = RequestStats::default();
    for _ in 0..RATE * SLICE - 3 {
        cell.record(latency.next(), None);
    }
    if PHASES[phase] == "burst" {
        cell.record_cold(latency.next() * 8);
        cell.record(latency.next(), Some(FailureKind::Status(429)));
        cell.record(Duration::from_secs(30), Some(FailureKind::Timeout));
    }
    cell.compact();
    cell
}

fn parts(latency: &mut Latency, requests: usize) -> Parts {
    let mut parts = Parts::default();
    for _ in 0..requests {
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
    parts.to_coarse()
}

/// A record of so many request names over so many seconds, evenly in five phases.
pub(crate) fn record(names: usize, seconds: usize) -> RunRecord {
    let requests: Vec<String> = (0..names)
        .map(|name| format!("GET /catalog/items/{name}"))
        .collect();
    let phases = PHASES.map(|name| {
        json!({
            "name": name, "load": "20 users", "duration_s": seconds / PHASES.len(), "passes": 1, "measured": true,
            "steady": true, "model": "users", "most": 20.0,
        })
    });
    let run = json!({
        "schema": 1, "tool": "0.1.0",
        "scenario": { "name": "shop", "sha256": "5ca1ab1e", "text": "name: shop\n" },
        "target": { "url": "http://127.0.0.1:8080/", "loopback": true },
        "run": {
            "id": "run", "started": "2026-05-04T10:00:00Z", "duration_s": seconds, "seed": 1, "ended": "completed",
        },
        "environment": { "arch": "x86_64", "os": "linux", "cpu": "EPYC", "cores": 2 },
        "health": { "late_p99_s": 0.000_2, "cpu_share": 0.1 },
        "cold_start": "x-cold-start",
        "requests": requests, "phases": phases, "slices": [], "parts": [], "timeline": [],
    });
    let mut run: RunRecord = serde_json::from_value(run).unwrap();
    let mut latency = Latency(7);
    let slices = seconds / SLICE;
    for index in 0..slices {
        let phase = index * PHASES.len() / slices;
        let cells = (0..names).map(|name| RequestRecord::new(name, cell(&mut latency, phase)));
        run.slices.push(SliceRecord {
            phase,
            pass: 0,
            arm: Arm::Target,
            pair: None,
            start_s: (SLICE * index) as f64,
            length_s: SLICE as f64,
            late_p99_s: 0.000_2,
            cells: cells.collect(),
            silences: Some(Vec::new()),
        });
    }
    for place in 0..names * PHASES.len() {
        run.parts.push(PartsRecord {
            phase: place / names,
            arm: Arm::Target,
            request: place % names,
            parts: parts(&mut latency, RATE * seconds / PHASES.len()),
        });
    }
    let second = |index: usize| SecondRecord {
        users: u32::try_from(20 + index).unwrap(),
        requests: (RATE * names) as u64,
        errors: 8,
        kinds: BTreeMap::from([(FailureKind::Status(429), 4), (FailureKind::Timeout, 4)]),
        p50_ms: Some(41.234_5),
        p95_ms: Some(123.456),
        p99_ms: Some(234.567 + index as f64),
    };
    run.timeline = (0..seconds).map(second).collect();
    run
}

/// A record with what it was promised and what came of it: all that its reports are told from.
pub(crate) struct Judged {
    pub(crate) record: RunRecord,
    thresholds: Thresholds,
    verdict: Verdict,
}

impl Judged {
    /// Judges a record by what holds where nothing is promised.
    pub(crate) fn of(record: RunRecord) -> Self {
        let phases = phase_names(&record.phases);
        let names = Names {
            requests: &record.requests,
            phases: &phases,
            cold_start: true,
            aws: false,
        };
        let thresholds = thresholds::parse("thresholds.yml", "", &names).unwrap();
        let verdict = judge(&JudgeInput {
            thresholds: &thresholds,
            candidates: std::slice::from_ref(&record),
            matching: Matching::None(Mismatch::NoBaseline),
            anchor: None,
        });
        Self {
            record,
            thresholds,
            verdict,
        }
    }

    pub(crate) fn view(&self) -> View<'_> {
        View::new(self.input())
    }

    pub(crate) fn input(&self) -> ReportInput<'_> {
        ReportInput {
            verdict: &self.verdict,
            record: &self.record,
            others: &[],
            thresholds: &self.thresholds,
            gate_path: Some("thresholds/shop"),
            thresholds_path: "thresholds/shop/thresholds.yml",
            baseline: None,
            compared_with: ComparedWith::Nothing,
            strict: false,
            exit: 0,
            files: &[],
            is_recorded: false,
            is_untrusted: false,
            hints: loadgate::report::CommandHints::default(),
        }
    }
}
