//! Is the target there? One unrecorded user per class logs in and sends each GET once, before the load.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::config::Waiting;
use super::draws::{self, Purpose};
use super::http::CREDENTIALS_REQUIRED;
use super::prepared::{Action, Class, Step};
use super::ready;
use super::sender::{ClientContext, Sender, Sent};
use super::site;
use super::worker::ArmPlan;
use crate::measurement::{Arm, FailureKind, UnreachableCause};
use crate::scenario::Method;
use crate::units::format_duration;

/// How long after a failed attempt the next one follows, while `--wait` lasts.
pub(super) const RETRY: Duration = Duration::from_millis(250);
/// How long a connection may take if the scenario has no request that is safe to send.
const CONNECT: Duration = Duration::from_secs(10);

/// What is done ahead of the load.
pub(super) struct Ahead {
    pub(super) seed: u64,
    /// How long the target may take to respond for the first time.
    pub(super) wait: Duration,
    /// The path that must respond below 400 first.
    pub(super) ready: Option<String>,
}

/// Why there is no point in sending load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PreflightError {
    /// The target does not respond as it must.
    Unreachable(Unreached),
    /// A program that the scenario runs fails, in words.
    Command(String),
}

/// A target that does not respond as it must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreached {
    pub(super) cause: UnreachableCause,
    /// In words.
    pub(super) why: String,
    /// How the request failed, if one was sent.
    pub(super) kind: Option<FailureKind>,
}

impl PreflightError {
    pub(super) fn new(cause: UnreachableCause, why: String, kind: Option<FailureKind>) -> Self {
        Self::Unreachable(Unreached { cause, why, kind })
    }
}

/// Whether an attempt is followed by another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    /// `--wait` lasts, so that a gateway without a service behind it is waited for.
    OneOfSeveral,
    /// It is the last, or the only one.
    Last,
}

/// Tries until the target responds: once, and for as long as `--wait`.
pub(super) async fn reach(
    ahead: &Ahead,
    arm: Arm,
    plan: &ArmPlan,
    waits: &mpsc::Sender<Waiting>,
) -> Result<(), PreflightError> {
    let began = Instant::now();
    let context = ClientContext::new(&plan.script, &plan.connector);
    if let Some(path) = &ahead.ready {
        ready::wait(&context, path, ahead.wait).await?;
    }
    let mut gateway = Gateway {
        arm,
        began,
        seen: None,
        waits,
    };
    while !ahead.wait.is_zero() {
        let Err(unready) = attempt(&context, ahead, Attempt::OneOfSeveral).await else {
            gateway.left();
            return Ok(());
        };
        let PreflightError::Unreachable(unreached) = unready else {
            return Err(unready);
        };
        let status = unreached.kind.and_then(unavailable);
        if let Some(status) = status {
            gateway.met(status);
        }
        if began.elapsed() + RETRY > ahead.wait {
            if status.is_none() {
                return Err(explained(&context, unreached).await);
            }
            break;
        }
        sleep(RETRY).await;
    }
    match attempt(&context, ahead, Attempt::Last).await {
        Err(PreflightError::Unreachable(unreached)) => Err(explained(&context, unreached).await),
        tried => tried,
    }
}

/// A gateway that responds for a service that is not there yet.
struct Gateway<'w> {
    arm: Arm,
    began: Instant,
    seen: Option<u16>,
    waits: &'w mpsc::Sender<Waiting>,
}

impl Gateway<'_> {
    fn met(&mut self, status: u16) {
        if self.seen.replace(status) != Some(status) {
            let arm = self.arm;
            // Nobody listens after a signal.
            let _ = self.waits.send(Waiting::Began { arm, status });
        }
    }

    fn left(&self) {
        if let Some(status) = self.seen {
            let _ = self.waits.send(Waiting::Ended {
                arm: self.arm,
                status,
                after: self.began.elapsed(),
            });
        }
    }
}

