//! `validate`: checks a gate's files and prints the plan, without a request.

use super::console::Console;
use super::measure::{about, base_missing, duet_length, together};
use super::planned::{self, ASSUMED_RESPONSE, Planned, SHORTEST_RESPONSE};
use super::spending;
use crate::exit::Exit;
use crate::measurement::Interleaving;
use crate::plan::{Gate, Plan};
use crate::record::phases;
use crate::report::{self, Improvement, LatencyAssumption, PlanChange, Preview};
use crate::scenario::Shape;
use crate::thresholds::Subject;
use crate::verdict::{Design, Forecast};

/// A change of a plan is worth telling if it lowers the smallest change that is caught to this share of it.
const WORTHWHILE: f64 = 0.9;

/// Prints what each gate would send and what its verdict could see; exits 2 where nothing could be judged in one.
pub fn validate(plan: &Plan, console: &Console) -> Exit {
    let mut exit = Exit::Passed;
    for (index, gate) in plan.gates.iter().enumerate() {
        if index > 0 {
            console.print("");
        }
        exit = exit.worse(one(plan, gate, console));
    }
    exit
}

fn one(plan: &Plan, gate: &Gate, console: &Console) -> Exit {
    if let Some(why) = &gate.base_missing {
        console.warn(&base_missing(why));
    }
    let scenario = &gate.scenario;
    let target = gate.target().ok();
    let jobs = planned::jobs(plan, gate);
    let newest = jobs.last().copied();
    let alone = Planned::alone(gate, &jobs);
    let duet = Planned::duet(gate, &jobs);
    let (planned, other) = match gate.against {
        None => (alone, duet),
        Some(_) => (duet, alone),
    };
    let counts_at = |planned: &Planned, unknown| planned.counts(scenario, newest, unknown);
    let counts = counts_at(&planned, ASSUMED_RESPONSE);
    let forecast = planned.forecast(gate, &gate.thresholds, &counts);
    let is_of_use = forecast.can_judge_anything() || {
        let counts = counts_at(&planned, SHORTEST_RESPONSE);
        let forecast = planned.forecast(gate, &gate.thresholds, &counts);
        forecast.can_judge_anything()
    };
    let otherwise = other.forecast(gate, &gate.thresholds, &counts_at(&other, ASSUMED_RESPONSE));
    let improvement = improvement(gate, (&planned, &counts), &forecast, &otherwise);
    let phases = phases(&planned.load);
    let has_users = scenario
        .load
        .iter()
        .any(|phase| matches!(phase.shape, Shape::Users { .. }) && !phase.shape.is_idle());
    let over_budget = spending::check(plan, gate, console).err();
    if let Some(why) = &over_budget {
        console.warn(&format!("loadgate: {why}"));
    }
    console.print(&report::preview(
        &Preview {
            gate: &scenario.name,
            target: target.map(ToString::to_string).as_deref(),
            lasts: &lasts(gate),
            against: gate
                .against
                .as_ref()
                .map(|against| together(against, ""))
                .as_deref(),
            phases: &phases,
            requests: &scenario.requests,
            counts: &counts,
            undecided: &scenario.conditional_requests(),
            answers: match newest {
                _ if !has_users => LatencyAssumption::Irrelevant,
                Some(_) => LatencyAssumption::AsInBaseline,
                None => LatencyAssumption::Assumed(ASSUMED_RESPONSE),
            },
            thresholds: &gate.thresholds,
            design: planned.design,
            forecast: &forecast,
            otherwise: &otherwise,
            improvement,
            is_of_use,
            unset: &gate.unset,
        },
        console.width,
    ));
    match over_budget {
        None if is_of_use => Exit::Passed,
        None | Some(_) => Exit::Usage,
    }
}

/// The single change of the plan that would let it catch the smallest change of an overall latency; none where none helps
/// much.
fn improvement(
    gate: &Gate,
    (planned, counts): (&Planned<'_>, &[Vec<f64>]),
    forecast: &Forecast,
    otherwise: &Forecast,
) -> Option<Improvement> {
    let (check, now) = forecast.checks.iter().find_map(|check| {
        let is_latency = check.subject == Subject::Overall && check.metric.quantile().is_some();
        let smallest = check.smallest.as_ref().ok().copied().flatten();
        smallest.filter(|_| is_latency).map(|now| (check, now))
    })?;
    let twice: Vec<Vec<f64>> = counts
        .iter()
        .map(|counts| counts.iter().map(|count| 2.0 * count).collect())
        .collect();
    let mut alone = gate.thresholds.clone();
    let gated = &mut alone.regression.gate;
    gated.retain(|metric| *metric == check.metric || metric.quantile().is_none());
    let mut plans = vec![
        (
            PlanChange::TwiceTheRequests,
            planned.forecast(gate, &gate.thresholds, &twice),
        ),
        (
            PlanChange::GateAlone,
            planned.forecast(gate, &alone, counts),
        ),
    ];
    match planned.design {
        Design::Jobs(_) => plans.push((PlanChange::BaseVersion, otherwise.clone())),
        Design::Duet {
            jobs,
            pairs,
            slice_s,
            interleaving: Interleaving::Turns,
            looks,
        } if gate.may_mix() => {
            let mixed = Planned {
                load: planned.load.clone(),
                share: planned.share,
                design: Design::Duet {
                    jobs,
                    pairs,
                    slice_s,
                    interleaving: Interleaving::Mixed,
                    looks,
                },
            };
            plans.push((
                PlanChange::Mix,
                mixed.forecast(gate, &gate.thresholds, counts),
            ));
        }
        Design::Duet { .. } => {}
    }
    let improvements = plans.into_iter().filter_map(|(change, forecast)| {
        let then = forecast.smallest_of(check)?;
        (then < WORTHWHILE * now).then(|| Improvement {
            change,
            check: check.clone(),
            then,
        })
    });
    improvements.min_by(|a, b| a.then.total_cmp(&b.then))
}

/// How long a run would take.
fn lasts(gate: &Gate) -> String {
    let load = &gate.scenario.load;
    match &gate.against {
        None => about(load.iter().map(|phase| phase.duration).sum()),
        Some(against) => duet_length(gate, against),
    }
}
