//! From a measurement and its circumstances to a record.

use std::collections::BTreeMap;
use std::time::Duration;

use super::unsent::unsent;
use super::{
    AwsRecord, COUNTING, Deployment, DuetSettings, Environment, Health, LoadModel, PartsRecord,
    PhaseRecord, ReferenceRecord, RequestRecord, RunInfo, RunRecord, SCHEMA, ScenarioIdentity,
    SecondRecord, SilenceRecord, SliceRecord,
};
use crate::measurement::{Arm, Measurement, Second, Silence, Slice, silences};
use crate::scenario::{Phase, Scenario, Shape};
use crate::units::{group, significant, six_digits};

/// All that a record keeps beside the scenario and the measurement.
#[derive(Clone, Debug)]
pub struct RunDetails {
    /// The deployment under test.
    pub target: Deployment,
    /// The deployment it was compared with, in a duet.
    pub base: Option<Deployment>,
    /// Why the base that the thresholds name was not loaded.
    pub base_missing: Option<String>,
    /// What was measured beside the target and never changes.
    pub reference: Option<ReferenceRecord>,
    /// Why the reference that the thresholds name was not measured.
    pub reference_missing: Option<String>,
    /// How the two shared the run, in a duet.
    pub duet: Option<DuetSettings>,
    /// When and how the run went.
    pub run: RunInfo,
    /// What a baseline's jobs must share.
    pub labels: BTreeMap<String, String>,
    /// The machine that sent the load.
    pub environment: Environment,
    /// How well the generator did.
    pub health: Health,
    /// The phases as they were run.
    pub load: Vec<Phase>,
}

/// Makes the record of a run.
pub fn build(scenario: &Scenario, details: RunDetails, measurement: Measurement) -> RunRecord {
    let slices = slices(scenario, measurement.slices);
    RunRecord {
        schema: SCHEMA,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        counting: COUNTING,
        scenario: ScenarioIdentity {
            name: scenario.name.clone(),
            sha256: scenario.sha256.clone(),
            text: scenario.canonical.clone(),
        },
        target: details.target,
        base: details.base,
        base_missing: details.base_missing,
        reference: details.reference,
        reference_missing: details.reference_missing,
        duet: details.duet,
        run: details.run,
        labels: details.labels,
        environment: details.environment,
        health: details.health,
        cold_start: scenario.cold_start.as_ref().map(|cold| cold.header.clone()),
        aws: scenario.aws.clone().map(|services| AwsRecord {
            services,
            figures: None,
        }),
        requests: measurement.requests,
        sent: measurement.sent,
        traces: measurement.traces,
        phases: phases(&details.load),
        unsent: unsent(scenario, &slices),
        slices,
        parts: measurement
            .parts
            .into_iter()
            .map(|((phase, arm, request), parts)| PartsRecord {
                phase,
                arm,
                request,
                parts: parts.to_coarse(),
            })
            .collect(),
        timeline: measurement.timeline.iter().map(second).collect(),
    }
}

/// The phases of a load, repeats pooled, in the order of [`Phase::index`].
pub fn phases(load: &[Phase]) -> Vec<PhaseRecord> {
    let mut records: Vec<PhaseRecord> = Vec::new();
    for phase in load.iter().filter(|phase| phase.pass == 0) {
        records.push(PhaseRecord {
            name: phase.name.clone(),
            load: load_text(phase.shape),
            duration_s: six_digits(phase.duration.as_secs_f64()),
            passes: phase.passes,
            measured: phase.measure,
            steady: phase.is_steady(),
            idle: phase.shape.is_idle(),
            model: match phase.shape {
                Shape::Users { .. } => LoadModel::Users,
                Shape::Arrivals { .. } => LoadModel::Arrivals,
            },
            peak_load: six_digits(match phase.shape {
                Shape::Users { from, to } => f64::from(from.max(to)),
                Shape::Arrivals { from, to, .. } => from.max(to),
            }),
        });
    }
    records
}

/// A load in words, such as `20 users` or `50/s to 500/s`.
fn load_text(shape: Shape) -> String {
    match shape {
        Shape::Users { from: 1, to: 1 } => "1 user".to_owned(),
        Shape::Users { from, to } if from == to => format!("{} users", group(&to.to_string())),
        Shape::Users { from, to } => {
            format!(
                "{} to {} users",
                group(&from.to_string()),
                group(&to.to_string())
            )
        }
        Shape::Arrivals { from, to, .. } if shape.is_constant() => {
            format!("{}/s", significant(from.max(to)))
        }
        Shape::Arrivals { from, to, .. } => {
            format!("{}/s to {}/s", significant(from), significant(to))
        }
    }
}

fn slices(scenario: &Scenario, slices: Vec<Slice>) -> Vec<SliceRecord> {
    let mut silent: Vec<Vec<Silence>> = vec![Vec::new(); slices.len()];
    for arm in [Arm::Target, Arm::Base] {
        let of_arm = || {
            slices
                .iter()
                .enumerate()
                .filter(|(_, slice)| slice.arm == arm)
        };
        let own: Vec<&Slice> = of_arm().map(|(_, slice)| slice).collect();
        for ((index, _), found) in of_arm().zip(silences(&own)) {
            silent[index] = found;
        }
    }
    let each = slices.into_iter().zip(silent);
    each.map(|(of, silent)| {
        let silent = silent.iter().map(|one| silence(scenario, one)).collect();
        slice(of, silent)
    })
    .collect()
}

fn silence(scenario: &Scenario, silence: &Silence) -> SilenceRecord {
    let class = silence
        .class
        .and_then(|index| scenario.user_classes.get(index));
    let seconds = |time: Duration| six_digits(time.as_secs_f64());
    SilenceRecord {
        class: class.map(|class| class.name.clone()),
        request: silence.request,
        from_s: seconds(silence.from),
        to_s: seconds(silence.to),
        after_s: seconds(silence.after),
        whole_s: seconds(silence.whole),
    }
}

fn slice(slice: Slice, silences: Vec<SilenceRecord>) -> SliceRecord {
    let is_known = !slice.flows.is_empty();
    let completed = |request: usize| {
        let flows = slice.flows.iter();
        let own = flows.filter(move |flow| flow.request as usize == request);
        let first = own.clone().filter_map(|flow| flow.first).min();
        (own.map(|flow| flow.completed).sum::<u64>(), first)
    };
    let cells = slice.cells.into_iter().enumerate();
    let cells = cells.filter_map(|(request, cell)| {
        let (completed, first) = completed(request);
        (cell.requests() + completed > 0).then(|| RequestRecord {
            completed: is_known.then_some(completed),
            first_s: first.map(|first| six_digits(first.as_secs_f64())),
            ..RequestRecord::new(request, cell)
        })
    });
    SliceRecord {
        phase: slice.phase,
        pass: slice.pass,
        arm: slice.arm,
        pair: slice.pair,
        start_s: six_digits(slice.start.as_secs_f64()),
        length_s: six_digits(slice.length.as_secs_f64()),
        late_p99_s: six_digits(slice.late.quantile(0.99).unwrap_or(0.0)),
        cells: cells.collect(),
        silences: is_known.then_some(silences),
    }
}

fn second(second: &Second) -> SecondRecord {
    let millis = |q| {
        let seconds = second.latencies.quantile(q)?;
        Some(six_digits(seconds * 1e3))
    };
    SecondRecord {
        users: second.users,
        requests: second.requests,
        errors: second.errors.values().sum(),
        kinds: second.errors.clone(),
        p50_ms: millis(0.5),
        p95_ms: millis(0.95),
        p99_ms: millis(0.99),
    }
}