/// The status by which a gateway says that there is no service behind it, or none that responds.
fn unavailable(kind: FailureKind) -> Option<u16> {
    if let FailureKind::Status(status @ 502..=504) = kind {
        return Some(status);
    }
    None
}

/// The same with what stands behind it, if further connections show that.
async fn explained(context: &ClientContext, unreached: Unreached) -> PreflightError {
    let cause = diagnosed(context, unreached.cause, unreached.kind).await;
    PreflightError::Unreachable(Unreached { cause, ..unreached })
}

/// Whether there may be more behind a cause than a failure says by itself.
pub(super) fn is_vague(cause: UnreachableCause) -> bool {
    matches!(
        cause,
        UnreachableCause::Unknown
            | UnreachableCause::NoResponse
            | UnreachableCause::NotTls
            | UnreachableCause::TlsClosed
            | UnreachableCause::NotHttp
            | UnreachableCause::BrokenResponse
    )
}

/// The cause of a failure, looked for by further connections if it is not known and they may show it.
pub(super) async fn diagnosed(
    context: &ClientContext,
    cause: UnreachableCause,
    kind: Option<FailureKind>,
) -> UnreachableCause {
    let is_connected = matches!(
        kind,
        Some(FailureKind::Timeout | FailureKind::Tls | FailureKind::Reset | FailureKind::Protocol)
    );
    if !is_connected || !is_vague(cause) {
        return cause;
    }
    let found = context.connector.diagnose().await;
    if found == UnreachableCause::Unknown {
        cause
    } else {
        found
    }
}

/// Any HTTP response shows that the target is there, but for those of a gateway that `--wait` waits behind.
async fn attempt(
    context: &ClientContext,
    ahead: &Ahead,
    attempt: Attempt,
) -> Result<(), PreflightError> {
    let mut seen = Seen {
        context,
        ahead,
        attempt,
        is_good: false,
        unavailable: None,
        is_bad_request: false,
        failed: None,
    };
    for (index, class) in context.script.classes.iter().enumerate() {
        let rng = draws::generator(ahead.seed, Purpose::Reach(index as u64));
        let mut sender = Sender::probe(context, rng);
        seen.try_class(class, &mut sender).await?;
    }
    if seen.is_good {
        return Ok(());
    }
    if seen.is_bad_request {
        let cause = context.connector.diagnose().await;
        if cause != UnreachableCause::ExpectsTls {
            return Ok(());
        }
        let why = "it responded 400 to every request".to_owned();
        return Err(PreflightError::new(cause, why, None));
    }
    match (seen.unavailable, seen.failed) {
        (Some(status), _) if !ahead.wait.is_zero() => {
            // Nothing in a response says that it is the proxy's.
            let proxy = context.connector.origin().forwarder();
            let who = proxy.map_or("it".to_owned(), |own| format!("it or {}", own.named()));
            let wait = format_duration(ahead.wait);
            let why = format!("{who} responded {status} until --wait ended after {wait}");
            let cause = UnreachableCause::Unavailable;
            Err(PreflightError::new(cause, why, None))
        }
        (Some(_), _) => Ok(()),
        (None, Some(failed)) => Err(failed),
        (None, None) => connect(context).await,
    }
}

/// What the requests so far have shown.
struct Seen<'c> {
    context: &'c ClientContext,
    ahead: &'c Ahead,
    attempt: Attempt,
    /// There was a response that is none of those below.
    is_good: bool,
    /// The last unexpected status of a gateway.
    unavailable: Option<u16>,
    /// There was an unexpected 400, as servers respond that expect TLS.
    is_bad_request: bool,
    failed: Option<PreflightError>,
}

