//! The load of a gate as it would be sent, before a request is.

use jiff::Timestamp;

use crate::baseline::{Job, Matching, PhaseScope, RunContext, matching};
use crate::load::{Origin, duet_load};
use crate::measurement::Interleaving;
use crate::metric::Metric;
use crate::plan::{Gate, Plan};
use crate::record::phases;
use crate::scenario::{Phase, Scenario};
use crate::thresholds::Thresholds;
use crate::units::date;
use crate::verdict::{self, Design, Forecast, PlannedLoad};

/// Assumed duration of a response without a baseline, in seconds: that of a warm function behind a gateway.
pub(super) const ASSUMED_RESPONSE: f64 = 0.1;
/// The shortest that it might last instead. What is refused even then is refused.
pub(super) const SHORTEST_RESPONSE: f64 = 0.001;

/// The jobs that a run of the gate would be compared with.
pub(super) fn jobs<'g>(plan: &Plan, gate: &'g Gate) -> Vec<&'g Job> {
    let scenario = &gate.scenario;
    let setting = RunContext {
        scenario_sha256: &scenario.sha256,
        scenario_text: &scenario.canonical,
        loopback: gate.target().is_ok_and(Origin::is_loopback),
        labels: &plan.labels,
        environment: &plan.environment,
    };
    match matching(gate.baseline.as_ref(), &setting) {
        Matching::Jobs(jobs) => jobs,
        Matching::None(_) => Vec::new(),
    }
}

/// The load of one deployment, the share of it that it would be sent, and how the run would be judged.
pub(super) struct Planned<'j> {
    pub(super) load: Vec<Phase>,
    pub(super) share: f64,
    pub(super) design: Design<'j>,
}

impl<'j> Planned<'j> {
    /// What one deployment is sent that has the whole load.
    pub(super) fn alone(gate: &Gate, jobs: &'j [&'j Job]) -> Self {
        Self {
            load: gate.scenario.load.clone(),
            share: 1.0,
            design: Design::Jobs(jobs),
        }
    }

    /// What a duet sends, whether the gate is one or not.
    pub(super) fn duet(gate: &Gate, jobs: &'j [&'j Job]) -> Self {
        let turns = &gate.turns;
        // A pair of a mixed duet is loaded throughout, and half of that load is each arm's.
        let (share, slice) = match turns.interleaving {
            Interleaving::Turns => (1.0, turns.slice),
            Interleaving::Mixed => (0.5, turns.slice * 2),
        };
        Self {
            load: duet_load(&gate.scenario.load, turns),
            share,
            design: Design::Duet {
                jobs,
                interleaving: turns.interleaving,
                pairs: turns.pairs,
                slice_s: slice.as_secs_f64(),
                looks: turns.looks,
            },
        }
    }

    /// How many requests of each name one deployment gets in each phase, where a response takes as long as in the newest
    /// job, or else so many seconds.
    pub(super) fn counts(
        &self,
        scenario: &Scenario,
        newest: Option<&Job>,
        unknown: f64,
    ) -> Vec<Vec<f64>> {
        let mut counts = scenario.expected_requests(&self.load, |name| {
            let name = Some(scenario.requests[name].as_str());
            let known = newest.and_then(|job| percentile(job, name, Metric::P50));
            known.unwrap_or(unknown)
        });
        let all = counts.iter_mut().flatten();
        all.for_each(|count| *count *= self.share);
        counts
    }

    /// How the run would be judged.
    pub(super) fn forecast(
        &self,
        gate: &Gate,
        thresholds: &Thresholds,
        counts: &[Vec<f64>],
    ) -> Forecast {
        let expected = PlannedLoad {
            phases: &phases(&self.load),
            requests: &gate.scenario.requests,
            counts,
        };
        let today = date(Timestamp::now());
        verdict::forecast(&expected, thresholds, self.design, today)
    }
}

/// A percentile of a name, or of all together, in a job, in seconds.
pub(super) fn percentile(job: &Job, name: Option<&str>, metric: Metric) -> Option<f64> {
    let cell = job.cell(&PhaseScope::Steady, name)?;
    cell.metrics.get(&metric).map(|(seconds, _)| *seconds)
}
