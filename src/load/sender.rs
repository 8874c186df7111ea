//! Sends the requests of one virtual user and judges their responses. It knows nothing of schedules and statistics.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::command::CommandRunner;
use super::cookies::Jar;
use super::data_feed::RowOwner;
use super::http::{BODY_LIMIT, Client, Connector, Exchange, Expected, Keep, ReadBuffer, Request};
use super::message::{BuildError, CompiledRequest};
use super::prepared::{CompiledScenario, Step};
use super::redirect;
use super::response_check::{ResponseCheck, check};
use super::site;
use super::trace::ExchangeTrace;
use super::xray::TraceSampler;
use crate::measurement::{ColdStartMark, FailureKind, RequestId, SentTrace, UnreachableCause};
use crate::scenario::{Command, Method, Scope, SecretLog, ValueTemplate, secret_texts};

/// How long a connection may take to be opened again between two slices.
const REFRESH: Duration = Duration::from_secs(10);

/// What a request met that was sent again.
const RESENT: &str = "the connection was closed without a response after the request was written; it was sent again on a new one";

/// What all users of a core share to send with.
pub(super) struct ClientContext {
    pub(super) script: Arc<CompiledScenario>,
    pub(super) connector: Arc<Connector>,
    pub(super) read_buffer: ReadBuffer,
    /// Requests that were traced and whose response has an id.
    pub(super) traces: RefCell<Vec<SentTrace>>,
    commands: CommandRunner,
}

impl ClientContext {
    pub(super) fn new(script: &Arc<CompiledScenario>, connector: &Arc<Connector>) -> Self {
        Self {
            script: Arc::clone(script),
            connector: Arc::clone(connector),
            read_buffer: ReadBuffer::default(),
            traces: RefCell::default(),
            commands: CommandRunner::new(&script.folder, &script.withheld, &script.secrets),
        }
    }
}

/// One user's connection, memory and chance.
pub(super) struct Sender {
    client: Client,
    /// What it captured, what its task set, and the rows that it took.
    values: BTreeMap<String, Value>,
    cookies: Jar,
    pub(super) rng: ChaCha8Rng,
    /// The request that is being sent, where it is not the same for everybody.
    buffer: Vec<u8>,
    /// What became of the last request that was sent. It stays where it was noted, since a request is short and copies of
    /// its response and times cost as much as counting them.
    pub(super) exchange: Exchange,
    row_owner: RowOwner,
    /// Why the next request cannot be sent: a program failed, or nobody knows whether a step is to be done. Failing a
    /// request is what makes that show.
    fault: Option<Box<str>>,
    /// Chooses the requests that X-Ray records, if any are.
    sampler: Option<Box<TraceSampler>>,
    /// Who looks over its shoulder, if anybody does.
    tracer: Option<Box<Tracer>>,
}

/// What is noted of a user whose every step is shown.
struct Tracer {
    script: Arc<CompiledScenario>,
    trace: ExchangeTrace,
}

impl Tracer {
    /// Notes a value that a step captured.
    fn capture(&mut self, name: &str, value: Option<&Value>) {
        let secret = value.filter(|_| self.script.secret_names.contains(name));
        self.trace
            .secrets
            .extend(secret.into_iter().flat_map(secret_texts));
        self.trace.captured.push((name.to_owned(), value.cloned()));
    }
}

/// What [`Sender::set`] hides.
pub(super) type ShadowedValues = Vec<(String, Option<Value>)>;

/// One request and what came of it.
#[derive(Debug)]
pub(super) struct Sent {
    /// When it was sent; when it failed, where it was not.
    pub(super) at: Instant,
    /// When its response was whole, or its failure known.
    pub(super) done: Instant,
    pub(super) failure: Option<FailureKind>,
    /// What the response says of a cold start.
    pub(super) start: ColdStartMark,
    /// The id in its response, if requests are kept one by one.
    pub(super) id: Option<RequestId>,
    /// Whether it was handed to the client; [`Sender::exchange`] then tells where its time went.
    pub(super) went_out: bool,
    /// Whether any HTTP response came.
    pub(super) answered: bool,
    /// What a failure was, in words.
    pub(super) detail: Option<String>,
    /// Cause, if known.
    pub(super) cause: UnreachableCause,
}