impl Seen<'_> {
    async fn try_class(
        &mut self,
        class: &Class,
        sender: &mut Sender,
    ) -> Result<(), PreflightError> {
        let context = self.context;
        sender.take_rows(context, &class.own_rows);
        sender.take_rows(context, &class.start_rows);
        for step in &class.on_start {
            self.try_step(step, sender).await?;
        }
        let is_waited_for = !self.ahead.wait.is_zero();
        let is_safe = |step: &Step| {
            // A HEAD shows no more than a connection does, unless a gateway is waited for.
            step.request().is_some_and(|request| {
                let method = request.spec.method;
                method == Method::Get || (method == Method::Head && is_waited_for)
            })
        };
        let is_tried = |step: &&Step| is_safe(step) || matches!(step.action, Action::Command(_));
        let tasks = class.tasks.iter();
        for task in tasks.filter(|task| task.steps.iter().any(is_safe)) {
            sender.take_rows(context, &task.rows);
            let hidden = sender.set(&task.set);
            for step in task.steps.iter().filter(is_tried) {
                self.try_step(step, sender).await?;
            }
            sender.restore(hidden);
        }
        Ok(())
    }

    async fn try_step(&mut self, step: &Step, sender: &mut Sender) -> Result<(), PreflightError> {
        let context = self.context;
        if !sender.should_run(step) {
            return Ok(());
        }
        match &step.action {
            Action::Request(request) => {
                self.note(&sender.send::<{ site::AHEAD }>(context, request).await)
            }
            // What a program of a task needs may come from a request that is not sent here.
            Action::Command(command) if sender.has_inputs(command) => {
                let ran = sender.run(context, command).await;
                ran.map_err(PreflightError::Command)
            }
            Action::Command(_) | Action::Think(_) => Ok(()),
        }
    }

    fn is_answered(&self) -> bool {
        self.is_good || self.is_bad_request || self.unavailable.is_some()
    }

    /// Notes what came of a request. If nobody responds, further requests would only wait as long again.
    fn note(&mut self, sent: &Sent) -> Result<(), PreflightError> {
        let failure = sent.failure.filter(|_| sent.went_out);
        if sent.answered {
            return self.note_response(failure);
        }
        let (Some(kind), false) = (failure, self.is_answered()) else {
            return Ok(());
        };
        let says_little = matches!(
            sent.cause,
            UnreachableCause::Unknown | UnreachableCause::NoResponse
        );
        let reason = match &sent.detail {
            None => kind.to_string(),
            Some(detail) if says_little && kind != FailureKind::Proxy => {
                format!("{kind}: {detail}")
            }
            Some(detail) => detail.clone(),
        };
        let why = PreflightError::new(sent.cause, reason, Some(kind));
        let is_of_server = matches!(
            kind,
            FailureKind::Timeout
                | FailureKind::Dns
                | FailureKind::Connect
                | FailureKind::NoSocket
                | FailureKind::Proxy
                | FailureKind::Tls
        );
        // If a head came, other requests may end.
        if is_of_server && sent.cause != UnreachableCause::UnendingBody {
            return Err(why);
        }
        self.failed = Some(why);
        Ok(())
    }

    fn note_response(&mut self, failure: Option<FailureKind>) -> Result<(), PreflightError> {
        if let (Some(FailureKind::Status(CREDENTIALS_REQUIRED)), Some(proxy)) =
            (failure, self.context.connector.origin().forwarder())
        {
            let (cause, why) = proxy.refusal();
            return Err(PreflightError::new(cause, why, failure));
        }
        match failure.and_then(unavailable) {
            Some(status) => {
                self.unavailable = Some(status);
                if self.attempt == Attempt::OneOfSeveral {
                    let cause = UnreachableCause::Unavailable;
                    return Err(PreflightError::new(cause, String::new(), failure));
                }
            }
            None if failure == Some(FailureKind::Status(400)) => self.is_bad_request = true,
            None => self.is_good = true,
        }
        Ok(())
    }
}

/// If there is nothing harmless to send, a connection must do.
async fn connect(context: &ClientContext) -> Result<(), PreflightError> {
    let tried = context.connector.try_open(CONNECT).await;
    tried.map_err(|(cause, why)| PreflightError::new(cause, why, None))
}
