//! The scenario as `load` uses it: everything is resolved that is known before the run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::auth::Auth;
use super::aws::Aws;
use super::data::Table;
use super::step::{Action, Pause, Request, Step};
use super::template::ValueTemplate;

/// What is sent, by which users and when.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Name of the gate.
    pub name: String,
    /// The deployment to load if there is no `--target`.
    pub target: Option<String>,
    /// Variables with `--set` applied, apart from those that hold secrets. Templates have them folded in already.
    pub variables: BTreeMap<String, Value>,
    /// Request names in the order of their first appearance; a [`Request::name`] is an index into it.
    pub requests: Vec<String>,
    /// Which HTTP version connections speak.
    pub http: HttpVersion,
    /// Data whose rows users take.
    pub data: Vec<Data>,
    /// The users, at least one class.
    pub user_classes: Vec<UserClass>,
    /// The phases in their order, repeats unrolled.
    pub load: Vec<Phase>,
    /// How the target marks a response that a cold start delayed.
    pub cold_start: Option<ColdStart>,
    /// The AWS services behind the target.
    pub aws: Option<Aws>,
    /// Canonical text of what was parsed: without target, secrets, comments and key order.
    pub canonical: String,
    /// SHA-256 of `canonical`, in hex: the scenario's identity.
    pub sha256: String,
    /// Values of `env.NAME` that were read: redacted wherever text leaves the process.
    pub secrets: Vec<String>,
    /// What expressions made of secrets before the run: hidden like those.
    pub derived_secrets: Vec<String>,
    /// Names of variables and of what users set and capture whose values are secret.
    pub secret_names: BTreeSet<String>,
}

impl Scenario {
    /// Whether it says how cold starts are found: by a header, or by the log of a function.
    pub fn marks_cold_starts(&self) -> bool {
        let functions = self.aws.as_ref().map(|aws| aws.functions.len());
        self.cold_start.is_some() || functions.is_some_and(|count| count > 0)
    }
}

/// Rows of a file.
#[derive(Clone, Debug)]
pub struct Data {
    /// What expressions call the row that was taken.
    pub name: String,
    /// Which row is taken.
    pub order: RowOrder,
    /// The rows.
    pub table: Arc<Table>,
}

/// Which row is taken next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowOrder {
    /// The next one in the file, for all users together; the first again after the last.
    #[default]
    Sequential,
    /// A random one.
    Random,
    /// One for each user, for as long as the user exists.
    Unique,
}

/// Which HTTP version a connection speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.1 only.
    #[default]
    Http11,
    /// HTTP/2 only: by ALPN over TLS, by prior knowledge without.
    Http2,
    /// The result of ALPN; HTTP/1.1 without TLS.
    Auto,
}

/// A kind of user: what it does and how often.
#[derive(Clone, Debug)]
pub struct UserClass<R = Request> {
    /// Name of the class.
    pub name: String,
    /// Its share of the users or arrivals is its weight over the sum of weights.
    pub weight: u32,
    /// Pause after every task, in the closed model.
    pub wait: Pause,
    /// Whether the user keeps cookies.
    pub cookies: bool,
    /// How requests authenticate.
    pub auth: Vec<Auth>,
    /// Data of which each user has its own row: indices into [`Scenario::data`].
    pub own_rows: Vec<usize>,
    /// Data of which `on_start` takes a row.
    pub start_rows: Vec<usize>,
    /// Steps once per user, before its first task.
    pub on_start: Vec<Step<R>>,
    /// The tasks; one is drawn by weight each time.
    pub tasks: Vec<Task<R>>,
}

/// Steps that run in order, drawn by weight among the tasks of a class.
#[derive(Clone, Debug)]
pub struct Task<R = Request> {
    /// Its share of a class's draws is its weight over the sum of weights.
    pub weight: u32,
    /// Data of which each pass takes a row: indices into [`Scenario::data`].
    pub rows: Vec<usize>,
    /// Values that hold for one pass through the task.
    pub set: Vec<(String, ValueTemplate)>,
    /// Whether a failed step ends the pass.
    pub stop_on_failure: bool,
    /// The steps.
    pub steps: Vec<Step<R>>,
}

/// How the target marks a response that a cold start delayed.
#[derive(Clone, Debug)]
pub struct ColdStart {
    /// The header, lower case.
    pub header: String,
    /// The value that marks a cold start.
    pub equals: String,
}

