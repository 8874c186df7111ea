//! Synthetic records for tests: what a run looks like whose requests took so long.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::{
    AwsFigures, AwsRecord, COUNTING, CostRecord, Deployment, Ended, Environment, FunctionRecord,
    Health, LoadModel, PartsRecord, PhaseRecord, ReportsRecord, RequestRecord, RunInfo, RunRecord,
    SCHEMA, ScenarioIdentity, SliceRecord, SliceReports,
};
use crate::measurement::{Arm, FailureKind, LatencyHistogram, Parts, RequestStats};
use crate::scenario::{Aws, Front};

/// What one request name did in one slice.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    name: String,
    requests: u64,
    median_ms: f64,
    failures: Vec<(FailureKind, u64)>,
    cold: (u64, f64),
    recorded: OnceCell<RequestRecord>,
}

/// Requests of one name whose latencies are spread evenly between 0.5 and 1.5 times `median_ms`, so that P95 is 1.45
/// times it.
pub(crate) fn traffic(name: impl Into<String>, requests: u64, median_ms: f64) -> Traffic {
    Traffic {
        name: name.into(),
        requests,
        median_ms,
        failures: Vec::new(),
        cold: (0, 0.0),
        recorded: OnceCell::new(),
    }
}

impl Traffic {
    /// So many of the requests fail in this way, at once.
    pub(crate) fn failing(mut self, kind: FailureKind, count: u64) -> Self {
        self.failures.push((kind, count));
        self.recorded = OnceCell::new();
        self
    }

    /// So many of the successes are delayed by a cold start and take so long.
    pub(crate) fn cold(mut self, count: u64, millis: f64) -> Self {
        self.cold = (count, millis);
        self.recorded = OnceCell::new();
        self
    }

    /// The same under another name.
    pub(crate) fn called(&self, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..self.clone()
        }
    }

    /// Its requests, recorded; what they cost is paid once, since a run repeats its traffic slice by slice.
    fn cell(&self, request: usize) -> RequestRecord {
        let recorded = self
            .recorded
            .get_or_init(|| RequestRecord::new(0, self.record()));
        RequestRecord {
            request,
            ..recorded.clone()
        }
    }

    fn record(&self) -> RequestStats {
        let mut cell = RequestStats::default();
        for (kind, count) in &self.failures {
            for _ in 0..*count {
                cell.record(Duration::from_micros(900), Some(*kind));
            }
        }
        let failures: u64 = self.failures.iter().map(|(_, count)| count).sum();
        let (cold, cold_ms) = self.cold;
        for _ in 0..cold {
            cell.record_cold(Duration::from_secs_f64(cold_ms / 1e3));
        }
        let successes = self.requests - failures - cold;
        let latency = |index: u64| {
            let factor = 0.5 + (index as f64 + 0.5) / successes as f64;
            Duration::from_secs_f64(self.median_ms / 1e3 * factor)
        };
        let micros = |index| u64::try_from(latency(index).as_micros()).unwrap_or(u64::MAX);
        // Not recorded one by one: what is being recorded is slow to read.
        let latencies =
            LatencyHistogram::from_counts((0..successes).map(|index| (micros(index), 1)));
        cell.succeeded = LatencyHistogram::sum([&cell.succeeded, &latencies]);
        cell
    }
}

/// Builds a record slice by slice; a slice lasts a second.
pub(crate) struct RecordBuilder {
    record: RunRecord,
    pass: u32,
}

/// A run of the scenario `shop`, started 2026-05-04, on a target on this machine.
pub(crate) fn record() -> RecordBuilder {
    let deployment = || Deployment {
        commit: None,
        by_thresholds: false,
        url: "http://127.0.0.1:8080/".to_owned(),
        loopback: true,
        proxy: None,
        proxy_variable: None,
        proxy_forwards: false,
    };
    let record = RunRecord {
        schema: SCHEMA,
        tool: "0.1.0".to_owned(),
        counting: COUNTING,
        scenario: ScenarioIdentity {
            name: "shop".to_owned(),
            sha256: "5ca1ab1e".to_owned(),
            text: "name: shop\n".to_owned(),
        },
        target: deployment(),
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
            started: "2026-05-04T10:00:00Z".parse().expect("a timestamp"),
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
        health: Health::default(),
        cold_start: None,
        aws: None,
        requests: Vec::new(),
        phases: Vec::new(),
        slices: Vec::new(),
        unsent: Vec::new(),
        parts: Vec::new(),
        timeline: Vec::new(),
        sent: Vec::new(),
        traces: Vec::new(),
    };
    RecordBuilder { record, pass: 0 }
}

impl RecordBuilder {
    /// Begins a steady measured phase; the slices that follow belong to it.
    pub(crate) fn steady(self, name: &str) -> Self {
        self.phase(name, true, true)
    }

    /// Begins a measured phase that is a ramp or repeated.
    pub(crate) fn repeated(self, name: &str) -> Self {
        self.phase(name, true, false)
    }

    /// Begins a phase that nothing looks at.
    pub(crate) fn unmeasured(self, name: &str) -> Self {
        self.phase(name, false, false)
    }

