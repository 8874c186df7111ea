//! `validate`: checks a gate's files and prints the plan, without a request.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::console::Console;
use super::measure::{about, base_missing, duet_length, together};
use crate::aws;
use crate::baseline::{Job, Matching, PhaseScope, RunContext, matching};
use crate::exit::Exit;
use crate::load::{Interleaving, Origin, duet_load};
use crate::metric::Metric;
use crate::plan::{Gate, Plan};
use crate::record::{self, PhaseRecord, phases};
use crate::report::{self, Improvement, LatencyAssumption, PlanChange, Preview};
use crate::scenario::{Phase, Scenario, Shape, Step};
use crate::thresholds::{Subject, Thresholds};
use crate::verdict::{self, Design, Forecast, PlannedLoad};

/// Assumed duration of a response without a baseline, in seconds: that of a warm function behind a gateway.
const ASSUMED_ANSWER: f64 = 0.1;
/// The shortest that it might last instead. What could not be judged even then is refused.
const SHORTEST_ANSWER: f64 = 0.001;
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
    let alone = Planned {
        load: scenario.load.clone(),
        share: 1.0,
        design: Design::Jobs(&jobs),
    };
    let duet = Planned::duet(gate, &jobs);
    let (planned, other) = match gate.against {
        None => (alone, duet),
        Some(_) => (duet, alone),
    };
    let counts_at = |planned: &Planned, unknown: f64| {
        let mut counts = scenario.expected_requests(&planned.load, |name| {
            let known =
                newest.and_then(|job| percentile(job, Some(&scenario.requests[name]), Metric::P50));
            known.unwrap_or(unknown)
        });
        planned.share_out(&mut counts);
        counts
    };
    let counts = counts_at(&planned, ASSUMED_ANSWER);
    let forecast = planned.forecast(gate, &gate.thresholds, &counts);
    let is_of_use = forecast.can_judge_anything() || {
        let counts = counts_at(&planned, SHORTEST_ANSWER);
        let forecast = planned.forecast(gate, &gate.thresholds, &counts);
        forecast.can_judge_anything()
    };
    let otherwise = other.forecast(gate, &gate.thresholds, &counts_at(&other, ASSUMED_ANSWER));
    let improvement = improvement(gate, (&planned, &counts), &forecast, &otherwise);
    let phases = phases(&planned.load);
    let has_users = scenario
        .load
        .iter()
        .any(|phase| matches!(phase.shape, Shape::Users { .. }) && !phase.shape.is_idle());
    let p95 = newest.and_then(|job| percentile(job, None, Metric::P95));
    print_aws_limits(scenario, &phases, p95, console);
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
            design: planned.design,
            forecast: &forecast,
            otherwise: &otherwise,
            improvement,
            is_of_use,
            unset: &gate.unset,
        },
        console.width,
    ));
    if is_of_use { Exit::Passed } else { Exit::Usage }
}

/// Prints what limits of AWS the load runs into, if the scenario names AWS services.
fn print_aws_limits(
    scenario: &Scenario,
    phases: &[PhaseRecord],
    p95: Option<f64>,
    console: &Console,
) {
    let Some(services) = &scenario.aws else {
        return;
    };
    let requests = scenario.steps().filter_map(Step::request);
    let timeout = requests.map(|request| request.timeout.as_secs_f64());
    let known = (timeout.reduce(f64::max), p95);
    let variable = |name: &str| std::env::var(name).ok();
    for sentence in aws::check_limits(services, phases, known, &variable) {
        console.print(&format!("AWS: {sentence}"));
    }
}

/// The load of one deployment, the share of it that it would be sent, and how the run would be judged.
struct Planned<'j> {
    load: Vec<Phase>,
    share: f64,
    design: Design<'j>,
}

impl<'j> Planned<'j> {
    fn duet(gate: &Gate, jobs: &'j [&'j Job]) -> Self {
        let turns = &gate.turns;
        // A pair of a mixed duet is loaded throughout, and half of that load is each arm's.
        let (share, slice, interleaving) = match turns.interleaving {
            Interleaving::Turns => (1.0, turns.slice, record::Interleaving::Turns),
            Interleaving::Mixed => (0.5, turns.slice * 2, record::Interleaving::Mixed),
        };
        Self {
            load: duet_load(&gate.scenario.load, turns),
            share,
            design: Design::Duet {
                jobs,
                interleaving,
                pairs: turns.pairs,
                slice_s: slice.as_secs_f64(),
                looks: turns.looks,
            },
        }
    }

    fn share_out(&self, counts: &mut [Vec<f64>]) {
        let counts = counts.iter_mut().flatten();
        counts.for_each(|count| *count *= self.share);
    }

    fn forecast(&self, gate: &Gate, thresholds: &Thresholds, counts: &[Vec<f64>]) -> Forecast {
        let expected = PlannedLoad {
            phases: &phases(&self.load),
            requests: &gate.scenario.requests,
            counts,
        };
        let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
        verdict::forecast(&expected, thresholds, self.design, today)
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
            interleaving: record::Interleaving::Turns,
            looks,
        } if gate.may_mix() => {
            let mixed = Planned {
                load: planned.load.clone(),
                share: planned.share,
                design: Design::Duet {
                    jobs,
                    pairs,
                    slice_s,
                    interleaving: record::Interleaving::Mixed,
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

/// A percentile of a name, or of all together, in a job, in seconds.
fn percentile(job: &Job, name: Option<&str>, metric: Metric) -> Option<f64> {
    let cell = job.cell(&PhaseScope::Steady, name)?;
    cell.metrics.get(&metric).map(|(seconds, _)| *seconds)
}
