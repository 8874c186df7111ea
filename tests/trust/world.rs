//! One trial: a run of a synthetic world as the record that a real one would leave, given to the production verdict.

use std::collections::BTreeMap;

use loadgate::baseline::{Job, Matching, Mismatch};
use loadgate::measurement::{Arm, FailureKind, LatencyHistogram, RequestStats};
use loadgate::record::{RequestRecord, RunRecord, SliceRecord};
use loadgate::thresholds::{self, Names, PhaseName, Thresholds};
use loadgate::verdict::{JudgeInput, Outcome, judge};
use serde_json::json;

use super::noise::{Draw, Pool, REQUESTS, Regime};

/// What differs over the time of a run, beside noise: a factor on every latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    Steady,
    /// It grows by 40 % from beginning to end.
    Ramp,
    /// A neighbour comes at a random time and costs 40 % from then on.
    Step,
    /// It swings by 40 % and back.
    Drift,
}

/// How errors come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Errors {
    None,
    /// Each request by itself.
    Independent(f64),
    /// At a rate that varies from slice to slice as much as it is.
    Clustered(f64),
    /// A few, and in one of twenty slices 1 % more.
    Bursts(f64),
}

/// A duet in a synthetic world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Duet {
    pub(crate) regime: Regime,
    pub(crate) names: usize,
    pub(crate) pairs: usize,
    pub(crate) looks: u32,
    pub(crate) course: Course,
    /// Factor on the target's latencies of the first name.
    pub(crate) slower: f64,
    pub(crate) errors: (Errors, Errors),
    /// Whether servers are started anew for each pair.
    pub(crate) restarts: bool,
}

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
    };
    thresholds::parse("thresholds.yml", text, &names).expect("the thresholds are ours")
}

fn name(index: usize) -> String {
    format!("GET /{index}")
}

/// The record of a run without slices.
fn record(names: usize, duet: Option<(usize, u32)>) -> RunRecord {
    let requests: Vec<String> = (0..names).map(name).collect();
    let place = json!({ "url": "http://127.0.0.1:1/", "loopback": true });
    let mut record = json!({
        "schema": 1, "tool": "0.1.0",
        "scenario": { "name": "world", "sha256": "", "text": "" },
        "target": place,
        "run": { "id": "run", "started": "2026-05-04T10:00:00Z", "duration_s": 60.0, "seed": 1, "ended": "completed" },
        "environment": { "arch": "x86_64", "os": "linux", "cores": 2 },
        "health": { "late_p99_s": 0.0, "cpu_share": 0.1 },
        "requests": requests,
        "phases": [{ "name": "steady", "load": "", "duration_s": 60.0, "passes": 1, "measured": true, "steady": true }],
        "slices": [],
    });
    if let Some((pairs, looks)) = duet {
        record["base"] = place;
        record["turns"] = json!({ "pairs": pairs, "slice_s": 5.0, "guard_s": 0.3, "looks": looks });
    }
    serde_json::from_value(record).expect("a record")
}

fn slice(arm: Arm, pair: Option<u32>, start: usize, cells: Vec<RequestRecord>) -> SliceRecord {
    SliceRecord {
        phase: 0,
        pass: 0,
        arm,
        pair,
        start_s: start as f64 * 5.0,
        length_s: 5.0,
        late_p99_s: 0.000_1,
        cells,
        silences: Some(Vec::new()),
    }
}