    fn phase(mut self, name: &str, measured: bool, steady: bool) -> Self {
        self.pass = 0;
        self.record.phases.push(PhaseRecord {
            name: name.to_owned(),
            load: "20 users".to_owned(),
            duration_s: 12.0,
            passes: 1,
            measured,
            steady,
            idle: false,
            model: LoadModel::Users,
            peak_load: 20.0,
        });
        self
    }

    /// Begins the next pass of a repeated phase.
    pub(crate) fn next_pass(mut self) -> Self {
        self.pass += 1;
        self
    }

    /// Adds one slice of the deployment under test.
    pub(crate) fn slice(self, traffic: &[Traffic]) -> Self {
        self.slice_of(Arm::Target, None, traffic)
    }

    /// Adds `count` equal slices of the deployment under test.
    pub(crate) fn slices(mut self, count: u32, traffic: &[Traffic]) -> Self {
        for _ in 0..count {
            self = self.slice(traffic);
        }
        self
    }

    /// Adds a pair of a duet, base first.
    pub(crate) fn pair(mut self, base: &[Traffic], target: &[Traffic]) -> Self {
        self.record.base = Some(self.record.target.clone());
        let next = self
            .record
            .slices
            .iter()
            .filter_map(|slice| slice.pair)
            .max();
        let pair = next.map_or(0, |pair| pair + 1);
        self.slice_of(Arm::Base, Some(pair), base)
            .slice_of(Arm::Target, Some(pair), target)
    }

    fn slice_of(mut self, arm: Arm, pair: Option<u32>, traffic: &[Traffic]) -> Self {
        let mut cells = Vec::new();
        for traffic in traffic {
            let known = self
                .record
                .requests
                .iter()
                .position(|name| *name == traffic.name);
            let request = known.unwrap_or_else(|| {
                self.record.requests.push(traffic.name.clone());
                self.record.requests.len() - 1
            });
            if traffic.requests > 0 {
                cells.push(traffic.cell(request));
            }
        }
        self.record.slices.push(SliceRecord {
            phase: self.record.phases.len() - 1,
            pass: self.pass,
            arm,
            pair,
            start_s: self.record.slices.len() as f64,
            length_s: 1.0,
            late_p99_s: 0.000_2,
            cells,
            silences: None,
        });
        self
    }

    /// The scenario knows cold starts by a header, which so many answers had.
    pub(crate) fn marking(mut self, marked: u64) -> Self {
        self.record.cold_start = Some("x-cold-start".to_owned());
        self.record.parts.push(PartsRecord {
            phase: 0,
            arm: Arm::Target,
            request: 0,
            parts: Parts {
                marked,
                ..Parts::default()
            },
        });
        self
    }

    /// The generator was this late in the slice added last, in seconds.
    pub(crate) fn late(mut self, seconds: f64) -> Self {
        if let Some(slice) = self.record.slices.last_mut() {
            slice.late_p99_s = seconds;
        }
        self
    }

    /// A Lambda function of this memory size served the run behind an HTTP API, an invocation for each request. Slice
    /// by slice it was billed these milliseconds each time, over and over.
    pub(crate) fn on_lambda(mut self, memory_mb: u64, billed_ms: &[u64]) -> Self {
        let slices = self.record.slices.iter().enumerate();
        let slices = slices.zip(billed_ms.iter().cycle());
        let slices = slices.map(|((slice, record), billed_ms)| {
            let lines = record.of_request(None).map(RequestStats::requests).sum();
            SliceReports {
                slice,
                lines,
                billed_ms: lines * billed_ms,
            }
        });
        let slices: Vec<SliceReports> = slices.collect();
        let lines: u64 = slices.iter().map(|slice| slice.lines).sum();
        let billed_ms: u64 = slices.iter().map(|slice| slice.billed_ms).sum();
        let gb_seconds = billed_ms as f64 / 1e3 * memory_mb as f64 / 1024.0;
        let duration_usd = gb_seconds * 0.000_016_666_7;
        let usd = duration_usd + lines as f64 * 1.2e-6;
        let function = FunctionRecord {
            name: "orders".to_owned(),
            reports: Some(ReportsRecord {
                lines,
                billed_ms,
                memory_mb: Some(memory_mb),
                memory_used_mb: Some(118),
                ..ReportsRecord::default()
            }),
            slices,
            ..FunctionRecord::default()
        };
        self.record.aws = Some(AwsRecord {
            services: Aws {
                ..Aws::behind(Front::FunctionUrl)
            },
            figures: Some(AwsFigures {
                functions: vec![function],
                cost: Some(CostRecord {
                    usd,
                    per_million_usd: usd / lines as f64 * 1e6,
                    base_per_million_usd: None,
                    duration_usd: Some(duration_usd),
                    prices_of: "2026-11-24".to_owned(),
                }),
                ..AwsFigures::default()
            }),
        });
        self
    }

    /// Changes whatever else a test is about.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut RunRecord)) -> Self {
        change(&mut self.record);
        self
    }

    /// The record.
    pub(crate) fn build(self) -> RunRecord {
        self.record
    }
}
