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
            names: scenario.requests.len(),
        })
    }
}

/// Gives each request its lane.
fn assign_lanes(classes: &mut [Class]) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    for (index, class) in classes.iter_mut().enumerate() {
        let of_class = lanes.len();
        let tasks = class.tasks.iter_mut().map(|task| &mut task.steps);
        for step in std::iter::once(&mut class.on_start).chain(tasks).flatten() {
            let Action::Request(request) = &mut step.action else {
                continue;
            };
            let mut known = lanes[of_class..].iter();
            let place = known.position(|lane| lane.request == request.spec.name);
            request.lane = of_class + place.unwrap_or(lanes.len() - of_class);
            if place.is_none() {
                lanes.push(Lane {
                    class: index,
                    request: request.spec.name,
                });
            }
        }
    }
    lanes
}

impl Class {
    /// Draws a task by weight.
    pub(super) fn draw(&self, rng: &mut ChaCha8Rng) -> usize {
        let weights = || self.tasks.iter().map(|task| task.weight);
        draws::weighted(rng, weights().map(u64::from).sum(), weights())
    }
}