fn cell(request: usize, latencies: LatencyHistogram, failures: u64) -> RequestRecord {
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

fn failures(draw: &mut Draw, errors: Errors) -> u64 {
    let of = REQUESTS as u64;
    match errors {
        Errors::None => 0,
        Errors::Independent(share) => draw.binomial(of, share),
        Errors::Clustered(share) => {
            let own = draw.exponential(share);
            draw.binomial(of, own.min(1.0))
        }
        Errors::Bursts(share) => {
            let more = if draw.uniform() < 0.05 { 0.01 } else { 0.0 };
            draw.binomial(of, share + more)
        }
    }
}

impl Duet {
    /// Unchanged, one name, twelve pairs and a second look.
    pub(crate) fn of(regime: Regime) -> Self {
        Self {
            regime,
            names: 1,
            pairs: 12,
            looks: 2,
            course: Course::Steady,
            slower: 1.0,
            errors: (Errors::None, Errors::None),
            restarts: false,
        }
    }

    /// What the gate comes to, a second look included where the first could not tell.
    pub(crate) fn outcome(&self, thresholds: &Thresholds, pool: &Pool, seed: u64) -> Outcome {
        let mut draw = Draw::new(seed);
        let mut run = record(self.names, Some((self.pairs, self.looks)));
        let mut world = Held::new(self, &mut draw);
        let mut outcome = Outcome::Invalid;
        for look in 0..self.looks {
            for pair in 0..self.pairs {
                let pair = look as usize * self.pairs + pair;
                run.slices.extend(world.pair(self, pool, &mut draw, pair));
            }
            outcome = judge(&JudgeInput {
                thresholds,
                candidates: std::slice::from_ref(&run),
                matching: Matching::None(Mismatch::NoBaseline),
                anchor: None,
            })
            .outcome;
            if outcome != Outcome::Inconclusive {
                break;
            }
        }
        outcome
    }
}

/// What stays the same through a run.
struct Held {
    job: f64,
    instances: [f64; 2],
    /// By name, how much noisier than the regime it is.
    scales: Vec<f64>,
    /// When a neighbour comes, as a share of the run.
    step: f64,
}

impl Held {
    fn new(duet: &Duet, draw: &mut Draw) -> Self {
        Self {
            job: duet.regime.job * draw.normal(),
            instances: [(); 2].map(|()| duet.regime.instance * draw.normal()),
            scales: (0..duet.names)
                .map(|name| {
                    // The one that is slowed is as the regime says.
                    if name == 0 {
                        1.0
                    } else {
                        libm::exp(0.4 * draw.normal())
                    }
                })
                .collect(),
            step: draw.uniform(),
        }
    }

    /// The two slices of a pair, in random order, so that a course touches either arm alike.
    fn pair(&mut self, duet: &Duet, pool: &Pool, draw: &mut Draw, pair: usize) -> Vec<SliceRecord> {
        let minute = duet.regime.minute * draw.normal();
        if duet.restarts {
            self.instances = [(); 2].map(|()| duet.regime.instance * draw.normal());
        }
        let mut arms = [Arm::Target, Arm::Base];
        if draw.uniform() < 0.5 {
            arms.reverse();
        }
        let places = arms.into_iter().enumerate();
        places
            .map(|(place, arm)| {
                let start = 2 * pair + place;
                let at = start as f64 / (2.0 * duet.pairs as f64);
                let shared = self.job + minute + self.course(duet.course, at);
                let cells = (0..duet.names)
                    .map(|request| self.cell(duet, pool, draw, (arm, request, shared)));
                let cells = cells.collect();
                slice(arm, u32::try_from(pair).ok(), start, cells)
            })
            .collect()
    }

    fn course(&self, course: Course, at: f64) -> f64 {
        let factor = match course {
            Course::Step if at > self.step => 0.4,
            Course::Steady | Course::Step => 0.0,
            Course::Ramp => 0.4 * at,
            Course::Drift => 0.4 * libm::sin(std::f64::consts::PI * at),
        };
        libm::log1p(factor)
    }

    fn cell(
        &self,
        duet: &Duet,
        pool: &Pool,
        draw: &mut Draw,
        (arm, request, shared): (Arm, usize, f64),
    ) -> RequestRecord {
        let (instance, slower, errors) = match arm {
            Arm::Target => (self.instances[0], duet.slower, duet.errors.1),
            Arm::Base => (self.instances[1], 1.0, duet.errors.0),
        };
        let own = duet.regime.slice * draw.normal() + draw.burst(&duet.regime) + instance;
        let change = if request == 0 { libm::log(slower) } else { 0.0 };
        let failures = failures(draw, errors);
        let shift = shared + self.scales[request] * own + change;
        cell(
            request,
            pool.latencies(draw, shift, REQUESTS as u64 - failures),
            failures,
        )
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
}

/// Slices of a job.
const SLICES: usize = 6;

impl History {
    /// One run on a machine of its own.
    pub(crate) fn run(&self, pool: &Pool, draw: &mut Draw, slower: f64) -> RunRecord {
        let mut run = record(self.names, None);
        let job = self.regime.job * draw.normal() + self.regime.instance * draw.normal();
        for place in 0..SLICES {
            let own = self.regime.minute * draw.normal() + self.regime.slice * draw.normal();
            let shift = job + own + draw.burst(&self.regime) + libm::log(slower);
            let cells = (0..self.names)
                .map(|name| cell(name, pool.latencies(draw, shift, REQUESTS as u64), 0))
                .collect();
            run.slices.push(slice(Arm::Target, None, place, cells));
        }
        run
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
