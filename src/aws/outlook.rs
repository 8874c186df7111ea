//! What a planned load runs into and costs, by the account's limits and the functions' configuration as they are now.

use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

use super::Variables;
use super::account::{self, Account};
use super::client::{Client, LIMIT, Patience};
use super::cost::{Api, Architecture, RequestBound};
use super::limits::{Burst, PlannedLoad, warnings};
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
    let api = account::Api::of(front).map(|api| api.kind);
    let found = warnings(account, api, &plan);
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

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of users or requests, and a float beyond the bounds becomes the bound"
)]
fn whole(value: f64) -> u32 {
    value.ceil() as u32
}
