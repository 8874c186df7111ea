//! Generated results: what a load might have brought, the same on every machine. They are judged and reported as they are, or
//! stand in for the load of a run, of which everything else is real.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use loadgate::measurement::{
    Arm, FailureKind, LatencyHistogram, Measurement, Parts, RequestStats, Second, Slice,
};
use loadgate::record::{
    self, Deployment, Ended, Environment, Health, RunDetails, RunInfo, RunRecord,
};
use loadgate::scenario::{self, Commands, Inputs, Phase, Scenario};

/// The folder of the results that stand in for loads.
pub(crate) const VARIABLE: &str = "LOADGATE_REPLAY";

/// Slices of a phase; a duet has as many pairs.
const SLICES: u32 = 12;
/// Requests of one name in a slice: enough for every check at a P99.
const REQUESTS: u64 = 600;

/// What a load brings. Latencies are spread evenly from 0.5 to 1.5 times a median, so that P95 is 1.45 times it.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    median_ms: f64,
    base_ms: Option<f64>,
    failing: Option<(FailureKind, u64)>,
    day: u32,
    environment: Option<String>,
    slices: u32,
}

impl Load {
    /// All requests succeed, with this median.
    pub(crate) fn taking(median_ms: f64) -> Self {
        Self {
            median_ms,
            base_ms: None,
            failing: None,
            day: 0,
            environment: None,
            slices: SLICES,
        }
    }

    /// The base of a duet has this median.
    pub(crate) fn against(self, base_ms: f64) -> Self {
        let base_ms = Some(base_ms);
        Self { base_ms, ..self }
    }

    /// So many of the 600 requests of each slice and name fail in this way.
    pub(crate) fn failing(self, kind: FailureKind, count: u64) -> Self {
        let failing = Some((kind, count));
        Self { failing, ..self }
    }

    /// The same on another day: no two days are quite alike.
    pub(crate) fn on_day(self, day: u32) -> Self {
        Self { day, ..self }
    }

    /// The same in one slice, for scenarios of many names.
    pub(crate) fn in_one_slice(self) -> Self {
        Self { slices: 1, ..self }
    }

    /// The same of one of the scenario's environments.
    pub(crate) fn of_environment(self, name: &str) -> Self {
        let environment = Some(name.to_owned());
        Self {
            environment,
            ..self
        }
    }

    /// The result of a scenario.
    pub(crate) fn of(&self, text: &str) -> RunRecord {
        let inputs = Inputs {
            environment: self.environment.as_deref(),
            env: &|_| Some("given".to_owned()),
            commands: Commands::Allowed,
            ..Inputs::default()
        };
        let scenario = scenario::parse("scenario.yml", text, &inputs).unwrap();
        let slices = self.slices(&scenario);
        let measurement = Measurement {
            requests: scenario.requests.clone(),
            parts: parts(&slices),
            timeline: timeline(&scenario, &slices),
            slices,
            ..Measurement::default()
        };
        record::build(&scenario, circumstances(&scenario), measurement)
    }

    fn slices(&self, scenario: &Scenario) -> Vec<Slice> {
        let mut slices = Vec::new();
        let mut start = Duration::ZERO;
        let mut pair = 0;
        for phase in &scenario.load {
            let slices_of_phase = if phase.shape.is_idle() {
                0
            } else {
                self.slices
            };
            for number in 0..slices_of_phase {
                let begun = start + phase.duration * number / self.slices;
                let mut add = |arm, pair, millis| {
                    slices.push(self.slice(phase, (arm, pair), begun, millis, scenario));
                };
                // No two slices are quite alike.
                let ripple = |salt: u32| {
                    let step = (number * 7 + self.day * 5 + salt) % 11;
                    1.0 + 0.002 * (f64::from(step) - 5.0)
                };
                let Some(base_ms) = self.base_ms.filter(|_| phase.is_steady() && phase.measure)
                else {
                    add(Arm::Target, None, self.median_ms * ripple(0));
                    continue;
                };
                add(Arm::Base, Some(pair), base_ms * ripple(3));
                add(Arm::Target, Some(pair), self.median_ms * ripple(0));
                pair += 1;
            }
            start += phase.duration;
        }
        slices
    }

