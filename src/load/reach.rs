//! Is the target there? One unrecorded user per class logs in and sends each GET once, before the load.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::draws::{self, Purpose};
use super::http::{Connector, Scratch};
use super::prepared::{Class, Script, Step};
use super::sender::{Gear, Sender, Sent};
use crate::measurement::FailureKind;
use crate::scenario::Method;

/// How long after a vain attempt the next one follows, while `--wait` lasts.
const RETRY: Duration = Duration::from_millis(250);
/// How long a connection may take where the scenario has no request that could be sent without a doubt.
const CONNECT: Duration = Duration::from_secs(10);

/// Why a target counts as unreachable, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreachable(pub(super) String);

/// Tries until the target answers, at least once and for as long as `wait`.
pub(super) async fn reach(
    script: &Arc<Script>,
    connector: &Arc<Connector>,
    seed: u64,
    wait: Duration,
) -> Result<(), Unreachable> {
    let began = Instant::now();
    let gear = Gear {
        script: Arc::clone(script),
        connector: Arc::clone(connector),
        scratch: Scratch::default(),
    };
    loop {
        let tried = attempt(&gear, seed).await;
        if tried.is_ok() || began.elapsed() + RETRY > wait {
            return tried;
        }
        sleep(RETRY).await;
    }
}

/// Any HTTP answer, whatever it says, shows that the target is there.
async fn attempt(gear: &Gear, seed: u64) -> Result<(), Unreachable> {
    let mut shown = Seen::default();
    for (index, class) in gear.script.classes.iter().enumerate() {
        let rng = draws::generator(seed, Purpose::Reach(index as u64));
        let mut sender = Sender::new(gear, rng);
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
    failed: Option<Unreachable>,
}

async fn try_class(
    gear: &Gear,
    class: &Class,
    sender: &mut Sender,
    seen: &mut Seen,
) -> Result<(), Unreachable> {
    for request in class.on_start.iter().filter_map(Step::request) {
        seen.note(&sender.send(gear, request).await)?;
    }
    for task in &class.tasks {
        let hidden = sender.set(&task.set);
        let requests = task.steps.iter().filter_map(Step::request);
        for request in requests.filter(|request| request.method == Method::Get) {
            seen.note(&sender.send(gear, request).await)?;
        }
        sender.restore(hidden);
    }
    Ok(())
}

impl Seen {
    /// Notes what came of a request. Where nobody can be talked to, further requests would only wait as long again.
    fn note(&mut self, sent: &Sent) -> Result<(), Unreachable> {
        self.answered |= sent.answered;
        let (Some(kind), Some(_), false) = (sent.failure, sent.spent, self.answered) else {
            return Ok(());
        };
        let why = Unreachable(match &sent.detail {
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
            | FailureKind::Reset
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
async fn connect(gear: &Gear) -> Result<(), Unreachable> {
    match timeout(CONNECT, gear.connector.try_open()).await {
        Ok(tried) => tried.map_err(Unreachable),
        Err(_) => Err(Unreachable(format!(
            "connect: no answer within {CONNECT:?}"
        ))),
    }
}
