//! A rehearsal: one user of each class does all that it may do, once, and everything is told. Nothing is measured.

use std::sync::mpsc;
use std::time::Duration;

use super::apart;
use super::config::{Error, RunConfig, Stop};
use super::draws::{self, Purpose};
use super::http::Connector;
use super::preflight;
use super::prepared::{Action, Class, CompiledScenario, Step};
use super::redirect;
use super::sender::{ClientContext, Sender, Sent};
use super::site;
use super::trace::ExchangeTrace;
use crate::measurement::{FailureKind, UnreachableCause};

/// What was done.
#[derive(Clone, Debug)]
pub struct TrialStep {
    /// Index of the class.
    pub class: usize,
    /// Index of the task; none in `on_start`.
    pub task: Option<usize>,
    /// What its step does.
    pub deed: StepKind,
    /// What went over the wire, and what was taken.
    pub witness: ExchangeTrace,
    /// What went wrong, in words.
    pub failure: Option<String>,
    /// Cause, if known.
    pub cause: UnreachableCause,
    /// Where a redirect leads that was not followed, since the scenario does not ask for it.
    pub unfollowed: Option<String>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// A request, by the index of its name, and how long it took, where it was sent.
    Request {
        /// Index of its name.
        name: usize,
        /// From sending to the end of the response.
        took: Option<Duration>,
        /// Whether anybody answered at all.
        answered: bool,
    },
    /// A program was run.
    Command(String),
    /// A pause, which a rehearsal leaves out.
    Think,
    /// Its condition does not hold.
    Skipped,
}

/// Lets one user of each class do each of its tasks once, in their order, and tells what came of every step. Returns
/// whether all was told: a signal ends it early.
pub fn rehearse(
    order: &RunConfig<'_>,
    on_step: &mut dyn FnMut(&TrialStep),
    stop: &Stop,
) -> Result<bool, Error> {
    let scenario = order.scenario;
    let script = CompiledScenario::new(scenario, &order.target, order.folder, order.withheld)
        .map_err(|unsent| Error::Request(unsent.to_string()))?;
    let connector = Connector::new(order.target.clone(), scenario.http, order.trust)?;
    let (script, connector, seed) = (script.into(), connector.into(), order.seed);
    let work = move |reports| async move {
        let context = ClientContext::new(&script, &connector);
        run(&context, seed, &reports).await;
    };
    Ok(apart::obedient(stop, work, on_step)?.is_some())
}

async fn run(context: &ClientContext, seed: u64, reports: &mpsc::Sender<TrialStep>) {
    for (index, class) in context.script.classes.iter().enumerate() {
        let rng = draws::generator(seed, Purpose::Reach(index as u64));
        let mut user = TrialUser {
            context,
            sender: Sender::traced(context, rng),
            diagnosis: None,
            class: index,
            reports,
        };
        user.run(class).await;
    }
}

struct TrialUser<'r> {
    context: &'r ClientContext,
    sender: Sender,
    /// What stands behind the first failure that did not say so itself, once it was looked for.
    diagnosis: Option<UnreachableCause>,
    class: usize,
    reports: &'r mpsc::Sender<TrialStep>,
}

impl TrialUser<'_> {
    async fn run(&mut self, class: &Class) {
        self.sender.take_rows(self.context, &class.own_rows);
        self.sender.take_rows(self.context, &class.start_rows);
        for step in &class.on_start {
            self.step(None, step).await;
        }
        for (index, task) in class.tasks.iter().enumerate() {
            self.sender.take_rows(self.context, &task.rows);
            let hidden = self.sender.set(&task.set);
            for step in &task.steps {
                let failed = self.step(Some(index), step).await;
                if failed && task.stop_on_failure {
                    break;
                }
            }
            self.sender.restore(hidden);
        }
    }

    /// Does a step and tells of it; returns whether it is lost to the steps that follow.
    async fn step(&mut self, task: Option<usize>, step: &Step) -> bool {
        let mut done = TrialStep {
            class: self.class,
            task,
            deed: StepKind::Skipped,
            witness: ExchangeTrace::default(),
            failure: None,
            cause: UnreachableCause::Unknown,
            unfollowed: None,
        };
        let is_lost = self.sender.should_run(step) && self.act(&step.action, &mut done).await;
        done.witness = self.sender.take_trace();
        // Nobody listens after a signal.
        let _ = self.reports.send(done);
        is_lost
    }

    async fn act(&mut self, action: &Action, done: &mut TrialStep) -> bool {
        match action {
            Action::Think(_) => {
                done.deed = StepKind::Think;
                false
            }
            Action::Command(command) => {
                let program = command.arguments.first();
                let program = program.map_or("", |own| own.source()).to_owned();
                done.deed = StepKind::Command(program);
                done.failure = self.sender.run(self.context, command).await.err();
                done.failure.is_some()
            }
            Action::Request(request) => {
                let sent = self
                    .sender
                    .send::<{ site::AHEAD }>(self.context, request)
                    .await;
                let location = self.sender.exchange.unfollowed.as_deref();
                let location = location.filter(|_| sent.answered && request.spec.redirects == 0);
                done.unfollowed = location.map(redirect::address);
                done.cause = self.cause_of(&sent).await;
                let took = sent.done.saturating_duration_since(sent.at);
                done.deed = StepKind::Request {
                    name: request.spec.name,
                    took: sent.went_out.then_some(took),
                    answered: sent.answered || self.sender.exchange.head.is_some(),
                };
                let is_lost = sent.is_lost();
                let expected = || request.spec.expect.statuses();
                let failure = sent.failure;
                done.failure = failure.map(|kind| message(kind, sent.detail, expected));
                is_lost
            }
        }
    }

    async fn cause_of(&mut self, sent: &Sent) -> UnreachableCause {
        let kind = sent.failure.filter(|_| sent.went_out);
        // So servers respond that expect TLS.
        let is_bad_request = kind == Some(FailureKind::Status(400));
        if !preflight::is_vague(sent.cause) || kind.is_none() || (sent.answered && !is_bad_request)
        {
            return sent.cause;
        }
        if let Some(found) = self.diagnosis {
            return found;
        }
        let found = if is_bad_request {
            let found = self.context.connector.diagnose().await;
            if found == UnreachableCause::ExpectsTls {
                found
            } else {
                UnreachableCause::Unknown
            }
        } else {
            preflight::diagnosed(self.context, sent.cause, kind).await
        };
        self.diagnosis = Some(found);
        found
    }
}

fn message(kind: FailureKind, detail: Option<String>, expected: impl FnOnce() -> String) -> String {
    match (kind, detail) {
        (FailureKind::Status(status), None) => {
            format!("the status is {status}, expected {}", expected())
        }
        (FailureKind::Expectation, Some(detail)) => detail,
        (FailureKind::Unset, Some(detail)) => format!("not sent: {detail}"),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    }
}
