//! What a load costs on AWS, said before it is sent. What is known to cost more than its budget is refused.

use std::time::Duration;

use super::Error;
use super::console::Console;
use super::planned::{self, ASSUMED_RESPONSE, Planned, SHORTEST_RESPONSE, percentile};
use crate::aws::{self, Outlook, RequestBound};
use crate::baseline::Job;
use crate::load::Budget;
use crate::metric::Metric;
use crate::plan::{Gate, Plan};
use crate::record::phases;
use crate::scenario::{Aws, OnLimits, Step};
use crate::units::{Dollars, Latency, format_duration};

/// Picodollars in a dollar.
pub(super) const PICO: f64 = 1e12;

/// Prints what the load runs into and costs on AWS, if the scenario names AWS services. An error if that is to refuse it.
pub(super) fn check(plan: &Plan, gate: &Gate, console: &Console) -> Result<(), Error> {
    let Some(services) = &gate.scenario.aws else {
        return Ok(());
    };
    let load = ExpectedLoad::of(plan, gate);
    let outlook = load.outlook(plan, gate, services);
    for sentence in outlook.limits.iter().chain(&outlook.missing) {
        console.print(&format!("AWS: {sentence}"));
    }
    console.print(&match &outlook.bound {
        Ok(bound) => format!(
            "AWS: {} (prices of {}, {})",
            load.sentence(bound),
            plan.prices.as_of(),
            outlook.region
        ),
        Err(why) => format!("AWS: the cost is not known: {why}"),
    });
    load.allowed(services, &outlook).map(|_| ())
}

/// The budget of a run, if its scenario has one. An error if what AWS says is to refuse the load.
pub(super) fn budget(plan: &Plan, gate: &Gate) -> Result<Option<Budget>, Error> {
    let services = gate.scenario.aws.as_ref();
    let asks = |own: &&Aws| own.budget.is_some() || own.on_limits == OnLimits::Fail;
    let Some(services) = services.filter(asks) else {
        return Ok(None);
    };
    let load = ExpectedLoad::of(plan, gate);
    load.allowed(services, &load.outlook(plan, gate, services))
}

/// What is expected of a load: the requests to both deployments of a duet, and what one costs or takes.
struct ExpectedLoad {
    requests: f64,
    one: One,
    p95: Option<f64>,
}

/// What is known of one request.
#[derive(Clone, Copy)]
enum One {
    /// Dollars, as of the newest job.
    Cost(f64),
    /// Seconds: the P95 of the newest job.
    Takes(f64),
    /// Nothing.
    Unknown,
}

impl ExpectedLoad {
    fn of(plan: &Plan, gate: &Gate) -> Self {
        let jobs = planned::jobs(plan, gate);
        let newest = jobs.last().copied();
        let (planned, deployments) = match gate.against {
            None => (Planned::alone(gate, &jobs), 1.0),
            Some(_) => (Planned::duet(gate, &jobs), 2.0),
        };
        let counts = planned.counts(&gate.scenario, newest, ASSUMED_RESPONSE);
        let p95 = newest.and_then(|job| percentile(job, None, Metric::P95));
        let cost = newest.and_then(|job: &Job| job.cost.as_ref());
        Self {
            requests: counts.iter().flatten().sum::<f64>() * deployments,
            one: match (cost, p95) {
                (Some(cost), _) => One::Cost(cost.per_million_usd / 1e6),
                (None, Some(seconds)) => One::Takes(seconds),
                (None, None) => One::Unknown,
            },
            p95,
        }
    }

    fn outlook(&self, plan: &Plan, gate: &Gate, services: &Aws) -> Outlook {
        let scenario = &gate.scenario;
        let requests = scenario.steps().filter_map(Step::request);
        let timeout = requests.map(|request| request.timeout.as_secs_f64());
        let known = (timeout.reduce(f64::max), self.p95);
        let variable = |name: &str| std::env::var(name).ok();
        let phases = phases(&scenario.load);
        aws::look_ahead(services, &phases, known, &plan.prices, &variable)
    }

    fn expected(&self, bound: &RequestBound, unknown: f64) -> f64 {
        match self.one {
            One::Cost(dollars) => self.requests * dollars,
            One::Takes(seconds) => bound.of(self.requests, seconds * 1e3),
            One::Unknown => bound.of(self.requests, unknown * 1e3),
        }
    }

    /// Refuses what runs into limits, if it should, and what costs more than its budget for certain: without a baseline,
    /// if every response were immediate. The budget otherwise.
    fn allowed(&self, services: &Aws, outlook: &Outlook) -> Result<Option<Budget>, Error> {
        if let (OnLimits::Fail, Some(limit)) = (services.on_limits, outlook.limits.first()) {
            return Err(Error::AwsLimits(limit.clone()));
        }
        let Some(budget) = services.budget else {
            return Ok(None);
        };
        let bound = outlook.bound.as_ref();
        let bound = bound.map_err(|why| Error::BudgetUnknown(why.clone()))?;
        let expected = Dollars(self.expected(bound, SHORTEST_RESPONSE));
        if expected > budget {
            return Err(Error::OverBudget { expected, budget });
        }
        Ok(Some(Budget {
            most: picodollars(budget.0),
            per_request: picodollars(bound.per_request),
            per_millisecond: picodollars(bound.per_millisecond),
            longest_ms: bound.longest_ms,
        }))
    }

    fn sentence(&self, bound: &RequestBound) -> String {
        let expected = Dollars(self.expected(bound, ASSUMED_RESPONSE));
        let why = match self.one {
            One::Cost(_) => "as in the newest job of the baseline".to_owned(),
            One::Takes(seconds) => format!(
                "if each request takes the P95 of the baseline, {}",
                Latency(seconds)
            ),
            One::Unknown => format!("if each request takes {}", Latency(ASSUMED_RESPONSE)),
        };
        let at_most = Dollars(bound.of(self.requests, f64::INFINITY));
        let timeout = format_duration(Duration::from_millis(bound.longest_ms));
        format!(
            "the load costs {expected} {why}, and at most {at_most} if each runs until the timeout of {timeout}"
        )
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "prices are 0 or more, and an absurd one becomes the largest number"
)]
fn picodollars(dollars: f64) -> u64 {
    (dollars * PICO).ceil() as u64
}
