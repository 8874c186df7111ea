//! The scenario made ready to send: what is constant is rendered ahead, once for all users.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rand_chacha::ChaCha8Rng;

use super::data_feed::DataFeed;
use super::draws;
use super::http::Origin;
use super::message::{BuildError, CompiledRequest};
use crate::processes::DeniedVariables;
use crate::scenario::{self, Aws, Scenario};
use crate::units::Share;

/// Everything that users of a run do.
#[derive(Debug)]
pub(super) struct CompiledScenario {
    pub(super) classes: Vec<Class>,
    /// The data that its users take rows of.
    pub(super) feeds: Vec<DataFeed>,
    /// Where the programs of its steps are run.
    pub(super) folder: PathBuf,
    /// What they do not inherit of the environment.
    pub(super) withheld: DeniedVariables,
    /// What no message may repeat.
    pub(super) secrets: Vec<String>,
    /// Names of values that no message may repeat.
    pub(super) secret_names: BTreeSet<String>,
    /// The value of the wanted header at place 0 that marks a cold start.
    pub(super) cold: Option<String>,
    /// Place of the wanted header that has the id of the request, if requests are kept one by one.
    pub(super) request_id: Option<usize>,
    /// The share of requests that X-Ray records, if any are.
    pub(super) trace: Option<Share>,
    pub(super) names: usize,
    /// Each name that each class sends.
    pub(super) lanes: Vec<Lane>,
}

/// One request name, as users of one class send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lane {
    /// Index of the class.
    pub(super) class: usize,
    /// Index of the request name.
    pub(super) request: usize,
}

/// What users of one class do.
pub(super) type Class = scenario::UserClass<CompiledRequest>;
pub(super) type Task = scenario::Task<CompiledRequest>;
pub(super) type Step = scenario::Step<CompiledRequest>;
pub(super) type Action = scenario::Action<CompiledRequest>;

impl CompiledScenario {
    /// Makes a scenario ready for a target. Fails if a constant part of a request could never be sent.
    pub(super) fn new(
        scenario: &Scenario,
        origin: &Origin,
        folder: &Path,
        withheld: &DeniedVariables,
    ) -> Result<Self, BuildError> {
        let cold = scenario.cold_start.as_ref();
        let request_id = scenario.aws.as_ref().and_then(Aws::request_id_header);
        let first: Vec<_> = cold.map(|cold| cold.header.as_str()).into_iter().collect();
        let first = [first, request_id.into_iter().collect()].concat();
        let classes = scenario.user_classes.iter();
        let mut classes: Vec<Class> = classes
            .map(|class| {
                class.compile(|request| CompiledRequest::new(request, class, &first, origin))
            })
            .collect::<Result<_, _>>()?;
        let trace = scenario.aws.as_ref().and_then(|aws| aws.trace);
        if trace.is_some() {
            requests(&mut classes).for_each(|(_, request)| request.render_for_each_user());
        }
        let lanes = assign_lanes(&mut classes);
        Ok(Self {
            classes,
            lanes,
            feeds: scenario.data.iter().map(DataFeed::new).collect(),
            folder: folder.to_owned(),
            withheld: withheld.clone(),
            secrets: [&scenario.secrets[..], &scenario.derived_secrets].concat(),
            secret_names: scenario.secret_names.clone(),
            cold: cold.map(|cold| cold.equals.clone()),
            request_id: request_id.map(|_| usize::from(cold.is_some())),
            trace,
            names: scenario.requests.len(),
        })
    }
}

/// Gives each request its lane.
fn assign_lanes(classes: &mut [Class]) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    for (class, request) in requests(classes) {
        let lane = Lane {
            class,
            request: request.spec.name,
        };
        let place = lanes.iter().position(|known| *known == lane);
        request.lane = place.unwrap_or(lanes.len());
        if place.is_none() {
            lanes.push(lane);
        }
    }
    lanes
}

/// Every request, with the index of its class.
fn requests(classes: &mut [Class]) -> impl Iterator<Item = (usize, &mut CompiledRequest)> {
    classes.iter_mut().enumerate().flat_map(|(index, class)| {
        let tasks = class.tasks.iter_mut().map(|task| &mut task.steps);
        let steps = std::iter::once(&mut class.on_start).chain(tasks).flatten();
        steps.filter_map(move |step| match &mut step.action {
            Action::Request(request) => Some((index, &mut **request)),
            Action::Think(_) | Action::Command(_) => None,
        })
    })
}

impl Class {
    /// Draws a task by weight.
    pub(super) fn draw(&self, rng: &mut ChaCha8Rng) -> usize {
        let weights = || self.tasks.iter().map(|task| task.weight);
        draws::weighted(rng, weights().map(u64::from).sum(), weights())
    }
}
