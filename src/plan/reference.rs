//! The reference service that a gate's thresholds name, ready to be measured beside the target.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::managed_servers::Server;
use super::{Commands, Error, ManagedServers, Options};
use crate::baseline::{Baseline, PhaseScope};
use crate::load::Origin;
use crate::metric::Metric;
use crate::record::median;
use crate::scenario::{self, Inputs, Scenario};
use crate::thresholds::{ReferenceService, ReferenceSource, Thresholds};
use crate::units::{Latency, rounded};

/// Longer than the load of the target by so much, so that it never ends first.
const MARGIN: Duration = Duration::from_mins(1);
/// A path that the built-in server has.
const BUILT_IN_PATH: &str = "/prod/catalog/items";

/// A reference service with all that it takes to measure it.
#[derive(Debug)]
pub struct ReferencePlan {
    /// Which one it is: an address, a command, or `built-in`.
    pub service: String,
    /// Requests per second.
    pub rate: f64,
    /// Where it responds.
    pub place: ReferencePlace,
    /// What is sent to it.
    pub scenario: Scenario,
}

impl fmt::Display for ReferencePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.rate;
        match &self.place {
            ReferencePlace::BuiltIn(latency) => {
                write!(f, "built-in, {}, {rate}/s", Latency(latency.as_secs_f64()))
            }
            ReferencePlace::At(origin) => write!(f, "{origin}, {rate}/s"),
            ReferencePlace::Served(_) => write!(f, "by its command, {rate}/s"),
        }
    }
}

/// Where a reference service responds.
#[derive(Debug)]
pub enum ReferencePlace {
    /// In this process, with this median latency.
    BuiltIn(Duration),
    /// At an address.
    At(Origin),
    /// Where a command serves it.
    Served(ManagedServers),
}

/// Plans the reference that the thresholds name. None for the built-in one as long as no job of the baseline says how fast
/// the target is.
pub(super) fn reference(
    options: &Options,
    (path, thresholds): (&Path, &Thresholds),
    scenario: &Scenario,
    baseline: Option<&Baseline>,
    origin: impl Fn(&str) -> Result<Origin, Error>,
) -> Result<Option<ReferencePlan>, Error> {
    let Some(own) = &thresholds.regression.reference else {
        return Ok(None);
    };
    let (service, place, request) = match &own.source {
        ReferenceSource::BuiltIn(latency) => {
            let Some(latency) = latency.or_else(|| usual_latency(baseline?)) else {
                return Ok(None);
            };
            let service = "built-in".to_owned();
            (service, ReferencePlace::BuiltIn(latency), BUILT_IN_PATH)
        }
        ReferenceSource::Url(url) => {
            let (address, request) = split(url);
            let place = ReferencePlace::At(origin(address)?);
            (url.clone(), place, request)
        }
        ReferenceSource::Command { serve, ready } => {
            if options.commands == Commands::Refused {
                return Err(Error::ReferenceCommand {
                    path: path.to_owned(),
                    line: own.line,
                });
            }
            let servers = ManagedServers {
                target: Some(Server::new(serve.clone())?),
                ready: ready.clone(),
                ..ManagedServers::default()
            };
            let request = ready.as_deref().unwrap_or("/");
            (serve.clone(), ReferencePlace::Served(servers), request)
        }
    };
    let load: Duration = scenario.load.iter().map(|phase| phase.duration).sum();
    let place_in_file = format!("{}:{}: regression.reference", path.display(), own.line);
    Ok(Some(ReferencePlan {
        service,
        rate: own.rate,
        place,
        scenario: requests(&place_in_file, own, request, load + MARGIN)?,
    }))
}

/// The address of a URL, and what is requested there.
fn split(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + 3);
    let path = url[host..].find('/').map(|at| host + at);
    path.map_or((url, "/"), |at| url.split_at(at))
}

/// The latency that the built-in server had in the newest job; else the median of the target's, to two digits.
fn usual_latency(baseline: &Baseline) -> Option<Duration> {
    let newest = baseline.jobs.iter().rev();
    let mut before = newest.filter_map(|job| job.reference.as_ref()?.built_in_s);
    let medians: Vec<f64> = baseline
        .jobs
        .iter()
        .filter_map(|job| job.cell(&PhaseScope::Steady, None)?.value(Metric::P50))
        .collect();
    let latency = before.next();
    let latency = latency.unwrap_or_else(|| rounded(median(&medians), 2));
    Duration::try_from_secs_f64(latency)
        .ok()
        .filter(|latency| !latency.is_zero())
}

/// A scenario of one request, sent at an even rate.
fn requests(
    place: &str,
    own: &ReferenceService,
    request: &str,
    lasts: Duration,
) -> Result<Scenario, Error> {
    let text = format!(
        "name: reference\n\
         user_classes: [{{ name: reference, tasks: [{{ steps: [{{ get: {}, name: reference }}] }}] }}]\n\
         load: [{{ phase: steady, arrivals: {}/s, for: {}s }}]\n",
        serde_json::Value::from(request),
        own.rate,
        lasts.as_secs()
    );
    let inputs = Inputs {
        set: &BTreeMap::new(),
        environment: None,
        env: &|_| None,
        files: None,
        commands: scenario::Commands::Refused,
    };
    scenario::parse(place, &text, &inputs).map_err(Error::Scenario)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_what_is_requested_there() {
        for (url, parts) in [
            ("https://ref.example.com", ("https://ref.example.com", "/")),
            (
                "http://127.0.0.1:80/a?b=/c",
                ("http://127.0.0.1:80", "/a?b=/c"),
            ),
            ("ref.example.com/a", ("ref.example.com", "/a")),
        ] {
            assert_eq!(split(url), parts);
        }
    }

    #[test]
    fn a_reference_gets_one_request_at_an_even_rate() {
        let own = ReferenceService {
            source: ReferenceSource::Url(String::new()),
            rate: 12.5,
            line: 3,
        };
        let scenario = requests("t.yml", &own, "/a?b=\"c\"", Duration::from_secs(90)).unwrap();
        assert_eq!(scenario.requests, ["reference"]);
        assert_eq!(scenario.load[0].duration, Duration::from_secs(90));
    }
}
