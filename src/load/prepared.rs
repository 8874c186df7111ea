//! The scenario made ready to send: what is constant is rendered ahead, once for all users.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rand_chacha::ChaCha8Rng;

use super::data_feed::DataFeed;
use super::draws;
use super::http::{HeaderName, Origin};
use super::message::{BuildError, CompiledRequest};
use crate::processes::DeniedVariables;
use crate::scenario::{self, Command, Condition, Pause, Scenario, ValueTemplate};

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
#[derive(Debug)]
pub(super) struct Class {
    pub(super) wait: Pause,
    pub(super) own_rows: Vec<usize>,
    pub(super) start_rows: Vec<usize>,
    pub(super) on_start: Vec<Step>,
    pub(super) tasks: Vec<Task>,
    weights: u64,
}

#[derive(Debug)]
pub(super) struct Task {
    weight: u32,
    pub(super) rows: Vec<usize>,
    pub(super) set: Vec<(String, ValueTemplate)>,
    pub(super) stop_on_failure: bool,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) when: Option<Condition>,
    pub(super) action: Action,
}

#[derive(Debug)]
pub(super) enum Action {
    Request(Box<CompiledRequest>),
    Think(Pause),
    Command(Box<Command>),
}

impl CompiledScenario {
    /// Makes a scenario ready for a target.
    ///
    /// # Errors
    ///
    /// Where a constant part of a request could never be sent.
    pub(super) fn new(
        scenario: &Scenario,
        origin: &Origin,
        folder: &Path,
        withheld: &DeniedVariables,
    ) -> Result<Self, BuildError> {
        let cold = scenario.cold_start.as_ref();
        let marker = cold.map(|cold| cold.header.parse()).transpose()?;
        let classes = scenario.user_classes.iter();
        let mut classes: Vec<Class> = classes
            .map(|class| Class::new(class, marker.as_ref(), origin))
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
            let place = known.position(|lane| lane.request == request.name);
            request.lane = of_class + place.unwrap_or(lanes.len() - of_class);
            if place.is_none() {
                lanes.push(Lane {
                    class: index,
                    request: request.name,
                });
            }
        }
    }
    lanes
}

impl Class {
    fn new(
        class: &scenario::UserClass,
        marker: Option<&HeaderName>,
        origin: &Origin,
    ) -> Result<Self, BuildError> {
        let steps = |steps: &[scenario::Step]| -> Result<Vec<Step>, BuildError> {
            let prepare = |step: &scenario::Step| {
                let action = match &step.action {
                    scenario::Action::Think(pause) => Action::Think(*pause),
                    scenario::Action::Command(command) => Action::Command(command.clone()),
                    scenario::Action::Request(request) => {
                        let request = CompiledRequest::new(request, class, marker, origin)?;
                        Action::Request(Box::new(request))
                    }
                };
                let when = step.when.clone();
                Ok(Step { when, action })
            };
            steps.iter().map(prepare).collect()
        };
        let task = |task: &scenario::Task| {
            Ok(Task {
                weight: task.weight,
                rows: task.rows.clone(),
                set: task.set.clone(),
                stop_on_failure: task.stop_on_failure,
                steps: steps(&task.steps)?,
            })
        };
        Ok(Self {
            wait: class.wait,
            own_rows: class.own_rows.clone(),
            start_rows: class.start_rows.clone(),
            on_start: steps(&class.on_start)?,
            weights: class.tasks.iter().map(|task| u64::from(task.weight)).sum(),
            tasks: class
                .tasks
                .iter()
                .map(task)
                .collect::<Result<_, BuildError>>()?,
        })
    }

    /// Draws a task by weight.
    pub(super) fn draw(&self, rng: &mut ChaCha8Rng) -> usize {
        draws::weighted(rng, self.weights, self.tasks.iter().map(|task| task.weight))
    }
}

impl Step {
    pub(super) fn request(&self) -> Option<&CompiledRequest> {
        match &self.action {
            Action::Request(request) => Some(request),
            Action::Think(_) | Action::Command(_) => None,
        }
    }
}