impl Sent {
    /// Whether the steps that follow lack what they need of it. A response that came at the second attempt will do.
    pub(super) fn is_lost(&self) -> bool {
        self.failure.is_some_and(|kind| kind != FailureKind::Resent)
    }
}

impl Sender {
    pub(super) fn new(context: &ClientContext, rng: ChaCha8Rng) -> Self {
        let share = context.script.trace;
        Self {
            sampler: share.map(|share| Box::new(TraceSampler::new(share, &rng))),
            client: Client::new(Arc::clone(&context.connector)),
            values: BTreeMap::new(),
            cookies: Jar::default(),
            rng,
            buffer: Vec::new(),
            exchange: Exchange::started(Instant::now()),
            row_owner: RowOwner::User,
            fault: None,
            tracer: None,
        }
    }

    /// Somebody who looks whether all is well before the load.
    pub(super) fn probe(context: &ClientContext, rng: ChaCha8Rng) -> Self {
        Self {
            row_owner: RowOwner::Probe,
            sampler: None,
            ..Self::new(context, rng)
        }
    }

    /// A probe whose every request and response is noted.
    pub(super) fn traced(context: &ClientContext, rng: ChaCha8Rng) -> Self {
        Self {
            tracer: Some(Box::new(Tracer {
                script: Arc::clone(&context.script),
                trace: ExchangeTrace::default(),
            })),
            ..Self::probe(context, rng)
        }
    }

    /// What was noted since this was last asked.
    pub(super) fn take_trace(&mut self) -> ExchangeTrace {
        self.tracer
            .as_deref_mut()
            .map(|tracer| std::mem::take(&mut tracer.trace))
            .unwrap_or_default()
    }

    /// Opens the connection again where the server has closed it. One that cannot be opened now is tried again by the
    /// next request.
    pub(super) async fn refresh(&mut self, context: &ClientContext) {
        // Boxed, since it is rare and every waiting user would hold the room for it.
        let _ = Box::pin(self.client.refresh(&context.read_buffer, REFRESH)).await;
    }

