//! From a measurement and its circumstances to a record.

use std::collections::BTreeMap;

use super::model::{
    COUNTING, CellRecord, Deployment, Environment, Health, LoadModel, PartsRecord, PhaseRecord,
    Run, RunRecord, SCHEMA, ScenarioIdentity, SecondRecord, SliceRecord, Turns,
};
use crate::measurement::{Measurement, Second, Slice};
use crate::scenario::{Phase, Scenario, Shape};
use crate::units::{group, significant, six_digits};

/// All that a record keeps beside the scenario and the measurement.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// The deployment under test.
    pub target: Deployment,
    /// The deployment it was compared with, in a duet.
    pub base: Option<Deployment>,
    /// How the two took turns, in a duet.
    pub turns: Option<Turns>,
    /// When and how the run went.
    pub run: Run,
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
pub fn build(
    scenario: &Scenario,
    circumstances: Circumstances,
    measurement: Measurement,
) -> RunRecord {
    let Circumstances {
        target,
        base,
        turns,
        run,
        labels,
        environment,
        health,
        load,
    } = circumstances;
    RunRecord {
        schema: SCHEMA,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        counting: COUNTING,
        scenario: ScenarioIdentity {
            name: scenario.name.clone(),
            sha256: scenario.sha256.clone(),
            text: scenario.canonical.clone(),
        },
        target,
        base,
        turns,
        run,
        labels,
        environment,
        health,
        cold_start: scenario.cold_start.as_ref().map(|cold| cold.header.clone()),
        requests: measurement.requests,
        phases: phases(&load),
        slices: measurement.slices.into_iter().map(slice).collect(),
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
            most: six_digits(match phase.shape {
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

fn slice(slice: Slice) -> SliceRecord {
    SliceRecord {
        phase: slice.phase,
        pass: slice.pass,
        arm: slice.arm,
        pair: slice.pair,
        start_s: six_digits(slice.start.as_secs_f64()),
        length_s: six_digits(slice.length.as_secs_f64()),
        late_p99_s: six_digits(slice.late.quantile(0.99).unwrap_or(0.0)),
        cells: slice
            .cells
            .into_iter()
            .enumerate()
            .filter(|(_, cell)| cell.requests() > 0)
            .map(|(request, cell)| CellRecord::new(request, cell))
            .collect(),
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
