//! Is the target there? One unrecorded user per class logs in and sends each GET once, before the load.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::draws::{self, Purpose};
use super::http::Connector;
use super::prepared::{Action, Class, Script, Step};
use super::sender::{Gear, Sender, Sent};
use super::site;
use crate::measurement::FailureKind;
use crate::scenario::Method;

/// How long after a vain attempt the next one follows, while `--wait` lasts.
const RETRY: Duration = Duration::from_millis(250);
/// How long a connection may take where the scenario has no request that could be sent without a doubt.
const CONNECT: Duration = Duration::from_secs(10);

/// Why there is no point in sending load, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unready {
    /// The target does not answer.
    Unreachable(String),
    /// A program that the scenario runs fails.
    Command(String),
}

/// Tries until the target answers, at least once and for as long as `wait`.
pub(super) async fn reach(
    script: &Arc<Script>,
    connector: &Arc<Connector>,
    seed: u64,
    wait: Duration,
) -> Result<(), Unready> {
    let began = Instant::now();
    let gear = Gear::new(script, connector);
    loop {
        match attempt(&gear, seed).await {
            Err(Unready::Unreachable(_)) if began.elapsed() + RETRY <= wait => sleep(RETRY).await,
            tried => return tried,
        }
    }
}

/// Any HTTP answer, whatever it says, shows that the target is there.
async fn attempt(gear: &Gear, seed: u64) -> Result<(), Unready> {
    let mut shown = Seen::default();
    for (index, class) in gear.script.classes.iter().enumerate() {
        let rng = draws::generator(seed, Purpose::Reach(index as u64));
        let mut sender = Sender::probe(gear, rng);
        try_class(gear, class, &mut sender, &mut shown).await?;
    }
    match shown {
        Seen {
            answered: false,
            failed: Some(why),
        } => Err(why),
        Seen {
            answered: false,
            failed: None,
        } => connect(gear).await,
        Seen { answered: true, .. } => Ok(()),
    }
}

/// What the requests so far have shown.
#[derive(Default)]
struct Seen {
    answered: bool,
    failed: Option<Unready>,
}

async fn try_class(
    gear: &Gear,
    class: &Class,
    sender: &mut Sender,
    seen: &mut Seen,
) -> Result<(), Unready> {
    sender.take_rows(gear, &class.own_rows);
    sender.take_rows(gear, &class.start_rows);
    for step in &class.on_start {
        try_step(gear, step, sender, seen).await?;
    }
    let gets = |step: &Step| step.request().is_some_and(|own| own.method == Method::Get);
    for task in class
        .tasks
        .iter()
        .filter(|task| task.steps.iter().any(gets))
    {
        sender.take_rows(gear, &task.rows);
        let hidden = sender.set(&task.set);
        let programs = |step: &Step| matches!(step.action, Action::Command(_));
        for step in task
            .steps
            .iter()
            .filter(|step| gets(step) || programs(step))
        {
            try_step(gear, step, sender, seen).await?;
        }
        sender.restore(hidden);
    }
    Ok(())
}

async fn try_step(
    gear: &Gear,
    step: &Step,
    sender: &mut Sender,
    seen: &mut Seen,
) -> Result<(), Unready> {
    if !sender.does(step) {
        return Ok(());
    }
    match &step.action {
        Action::Request(request) => seen.note(&sender.send::<{ site::AHEAD }>(gear, request).await),
        // What a program of a task needs may come from a request that is not sent here.
        Action::Command(command) if sender.knows(command) => {
            sender.run(gear, command).await.map_err(Unready::Command)
        }
        Action::Command(_) | Action::Think(_) => Ok(()),
    }
}

impl Seen {
    /// Notes what came of a request. Where nobody can be talked to, further requests would only wait as long again.
    fn note(&mut self, sent: &Sent) -> Result<(), Unready> {
        self.answered |= sent.answered;
        let (Some(kind), true, false) = (sent.failure, sent.went_out, self.answered) else {
            return Ok(());
        };
        let why = Unready::Unreachable(match &sent.detail {
            Some(detail) => format!("{kind}: {detail}"),
            None => kind.to_string(),
        });
        match kind {
            FailureKind::Timeout
            | FailureKind::Dns
            | FailureKind::Connect
            | FailureKind::NoSocket
            | FailureKind::Tls => Err(why),
            FailureKind::Status(_)
            | FailureKind::Unfinished
            | FailureKind::Unserved
            | FailureKind::Reset
            | FailureKind::Resent
            | FailureKind::Redirect
            | FailureKind::Protocol
            | FailureKind::Body
            | FailureKind::Proxy
            | FailureKind::Expectation
            | FailureKind::Unset => {
                self.failed = Some(why);
                Ok(())
            }
        }
    }
}

/// Where there is nothing harmless to send, a connection must do.
async fn connect(gear: &Gear) -> Result<(), Unready> {
    match timeout(CONNECT, gear.connector.try_open()).await {
        Ok(tried) => tried.map_err(Unready::Unreachable),
        Err(_) => Err(Unready::Unreachable(format!(
            "connect: no answer within {CONNECT:?}"
        ))),
    }
}