    /// What templates are rendered with.
    fn scope(&mut self) -> Scope<'_> {
        scope(&self.values, &mut self.rng, self.tracer.as_deref_mut())
    }

    /// Lays values over the user's own; gives back what they hide. One that needs an unset value is unset.
    pub(super) fn set(&mut self, values: &[(String, ValueTemplate)]) -> ShadowedValues {
        let mut hidden = Vec::with_capacity(values.len());
        for (name, template) in values {
            let value = template.render(&mut self.scope()).ok();
            hidden.push((name.clone(), self.put(name, value)));
        }
        hidden
    }

    /// Undoes a [`Sender::set`].
    pub(super) fn restore(&mut self, hidden: ShadowedValues) {
        for (name, value) in hidden.into_iter().rev() {
            self.put(&name, value);
        }
    }

    fn put(&mut self, name: &str, value: Option<Value>) -> Option<Value> {
        match value {
            Some(value) => self.values.insert(name.to_owned(), value),
            None => self.values.remove(name),
        }
    }

    /// Takes a row of each of these data. What has none left is unset.
    pub(super) fn take_rows(&mut self, context: &ClientContext, rows: &[usize]) {
        for feed in rows
            .iter()
            .filter_map(|index| context.script.feeds.get(*index))
        {
            let row = feed.row(self.row_owner, &mut self.rng);
            self.put(&feed.name, row);
        }
    }

    /// Whether a step is to be done. Where that cannot be told, a request is, and fails unsent; any other step is not,
    /// and the next request fails instead.
    pub(super) fn should_run(&mut self, step: &Step) -> bool {
        let Some(when) = &step.when else {
            return true;
        };
        match when.holds(&mut self.scope()) {
            Ok(holds) => holds,
            Err(error) => {
                self.fault = Some(format!("the condition {error}").into());
                step.request().is_some()
            }
        }
    }

    /// Whether all is there that a program is handed.
    pub(super) fn has_inputs(&mut self, command: &Command) -> bool {
        let mut scope = self.scope();
        let mut arguments = command.arguments.iter();
        arguments.all(|argument| argument.render(&mut scope).is_ok())
    }

    /// Runs a program and takes from the JSON that it prints what its step captures. Where it fails, all of that is
    /// unset, and the next request fails unsent, whether it needs any of it or not.
    pub(super) async fn run(
        &mut self,
        context: &ClientContext,
        command: &Command,
    ) -> Result<(), String> {
        // Boxed, since few scenarios run programs and every waiting user would hold the room for one.
        let printed = Box::pin(self.printed(context, command)).await;
        let mut failed = printed.as_ref().err().cloned();
        for (name, path) in &command.capture {
            let value = printed.as_ref().ok();
            let value = value.and_then(|printed| path.query(printed).first().cloned());
            if value.is_none() && failed.is_none() {
                failed = Some(format!("prints no '{name}' at {path}"));
            }
            if let Some(tracer) = &mut self.tracer {
                tracer.capture(name, value.as_ref());
            }
            self.put(name, value);
        }
        let Some(why) = failed else {
            return Ok(());
        };
        let program = command.arguments.first().map_or("", |own| own.source());
        let why = format!("the program {program} {why}");
        self.fault = Some(why.as_str().into());
        Err(why)
    }

    async fn printed(
        &mut self,
        context: &ClientContext,
        command: &Command,
    ) -> Result<Value, String> {
        let names = &context.script.secret_names;
        let hidden = self.values.iter().filter(|(name, _)| names.contains(*name));
        let mut secret: Vec<String> = hidden.flat_map(|(_, value)| secret_texts(value)).collect();
        let mut scope = Scope {
            log: Some(SecretLog {
                names,
                found: &mut secret,
            }),
            ..self.scope()
        };
        let arguments = command.arguments.iter();
        let arguments: Vec<String> = arguments
            .map(|argument| argument.render(&mut scope).map(Cow::into_owned))
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        if let Some(tracer) = &mut self.tracer {
            tracer.trace.secrets.extend_from_slice(&secret);
        }
        context
            .commands
            .run(&arguments, command.timeout, &secret)
            .await
    }

    /// Sends a request, follows where it is redirected to, and takes from its response what the step captures.
    pub(super) async fn send<const SITE: u8>(
        &mut self,
        context: &ClientContext,
        request: &CompiledRequest,
    ) -> Sent {
        if let Some(fault) = self.fault.take() {
            return Sent::unsent(fault.into());
        }
        let fixed = request
            .fixed
            .as_deref()
            .filter(|_| !self.sends_cookies(request));
        if fixed.is_none()
            && let Err(unsent) = self.render(context, request)
        {
            return Sent::unsent(unsent.to_string());
        }
        let bytes = fixed.unwrap_or(&self.buffer);
        if let Some(tracer) = &mut self.tracer {
            tracer.trace.request = bytes.to_vec();
        }
        let raw = raw(request, request.spec.method, bytes, self.tracer.is_some());
        self.exchange = Exchange::started(Instant::now());
        let timeout = request.spec.timeout;
        let sent =
            self.client
                .send::<SITE>(&context.read_buffer, &raw, timeout, &mut self.exchange);
        sent.await;
        if request.cookies.is_some() {
            let target = redirect::target_of(fixed.unwrap_or(&self.buffer));
            self.take_cookies(context, request, &target);
        }
        if request.spec.redirects > 0 && redirect::status(&self.exchange).is_some() {
            let target = redirect::target_of(fixed.unwrap_or(&self.buffer));
            // Boxed, since few scenarios follow redirects and every waiting user would hold the room for it.
            return Box::pin(self.follow(context, request, target)).await;
        }
        self.judge(context, request)
    }

    fn sends_cookies(&self, request: &CompiledRequest) -> bool {
        request.cookies.is_some() && !self.cookies.is_empty()
    }

    fn render(
        &mut self,
        context: &ClientContext,
        request: &CompiledRequest,
    ) -> Result<(), BuildError> {
        let jar = Some(&self.cookies).filter(|_| self.sends_cookies(request));
        let mut scope = scope(&self.values, &mut self.rng, self.tracer.as_deref_mut());
        let origin = context.connector.origin();
        request.render(origin, &mut scope, jar, &mut self.buffer)?;
        if let Some(sampler) = &mut self.sampler {
            sampler.next(&self.rng, &mut self.buffer);
        }
        Ok(())
    }

    fn take_cookies(&mut self, context: &ClientContext, request: &CompiledRequest, target: &str) {
        let (Some(place), Ok(answer)) = (request.cookies, &self.exchange.outcome) else {
            return;
        };
        let origin = context.connector.origin();
        let path = target.strip_prefix(&origin.before_path()).unwrap_or(target);
        for set in answer.raw_headers(place) {
            self.cookies.take(set, origin, path, jiff::Timestamp::now());
        }
    }

    /// Follows redirects within the origin. Every hop is part of the same request and of its time.
    async fn follow(
        &mut self,
        context: &ClientContext,
        request: &CompiledRequest,
        mut target: String,
    ) -> Sent {
        let origin = context.connector.origin();
        let mut method = request.spec.method;
        for _ in 0..request.spec.redirects {
            let Some(next) = redirect::next(origin, &target, method, &self.exchange) else {
                return self.judge(context, request);
            };
            (target, method) = (next.target, next.method);
            let mut bytes = Vec::new();
            let jar = Some(&self.cookies).filter(|_| request.cookies.is_some());
            let mut scope = scope(&self.values, &mut self.rng, self.tracer.as_deref_mut());
            let rendered = request.render_to(origin, method, &target, &mut scope, jar, &mut bytes);
            if let Err(unsent) = rendered {
                return Sent::unsent(unsent.to_string());
            }
            let spent = self.exchange.times.started.elapsed();
            let left = request.spec.timeout.saturating_sub(spent);
            let raw = raw(request, method, &bytes, self.tracer.is_some());
            let before = std::mem::replace(&mut self.exchange, Exchange::started(Instant::now()));
            let turn = self.client.send::<{ site::HOP }>(
                &context.read_buffer,
                &raw,
                left,
                &mut self.exchange,
            );
            turn.await;
            self.take_cookies(context, request, &target);
            redirect::merge(&before, &mut self.exchange);
        }
        let further = redirect::next(origin, &target, method, &self.exchange);
        let mut sent = self.judge(context, request);
        if further.is_some() {
            sent.failure = Some(FailureKind::Redirect);
            sent.detail = Some(format!(
                "redirected more than {} times",
                request.spec.redirects
            ));
        }
        sent
    }

    /// What the finished exchange counts as. Its response and detail are taken; its times stay.
    fn judge(&mut self, context: &ClientContext, request: &CompiledRequest) -> Sent {
        let exchange = &mut self.exchange;
        let mut sent = Sent {
            at: exchange.times.started,
            done: exchange.times.done,
            failure: None,
            start: ColdStartMark::Untracked,
            id: None,
            went_out: true,
            answered: false,
            detail: exchange.detail.take(),
            cause: exchange.cause,
        };
        match &mut exchange.outcome {
            Err(failure) => sent.failure = Some(*failure),
            Ok(answer) => {
                sent.answered = true;
                let marker = context.script.cold.as_deref();
                sent.start = start(marker, answer.header(0).as_deref());
                if let Some(place) = context.script.request_id {
                    let id = answer.header(place);
                    sent.id = id.and_then(|id| RequestId::parse(&id));
                    let root = self.sampler.as_ref().and_then(|sampler| sampler.root);
                    let trace = sent.id.zip(root).map(|(id, root)| SentTrace { id, root });
                    context.traces.borrow_mut().extend(trace);
                }
                if let Some(tracer) = &mut self.tracer {
                    tracer.trace.note(answer, request.coding);
                }
                let status = answer.status;
                if request.is_unasked_redirect(status) {
                    let location = answer.location().map(redirect::text);
                    exchange.unfollowed = Some(location.unwrap_or_default().into_owned());
                }
                if !request.spec.expect.accepts(status) {
                    sent.failure = Some(FailureKind::Status(status));
                    // Nobody reads it, and a user who waits should not hold it.
                    answer.body = None;
                } else if let Some(location) = exchange
                    .unfollowed
                    .as_deref()
                    .filter(|_| request.spec.redirects > 0)
                {
                    sent.failure = Some(FailureKind::Redirect);
                    sent.detail = Some(redirect::leaves_target(location));
                    answer.body = None;
                } else if request.is_checked() {
                    let answer = answer.take();
                    let ResponseCheck { captured, failure } =
                        check(request, answer, &mut self.scope());
                    for (name, value) in captured {
                        if let Some(tracer) = &mut self.tracer {
                            tracer.capture(name, value.as_ref());
                        }
                        self.put(name, value);
                    }
                    (sent.failure, sent.detail) = failure.unzip();
                }
            }
        }
        if self.exchange.resent && sent.failure.is_none() {
            sent.failure = Some(FailureKind::Resent);
            sent.detail = Some(RESENT.to_owned());
        }
        sent
    }
}