/// One phase of the load, or one pass of a repeated one.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// Name; the passes of a repeated phase share it.
    pub name: String,
    /// Index of the name in the order of first appearance.
    pub index: usize,
    /// Which pass, from 0.
    pub pass: u32,
    /// How many passes there are; 1 for a phase that is not repeated.
    pub passes: u32,
    /// How long requests become due.
    pub duration: Duration,
    /// The load.
    pub shape: Shape,
    /// Whether limits and regression checks use it.
    pub measure: bool,
}

/// The load of a phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Closed model: the number of users moves linearly across the range.
    Users {
        /// At the start.
        from: u32,
        /// At the end.
        to: u32,
    },
    /// Open model: arrivals per second move linearly across the range.
    Arrivals {
        /// Per second at the start.
        from: f64,
        /// Per second at the end.
        to: f64,
        /// How arrivals are spaced.
        spacing: Spacing,
        /// The most users at once; further arrivals queue.
        max_users: u32,
    },
}

/// How arrivals are spaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spacing {
    /// At even intervals.
    #[default]
    Even,
    /// As a Poisson process, seeded.
    Poisson,
}

impl UserClass {
    /// The class with its requests as they are sent.
    pub fn compile<R, E>(
        &self,
        compile: impl Fn(&Request) -> Result<R, E>,
    ) -> Result<UserClass<R>, E> {
        let step = |step: &Step| {
            let action = match &step.action {
                Action::Think(pause) => Action::Think(*pause),
                Action::Command(command) => Action::Command(command.clone()),
                Action::Request(request) => Action::Request(Box::new(compile(request)?)),
            };
            let when = step.when.clone();
            Ok(Step { when, action })
        };
        let steps = |steps: &[Step]| steps.iter().map(step).collect::<Result<_, E>>();
        let task = |task: &Task| {
            Ok(Task {
                weight: task.weight,
                rows: task.rows.clone(),
                set: task.set.clone(),
                stop_on_failure: task.stop_on_failure,
                steps: steps(&task.steps)?,
            })
        };
        Ok(UserClass {
            name: self.name.clone(),
            weight: self.weight,
            wait: self.wait,
            cookies: self.cookies,
            auth: self.auth.clone(),
            own_rows: self.own_rows.clone(),
            start_rows: self.start_rows.clone(),
            on_start: steps(&self.on_start)?,
            tasks: self.tasks.iter().map(task).collect::<Result<_, E>>()?,
        })
    }
}

impl Scenario {
    /// All steps of all classes.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.user_classes.iter().flat_map(UserClass::steps)
    }
}

impl<R> UserClass<R> {
    /// All steps: those of `on_start`, then those of its tasks.
    pub fn steps(&self) -> impl Iterator<Item = &Step<R>> {
        let tasks = self.tasks.iter().flat_map(|task| &task.steps);
        self.on_start.iter().chain(tasks)
    }
}

impl Phase {
    /// Whether regression checks use the phase by default: measured, constant, not idle, not repeated.
    pub fn is_steady(&self) -> bool {
        self.measure && self.passes == 1 && self.shape.is_constant() && !self.shape.is_idle()
    }

    /// Length of the phase's slices: a tenth of it, at least 0.25 s and at most 5 s.
    pub fn slice(&self) -> Duration {
        (self.duration / 10).clamp(Duration::from_millis(250), Duration::from_secs(5))
    }
}

impl Shape {
    /// Whether the load is the same from start to end.
    pub fn is_constant(self) -> bool {
        match self {
            Self::Users { from, to } => from == to,
            #[expect(
                clippy::float_cmp,
                reason = "both come from the same text if one number was written"
            )]
            Self::Arrivals { from, to, .. } => from == to,
        }
    }

    /// The most users at once.
    pub fn most_users(self) -> u32 {
        match self {
            Self::Users { from, to } => from.max(to),
            Self::Arrivals { max_users, .. } => max_users,
        }
    }

    /// Whether nothing is sent at all.
    pub fn is_idle(self) -> bool {
        match self {
            Self::Users { from, to } => from == 0 && to == 0,
            Self::Arrivals { from, to, .. } => from <= 0.0 && to <= 0.0,
        }
    }
}
