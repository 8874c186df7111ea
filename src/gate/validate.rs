//! `validate`: checks a gate's files and prints the plan, without a request.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::console::Console;
use super::measure::{about, duet_length, together};
use crate::baseline::{Job, Matching, PhaseScope, RunContext, matching};
use crate::exit::Exit;
use crate::load::{Interleaving, Origin, duet_load};
use crate::metric::Metric;
use crate::plan::{Against, Gate, Plan};
use crate::record::{self, phases};
use crate::report::{self, LatencyAssumption, Preview};
use crate::scenario::{Phase, Shape};
use crate::verdict::{self, Design, PlannedLoad};

/// Assumed duration of a response without a baseline, in seconds: that of a warm function behind a gateway.
const ASSUMED_ANSWER: f64 = 0.1;
/// The shortest that it might last instead. What could not be judged even then is refused.
const SHORTEST_ANSWER: f64 = 0.001;

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
    let scenario = &gate.scenario;
    let target = gate.target().ok();
    let setting = RunContext {
        scenario_sha256: &scenario.sha256,
        scenario_text: &scenario.canonical,
        loopback: target.is_some_and(Origin::is_loopback),
        labels: &plan.labels,
        environment: &plan.environment,
    };
    let jobs = match matching(gate.baseline.as_ref(), &setting) {
        Matching::Jobs(jobs) => jobs,
        Matching::None(_) => Vec::new(),
    };
    let newest = jobs.last().copied();
    let (load, share, design) = design(gate, &jobs);
    let counts_at = |unknown: f64| {
        let mut counts = scenario.expected_requests(&load, |name| {
            let known = newest.and_then(|job| median(job, &scenario.requests[name]));
            known.unwrap_or(unknown)
        });
        counts
            .iter_mut()
            .flatten()
            .for_each(|count| *count *= share);
        counts
    };
    let phases = phases(&load);
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let forecast_of = |counts: &[Vec<f64>]| {
        let expected = PlannedLoad {
            phases: &phases,
            requests: &scenario.requests,
            counts,
        };
        verdict::forecast(&expected, &gate.thresholds, design, today)
    };
    let counts = counts_at(ASSUMED_ANSWER);
    let forecast = forecast_of(&counts);
    let is_of_use = forecast.can_judge_anything()
        || forecast_of(&counts_at(SHORTEST_ANSWER)).can_judge_anything();
    let has_users = scenario
        .load
        .iter()
        .any(|phase| matches!(phase.shape, Shape::Users { .. }) && !phase.shape.is_idle());
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
                None => LatencyAssumption::Assumed(ASSUMED_ANSWER),
            },
            thresholds: &gate.thresholds,
            design,
            forecast: &forecast,
            is_of_use,
            unset: &gate.unset,
        },
        console.width,
    ));
    if is_of_use { Exit::Passed } else { Exit::Usage }
}

/// The load of one deployment, the share of it that it would be sent, and how the run would be judged.
fn design<'j>(gate: &Gate, jobs: &'j [&'j Job]) -> (Vec<Phase>, f64, Design<'j>) {
    let load = &gate.scenario.load;
    let Some(Against { turns, .. }) = &gate.against else {
        return (load.clone(), 1.0, Design::Jobs(jobs));
    };
    // A pair of a mixed duet is loaded throughout, and half of that load is each arm's.
    let (share, slice, interleaving) = match turns.interleaving {
        Interleaving::Turns => (1.0, turns.slice, record::Interleaving::Turns),
        Interleaving::Mixed => (0.5, turns.slice * 2, record::Interleaving::Mixed),
    };
    let design = Design::Duet {
        jobs,
        interleaving,
        pairs: turns.pairs,
        slice_s: slice.as_secs_f64(),
        looks: turns.looks,
    };
    (duet_load(load, turns), share, design)
}

/// How long a run would take.
fn lasts(gate: &Gate) -> String {
    let load = &gate.scenario.load;
    match &gate.against {
        None => about(load.iter().map(|phase| phase.duration).sum()),
        Some(against) => duet_length(gate, against),
    }
}

/// The median latency of a name in a job, in seconds.
fn median(job: &Job, name: &str) -> Option<f64> {
    let cell = job.cell(&PhaseScope::Steady, Some(name))?;
    cell.metrics.get(&Metric::P50).map(|(seconds, _)| *seconds)
}
