//! What a planned load runs into and costs, by the account's limits and the functions' configuration as they are now.

use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

use super::Variables;
use super::account::{self, Account, ReservedConcurrency};
use super::client::{Client, LIMIT, Patience};
use super::cost::{Api, Architecture, RequestBound};
use super::limits::{
    Burst, FunctionLimits, GatewayKind, GatewayLimits, Limits, PlannedLoad, ProvisionedConcurrency,
    Throttle, warnings,
};
use super::prices::{Prices, RegionPrices};
use crate::record::{LoadModel, PhaseRecord};
use crate::scenario::{Aws, Front};

/// The longest that all calls together may take.
const LONGEST: Duration = Duration::from_secs(30);
/// A phase of users begins all of them at once; how fast they come is not planned.
const BURST_S: f64 = 1.0;

/// The sentences of what a load runs into; empty where nothing is known, or all is well.
pub(super) fn outlook(
    account: &Account,
    front: &Front,
    phases: &[PhaseRecord],
    (step_timeout_s, duration_p95_s): (Option<f64>, Option<f64>),
) -> Vec<String> {
    let peak = |model: LoadModel| {
        let own = phases.iter().filter(|phase| phase.model == model);
        own.map(|phase| phase.peak_load).reduce(f64::max)
    };
    let users = peak(LoadModel::Users);
    let plan = PlannedLoad {
        peak_users: users.map(whole),
        peak_rate: peak(LoadModel::Arrivals),
        duration_p95_s,
        init_p95_s: None,
        step_timeout_s,
        burst: users.map(|requests| Burst {
            requests,
            seconds: BURST_S,
        }),
    };
    let found = warnings(&limits(account, front), &plan);
    found.iter().map(ToString::to_string).collect()
}

/// What is known of a load before it.
pub struct Outlook {
    /// What it runs into, in sentences.
    pub limits: Vec<String>,
    /// What could not be read, in sentences.
    pub missing: Vec<String>,
    /// The most that a request costs, or why that is not known.
    pub bound: Result<RequestBound, String>,
    /// The region that prices are of.
    pub region: String,
}

impl Outlook {
    fn unknown(why: String) -> Self {
        Self {
            limits: Vec::new(),
            missing: vec![why.clone()],
            bound: Err(why),
            region: String::new(),
        }
    }
}

/// Reads the limits and the configuration before a load. `known` has the longest timeout of a step and the P95 of a
/// response, in seconds.
pub fn look_ahead(
    services: &Aws,
    phases: &[PhaseRecord],
    known: (Option<f64>, Option<f64>),
    prices: &Prices,
    variable: &Variables<'_>,
) -> Outlook {
    let patience = Patience {
        sleep: &|duration| {
            thread::sleep(duration);
            ControlFlow::Continue(())
        },
        limit: LIMIT,
        deadline: Instant::now() + LONGEST,
    };
    let client = match Client::new(services.region.as_deref(), variable, patience) {
        Ok(client) => client,
        Err(error) => return Outlook::unknown(error.to_string()),
    };
    let account = Account::read(&client, services);
    let of_region = prices.region(client.region());
    Outlook {
        limits: outlook(&account, &services.front, phases, known),
        missing: account.refused.iter().map(ToString::to_string).collect(),
        bound: of_region
            .map_err(|error| error.to_string())
            .and_then(|of_region| bound(&account, &services.front, &of_region)),
        region: client.region().to_owned(),
    }
}

/// The most that a request to these functions costs.
fn bound(account: &Account, front: &Front, prices: &RegionPrices) -> Result<RequestBound, String> {
    let functions = account.functions.iter().map(|limits| {
        let configuration = limits.configuration.as_ref();
        let configuration = configuration.filter(|own| !own.is_on_instances);
        let known = configuration
            .and_then(|own| Some((Architecture::of(own), own.memory_mb?, own.timeout_s?)));
        known.ok_or_else(|| format!("memory and timeout of {} are not known", limits.function))
    });
    let functions: Vec<_> = functions.collect::<Result<_, _>>()?;
    if functions.is_empty() {
        return Err("the scenario names no function".to_owned());
    }
    Ok(RequestBound::new(&functions, Api::of(front), prices))
}

fn limits(account: &Account, front: &Front) -> Limits {
    let concurrency = account.concurrency;
    let kind = match front {
        Front::Rest { .. } => Some(GatewayKind::Rest),
        Front::Http { .. } => Some(GatewayKind::Http),
        Front::FunctionUrl | Front::LoadBalancer(_) => None,
    };
    Limits {
        account_concurrency: concurrency.and_then(|own| own.all).map(clamped),
        unreserved_concurrency: concurrency.and_then(|own| own.unreserved).map(clamped),
        functions: account.functions.iter().map(function).collect(),
        gateway: kind.map(|kind| GatewayLimits {
            kind,
            account: account.gateway.and_then(throttle),
            stage: account
                .stage
                .as_ref()
                .and_then(|stage| throttle(stage.throttle?)),
        }),
    }
}

fn function(limits: &account::FunctionLimits) -> FunctionLimits {
    let configuration = limits.configuration.as_ref();
    let qualifier = limits.function.qualifier.as_deref();
    let provisioned = limits.provisioned.iter().flatten();
    let mut provisioned = provisioned.filter(|own| own.qualifier.as_deref() == qualifier);
    FunctionLimits {
        name: limits.function.to_string(),
        reserved: match limits.reserved {
            Some(ReservedConcurrency::Reserved(own)) => Some(clamped(own)),
            Some(ReservedConcurrency::Unreserved) | None => None,
        },
        provisioned: provisioned.next().map(|own| ProvisionedConcurrency {
            environments: clamped(own.requested.unwrap_or_default()),
            status: own.status.clone().unwrap_or_default(),
        }),
        timeout_s: configuration.and_then(|own| own.timeout_s).map(clamped),
        state: configuration.and_then(|own| own.state.clone()),
        last_update: configuration.and_then(|own| own.last_update_status.clone()),
        system_log_level: configuration.and_then(|own| own.system_log_level.clone()),
    }
}

fn throttle(throttle: account::Throttle) -> Option<Throttle> {
    Some(Throttle {
        rate: throttle.rate?,
        burst: whole(throttle.burst?),
    })
}

fn clamped(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of users or requests, and a float beyond the bounds becomes the bound"
)]
fn whole(value: f64) -> u32 {
    value.ceil() as u32
}