    fn slice(
        &self,
        phase: &Phase,
        (arm, pair): (Arm, Option<u32>),
        start: Duration,
        median_ms: f64,
        scenario: &Scenario,
    ) -> Slice {
        let (kind, failures) = self.failing.unwrap_or((FailureKind::Timeout, 0));
        let successes = REQUESTS - failures;
        // Alike by fives, so that results are small and read quickly.
        let micros = |rank: u64| {
            let factor = 0.5 + ((rank - rank % 5) as f64 + 2.5) / successes as f64;
            (median_ms * 1e3 * factor).round()
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "microseconds of a few seconds"
        )]
        let succeeded = (0..successes).map(|rank| (micros(rank) as u64, 1));
        let mut cell = RequestStats {
            succeeded: LatencyHistogram::from_counts(succeeded),
            ..RequestStats::default()
        };
        for _ in 0..failures {
            cell.record(Duration::from_micros(900), Some(kind));
        }
        Slice {
            phase: phase.index,
            pass: phase.pass,
            arm,
            pair,
            start,
            length: phase.duration / self.slices,
            late: LatencyHistogram::from_counts([(50, REQUESTS)]),
            cells: vec![cell; scenario.requests.len()],
            flows: Vec::new(),
        }
    }

    /// Writes the results of scenarios into a folder, from which the loads of runs are then replayed.
    pub(crate) fn write<'t>(&self, folder: &Path, scenarios: impl IntoIterator<Item = &'t str>) {
        std::fs::create_dir_all(folder).unwrap();
        for text in scenarios {
            let record = self.of(text);
            let file = format!("{}.json", record.scenario.sha256);
            std::fs::write(folder.join(file), record.to_json()).unwrap();
        }
    }
}

/// Of each name: all of its time passed at the server.
fn parts(slices: &[Slice]) -> BTreeMap<(usize, Arm, usize), Parts> {
    let mut parts: BTreeMap<_, Parts> = BTreeMap::new();
    for slice in slices {
        for (request, cell) in slice.cells.iter().enumerate() {
            let of = parts.entry((slice.phase, slice.arm, request)).or_default();
            of.service.merge(&cell.succeeded);
            of.first_byte.merge(&cell.succeeded);
            of.warm.merge(&cell.succeeded);
        }
    }
    parts
}

fn timeline(scenario: &Scenario, slices: &[Slice]) -> Vec<Second> {
    let seconds: Duration = scenario.load.iter().map(|phase| phase.duration).sum();
    let seconds = usize::try_from(seconds.as_secs().max(1)).unwrap();
    let mut timeline = vec![Second::default(); seconds];
    for slice in slices {
        let at = usize::try_from(slice.start.as_secs()).unwrap();
        let second = &mut timeline[at.min(seconds - 1)];
        second.users = 4;
        for cell in &slice.cells {
            second.requests += cell.requests();
            second.latencies.merge(&cell.succeeded);
            for (kind, count) in &cell.errors {
                *second.errors.entry(*kind).or_default() += count;
            }
        }
    }
    timeline
}

fn circumstances(scenario: &Scenario) -> RunDetails {
    RunDetails {
        target: Deployment {
            commit: None,
            by_thresholds: false,
            url: "http://127.0.0.1:8080/".to_owned(),
            loopback: true,
            proxy: None,
            proxy_variable: None,
            proxy_forwards: false,
        },
        base: None,
        base_missing: None,
        reference: None,
        reference_missing: None,
        duet: None,
        run: RunInfo {
            id: "run".to_owned(),
            attempt: None,
            commit: None,
            url: None,
            started: "2026-05-04T10:00:00Z".parse().unwrap(),
            duration_s: 12.0,
            seed: 1,
            ended: Ended::Completed,
            insecure: false,
            from_pull_request: false,
            extra_args: Vec::new(),
        },
        labels: BTreeMap::new(),
        environment: Environment {
            arch: "x86_64".to_owned(),
            os: "linux".to_owned(),
            cpu: "EPYC".to_owned(),
            cores: 2,
            ..Environment::default()
        },
        health: Health {
            late_p99_s: 0.000_05,
            cpu_share: 0.1,
            ..Health::default()
        },
        load: scenario.load.clone(),
    }
}

/// The texts of all scenarios below a folder.
pub(crate) fn scenarios(folder: &Path) -> Vec<String> {
    let mut folders = vec![PathBuf::from(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.ends_with("scenario.yml") {
                found.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}
