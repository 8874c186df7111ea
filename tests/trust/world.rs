//! Runs of synthetic worlds as the records that real ones would leave, and histories of them.

use std::collections::BTreeMap;

use loadgate::baseline::{Job, Matching};
use loadgate::measurement::{Arm, FailureKind, LatencyHistogram, RequestStats};
use loadgate::metric::Metric;
use loadgate::record::{DuetSettings, ReferenceRecord, RequestRecord, RunRecord, SliceRecord};
use loadgate::thresholds::{self, Names, PhaseName, Thresholds};
use loadgate::verdict::{JudgeInput, Outcome, judge};
use serde_json::json;

use super::duet::Interleaving;
use super::noise::{Draw, Pool, REQUESTS, Regime};

/// The thresholds that a world is judged by.
pub(crate) fn promises(text: &str, names: usize) -> Thresholds {
    let phases = [PhaseName {
        name: "steady".to_owned(),
        measured: true,
    }];
    let requests: Vec<String> = (0..names).map(name).collect();
    let names = Names {
        requests: &requests,
        phases: &phases,
        cold_start: false,
        aws: false,
    };
    thresholds::parse("thresholds.yml", text, &names).expect("the thresholds are ours")
}

fn name(index: usize) -> String {
    format!("GET /{index}")
}

/// The record of a run without slices.
fn record(names: usize) -> RunRecord {
    let requests: Vec<String> = (0..names).map(name).collect();
    let record = json!({
        "schema": 1, "tool": "0.1.0",
        "scenario": { "name": "world", "sha256": "", "text": "" },
        "target": { "url": "http://127.0.0.1:1/", "loopback": true },
        "run": { "id": "run", "started": "2026-05-04T10:00:00Z", "duration_s": 60.0, "seed": 1, "ended": "completed" },
        "environment": { "arch": "x86_64", "os": "linux", "cores": 2 },
        "health": { "late_p99_s": 0.0, "cpu_share": 0.1 },
        "requests": requests,
        "phases": [{ "name": "steady", "load": "", "duration_s": 60.0, "passes": 1, "measured": true, "steady": true }],
        "slices": [],
    });
    serde_json::from_value(record).expect("a record")
}

/// The record of a duet without slices.
pub(crate) fn duet_record(
    names: usize,
    interleaving: Interleaving,
    pairs: usize,
    slice_s: f64,
    looks: u32,
) -> RunRecord {
    let run = record(names);
    let duet = DuetSettings {
        interleaving: match interleaving {
            Interleaving::Turns(_) => loadgate::measurement::Interleaving::Turns,
            Interleaving::Mixed => loadgate::measurement::Interleaving::Mixed,
        },
        pairs: u32::try_from(pairs).expect("a few hundred"),
        slice_s,
        guard_s: 0.0,
        looks,
        look: None,
        restart_every: None,
    };
    RunRecord {
        base: Some(run.target.clone()),
        duet: Some(duet),
        ..run
    }
}

/// A slice from a start in seconds, with its length in seconds.
pub(crate) fn slice(
    arm: Arm,
    pair: Option<u32>,
    (start_s, length_s): (f64, f64),
    cells: Vec<RequestRecord>,
) -> SliceRecord {
    SliceRecord {
        phase: 0,
        pass: 0,
        arm,
        pair,
        start_s,
        length_s,
        late_p99_s: 0.000_1,
        cells,
        silences: Some(Vec::new()),
    }
}

pub(crate) fn cell(request: usize, latencies: LatencyHistogram, failures: u64) -> RequestRecord {
    let failed = LatencyHistogram::from_counts([(900, failures)]);
    let mut errors = BTreeMap::new();
    if failures > 0 {
        errors.insert(FailureKind::Status(500), failures);
    }
    RequestRecord {
        request,
        requests: latencies.count() + failures,
        failures,
        quantiles_ms: BTreeMap::new(),
        time_weighted_ms: None,
        cell: RequestStats {
            succeeded: latencies,
            failed,
            errors,
            ..RequestStats::default()
        },
        completed: None,
        first_s: None,
    }
}

/// A reference whose latencies are shifted by so much, as a logarithm.
fn reference(shift: f64) -> ReferenceRecord {
    ReferenceRecord {
        service: "built-in".to_owned(),
        built_in_s: Some(0.02),
        rate: 50.0,
        requests: 3000,
        failures: 0,
        latencies: BTreeMap::from([
            (Metric::P95, 0.03 * libm::exp(shift)),
            (Metric::P99, 0.036 * libm::exp(shift)),
        ]),
    }
}

/// Jobs of a baseline and candidates, each on a machine of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct History {
    pub(crate) regime: Regime,
    pub(crate) names: usize,
    pub(crate) jobs: usize,
    pub(crate) candidates: usize,
    pub(crate) slower: f64,
    /// How far a reference service, measured in each job, is correlated with the target.
    pub(crate) reference: Option<f64>,
}

/// Slices of a job.
const SLICES: usize = 6;

impl History {
    /// One run on a machine of its own.
    pub(crate) fn run(&self, pool: &Pool, draw: &mut Draw, slower: f64) -> RunRecord {
        let mut run = record(self.names);
        let job = self.regime.job * draw.normal() + self.regime.instance * draw.normal();
        let mut level = job;
        for place in 0..SLICES {
            let own = self.regime.minute * draw.normal() + self.regime.slice * draw.normal();
            level += own / SLICES as f64;
            let shift = job + own + draw.burst(&self.regime) + libm::log(slower);
            let cells = (0..self.names)
                .map(|name| cell(name, pool.latencies(draw, shift, REQUESTS as u64), 0))
                .collect();
            run.slices
                .push(slice(Arm::Target, None, (place as f64 * 5.0, 5.0), cells));
        }
        run.reference = self.reference.map(|correlation| {
            let rest = libm::sqrt(1.0 - correlation * correlation) * self.level_sd();
            reference(correlation * level + rest * draw.normal())
        });
        run
    }

    /// The standard deviation of a job's level.
    fn level_sd(&self) -> f64 {
        let Regime {
            job,
            instance,
            minute,
            slice,
            ..
        } = self.regime;
        let within = (minute * minute + slice * slice) / SLICES as f64;
        libm::sqrt(job * job + instance * instance + within)
    }

    /// What the gate comes to.
    pub(crate) fn outcome(&self, thresholds: &Thresholds, pool: &Pool, seed: u64) -> Outcome {
        let (jobs, candidates) = self.draw(pool, seed);
        Self::judged(thresholds, &jobs, &candidates)
    }

    /// The jobs of a baseline and the candidates.
    pub(crate) fn draw(&self, pool: &Pool, seed: u64) -> (Vec<Job>, Vec<RunRecord>) {
        let mut draw = Draw::new(seed);
        let jobs = (0..self.jobs).map(|_| Job::from_record(&self.run(pool, &mut draw, 1.0), false));
        let jobs = jobs.collect();
        let candidates = (0..self.candidates).map(|_| self.run(pool, &mut draw, self.slower));
        (jobs, candidates.collect())
    }

    /// What the gate makes of them.
    pub(crate) fn judged(
        thresholds: &Thresholds,
        jobs: &[Job],
        candidates: &[RunRecord],
    ) -> Outcome {
        judge(&JudgeInput {
            thresholds,
            candidates,
            matching: Matching::Jobs(jobs.iter().collect()),
            anchor: None,
        })
        .outcome
    }
}
