//! Measures the reference service beside the target, in the same seconds and with a generator of its own.

use std::num::NonZeroUsize;
use std::path::Path;
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use super::console::Console;
use super::measure::order;
use super::servers::{REFERENCE, Servers};
use super::{replay, secrets};
use crate::baseline::{PhaseScope, summarize};
use crate::fake_gateway::{self, FakeGateway};
use crate::load::{self, LoadEnd, Origin, RunOutcome, Stop};
use crate::metric::Metric;
use crate::plan::{Gate, Plan, ReferencePlace, ReferencePlan};
use crate::record::{self, ReferenceRecord, RunDetails};
use crate::redact::redacted_address;
use crate::units::six_digits;

/// With more failures than this, its latencies are of something else.
const MOST_FAILURES: f64 = 0.01;
/// What tells the reference to stop once the target's load has ended.
const END: i32 = 15;
/// More than are ever busy at once, so that the built-in server never starts cold.
const ENVIRONMENTS: usize = 200;

/// A reference service that is ready to be measured.
pub(super) struct Reference<'g, 'a> {
    own: &'g ReferencePlan,
    state: Result<Ready<'a>, String>,
}

struct Ready<'a> {
    address: Origin,
    /// Serves it, if this run does.
    _server: Server<'a>,
}

enum Server<'a> {
    Elsewhere,
    BuiltIn { _server: FakeGateway },
    Command { _servers: Servers<'a> },
}

/// What came of it.
pub(super) struct Measured<'g> {
    own: &'g ReferencePlan,
    outcome: Result<RunOutcome, String>,
}

/// A reference that is measured as long as the target is loaded.
pub(super) struct ReferenceRun<'s, 'g, 'a> {
    reference: &'s Reference<'g, 'a>,
    stop: Stop,
    running: Option<ScopedJoinHandle<'s, Result<RunOutcome, String>>>,
}

impl<'g: 'a, 'a> Reference<'g, 'a> {
    /// Starts what is to be started. A reference that does not start leaves a reason, and the run goes on.
    pub(super) fn start(
        plan: &'a Plan,
        gate: &'g Gate,
        folder: &'a Path,
        stop: &'a Stop,
        console: &'a Console,
    ) -> Option<Self> {
        let own = gate.reference.as_ref().filter(|_| !replay::is_on())?;
        let state = match &own.place {
            ReferencePlace::At(origin) => Ok(Ready {
                address: origin.clone(),
                _server: Server::Elsewhere,
            }),
            ReferencePlace::BuiltIn(latency) => built_in(*latency),
            ReferencePlace::Served(servers) => {
                let started =
                    Servers::start(plan, gate, REFERENCE.of(servers), folder, stop, console);
                match started {
                    Ok(started) => started.target_url().and_then(|url| {
                        Ok(Ready {
                            address: parsed(&url)?,
                            _server: Server::Command { _servers: started },
                        })
                    }),
                    Err(LoadEnd::Unreachable(failure)) => Err(failure.why),
                    Err(_) => Err("the run was interrupted".to_owned()),
                }
            }
        };
        if let Err(why) = &state {
            console.warn(&format!(
                "loadgate: the reference in regression.reference is not measured: {}",
                secrets::hidden(why, plan, gate)
            ));
        }
        Some(Self { own, state })
    }
}

/// Starts the built-in server.
fn built_in<'a>(latency: Duration) -> Result<Ready<'a>, String> {
    let config = fake_gateway::Config {
        base_latency: latency,
        provisioned: ENVIRONMENTS,
        ..fake_gateway::Config::default()
    };
    let server = FakeGateway::start(&config).map_err(|error| error.to_string())?;
    Ok(Ready {
        address: parsed(&server.url())?,
        _server: Server::BuiltIn { _server: server },
    })
}

fn parsed(url: &str) -> Result<Origin, String> {
    url.parse()
        .map_err(|error: load::OriginError| error.to_string())
}

impl<'s, 'g, 'a> ReferenceRun<'s, 'g, 'a> {
    pub(super) fn new(reference: &'s Reference<'g, 'a>) -> Self {
        Self {
            reference,
            stop: Stop::default(),
            running: None,
        }
    }

    /// Begins to measure, unless it has begun.
    pub(super) fn begin(&mut self, scope: &'s Scope<'s, '_>, plan: &'s Plan, gate: &'s Gate) {
        let Ok(ready) = &self.reference.state else {
            return;
        };
        let (own, stop) = (self.reference.own, self.stop.clone());
        let address = &ready.address;
        self.running.get_or_insert_with(|| {
            scope.spawn(move || {
                let order = load::RunConfig {
                    scenario: &own.scenario,
                    cores: Some(NonZeroUsize::MIN),
                    abort: None,
                    ready: None,
                    ..order(plan, gate, address, &|_| ())
                };
                load::run(&order, &mut |_| (), &stop).map_err(|error| error.to_string())
            })
        });
    }

    /// Stops, and returns what was measured.
    pub(super) fn end(self) -> Measured<'g> {
        self.stop.set(END);
        let outcome = match (&self.reference.state, self.running) {
            (Err(why), _) => Err(why.clone()),
            (Ok(_), None) => Err("the target was not loaded".to_owned()),
            (Ok(_), Some(running)) => running
                .join()
                .unwrap_or_else(|_| Err("its thread died; please report this as a bug".to_owned())),
        };
        Measured {
            own: self.reference.own,
            outcome,
        }
    }
}

impl Measured<'_> {
    /// What a record keeps of it, or why it has none; `details` are those of the target's run.
    pub(super) fn record(
        &self,
        details: &RunDetails,
        plan: &Plan,
        gate: &Gate,
    ) -> Result<ReferenceRecord, String> {
        let hidden = |text: &str| secrets::hidden(text, plan, gate);
        let outcome = self.outcome.as_ref().map_err(|why| hidden(why))?;
        if let LoadEnd::Unreachable(failure) = &outcome.ended {
            return Err(hidden(&failure.why));
        }
        let details = RunDetails {
            load: outcome.load.clone(),
            ..details.clone()
        };
        let run = record::build(&self.own.scenario, details, outcome.measurement.clone());
        let mut cells = summarize(&run).into_iter();
        let all = cells.find(|it| it.scope == PhaseScope::Steady && it.request.is_none());
        let all = all.ok_or("it got no request")?;
        if all.errors as f64 > MOST_FAILURES * all.n as f64 {
            return Err(format!("{} of {} requests to it failed", all.errors, all.n));
        }
        let is_latency = |metric: &Metric| metric.quantile().is_some() && !metric.needs_marks();
        let (service, built_in) = match &self.own.place {
            ReferencePlace::BuiltIn(latency) => (self.own.service.clone(), Some(latency)),
            ReferencePlace::At(_) => (redacted_address(&self.own.service), None),
            ReferencePlace::Served(_) => (hidden(&self.own.service), None),
        };
        Ok(ReferenceRecord {
            service,
            built_in_s: built_in.map(|latency| six_digits(latency.as_secs_f64())),
            rate: self.own.rate,
            requests: all.n,
            failures: all.errors,
            latencies: all
                .metrics
                .into_iter()
                .filter(|(metric, _)| is_latency(metric))
                .map(|(metric, (value, _))| (metric, value))
                .collect(),
        })
    }
}