impl Sent {
    fn unsent(why: String) -> Self {
        let now = Instant::now();
        Self {
            at: now,
            done: now,
            failure: Some(FailureKind::Unset),
            start: ColdStartMark::Untracked,
            id: None,
            went_out: false,
            answered: false,
            detail: Some(why),
            cause: UnreachableCause::Unknown,
        }
    }
}

/// What templates are rendered with.
fn scope<'s>(
    values: &'s BTreeMap<String, Value>,
    rng: &'s mut ChaCha8Rng,
    tracer: Option<&'s mut Tracer>,
) -> Scope<'s> {
    Scope {
        values,
        rng,
        now: jiff::Timestamp::now,
        log: tracer.map(|tracer| SecretLog {
            names: &tracer.script.secret_names,
            found: &mut tracer.trace.secrets,
        }),
    }
}

/// The request as the client sends it.
fn raw<'a>(
    request: &'a CompiledRequest,
    method: Method,
    bytes: &'a [u8],
    is_traced: bool,
) -> Request<'a> {
    Request {
        bytes,
        idempotent: method.is_idempotent(),
        expected: Expected {
            head_only: method == Method::Head,
            // A step that is watched fails by the same rule as one that is not.
            keep: match (request.coding, is_traced) {
                (Some(_), _) => Keep::All(BODY_LIMIT),
                (None, true) => Keep::Start(BODY_LIMIT),
                (None, false) => Keep::Nothing,
            },
            headers: &request.wanted,
            location: request.location,
            every_header: is_traced,
        },
    }
}

/// What a response says of a cold start: by the value of its header, where the scenario knows of one.
fn start(marker: Option<&str>, header: Option<&str>) -> ColdStartMark {
    match (marker, header) {
        (Some(cold), Some(found)) if found == cold => ColdStartMark::Cold,
        (Some(_), Some(_)) => ColdStartMark::Warm,
        (Some(_), None) => ColdStartMark::NoHeader,
        (None, _) => ColdStartMark::Untracked,
    }
}
