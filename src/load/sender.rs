//! Sends the requests of one virtual user and judges their answers. It knows nothing of schedules and statistics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::http::{
    Answer, BODY_LIMIT, Client, Connector, Exchange, Expected, Failure, Request, Scratch, unpacked,
};
use super::prepared::{Prepared, Script, Unsent};
use super::recorder::Spent;
use super::redirect;
use crate::measurement::FailureKind;
use crate::scenario::{Capture, Method, Scope, Source, ValueTemplate};

/// How long a connection may take to be opened again between two slices.
const REFRESH: Duration = Duration::from_secs(10);

/// What all users of a core share to send with.
pub(super) struct Gear {
    pub(super) script: Arc<Script>,
    pub(super) connector: Arc<Connector>,
    pub(super) scratch: Scratch,
}

/// One user's connection, memory and chance.
pub(super) struct Sender {
    client: Client,
    /// What it captured and what its task set.
    values: BTreeMap<String, Value>,
    pub(super) rng: ChaCha8Rng,
    /// The request that is being sent, where it is not the same for everybody.
    buffer: Vec<u8>,
}

/// What [`Sender::set`] hides.
pub(super) type Hidden = Vec<(String, Option<Value>)>;

/// One request and what came of it.
#[derive(Debug)]
pub(super) struct Sent {
    /// When it was sent; when it failed, where it was not.
    pub(super) at: Instant,
    /// When its answer was whole, or its failure known.
    pub(super) done: Instant,
    pub(super) failure: Option<FailureKind>,
    pub(super) cold: Option<bool>,
    /// Where its time went; none where nothing was sent.
    pub(super) spent: Option<Spent>,
    /// Whether any HTTP answer came.
    pub(super) answered: bool,
    /// What a failure was, in words.
    pub(super) detail: Option<String>,
}

impl Sender {
    pub(super) fn new(gear: &Gear, rng: ChaCha8Rng) -> Self {
        Self {
            client: Client::new(Arc::clone(&gear.connector)),
            values: BTreeMap::new(),
            rng,
            buffer: Vec::new(),
        }
    }

    /// Opens the connection again where the server has closed it. One that cannot be opened now is tried again by the
    /// next request.
    pub(super) async fn refresh(&mut self, gear: &Gear) {
        // Boxed, since it is rare and every waiting user would hold the room for it.
        let _ = Box::pin(self.client.refresh(&gear.scratch, REFRESH)).await;
    }

    /// What templates are rendered with.
    fn scope(&mut self) -> Scope<'_> {
        Scope {
            values: &self.values,
            rng: &mut self.rng,
            now: jiff::Timestamp::now,
        }
    }

    /// Lays values over the user's own; gives back what they hide. One that needs an unset value is unset.
    pub(super) fn set(&mut self, values: &[(String, ValueTemplate)]) -> Hidden {
        let mut hidden = Vec::with_capacity(values.len());
        for (name, template) in values {
            let value = template.render(&mut self.scope()).ok();
            hidden.push((name.clone(), self.put(name, value)));
        }
        hidden
    }

    /// Undoes a [`Sender::set`].
    pub(super) fn restore(&mut self, hidden: Hidden) {
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

    /// Sends a request, follows where it is redirected to, and takes from its answer what the step captures.
    pub(super) async fn send(&mut self, gear: &Gear, request: &Prepared) -> Sent {
        if request.fixed.is_none()
            && let Err(unsent) = self.render(gear, request)
        {
            return Sent::unsent(&unsent);
        }
        let bytes = request.fixed.as_deref().unwrap_or(&self.buffer);
        let exchange = self
            .client
            .send(
                &gear.scratch,
                &raw(request, request.method, bytes),
                request.timeout,
            )
            .await;
        if request.redirects > 0 && redirect::status(&exchange).is_some() {
            let target = redirect::target_of(bytes);
            // Boxed, since few scenarios follow redirects and every waiting user would hold the room for it.
            return Box::pin(self.follow(gear, request, target, exchange)).await;
        }
        self.judge(gear, request, exchange)
    }

    fn render(&mut self, gear: &Gear, request: &Prepared) -> Result<(), Unsent> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let origin = gear.connector.origin();
        let rendered = request.render(origin, &mut self.scope(), &mut buffer);
        self.buffer = buffer;
        rendered
    }

    /// Follows redirects within the origin. Every hop is part of the same request and of its time.
    async fn follow(
        &mut self,
        gear: &Gear,
        request: &Prepared,
        mut target: String,
        mut exchange: Exchange,
    ) -> Sent {
        let origin = gear.connector.origin();
        let mut method = request.method;
        for _ in 0..request.redirects {
            let Some(next) = redirect::next(origin, request, &target, method, &exchange) else {
                return self.judge(gear, request, exchange);
            };
            (target, method) = (next.target, next.method);
            let mut bytes = Vec::new();
            let mut scope = self.scope();
            if let Err(unsent) = request.render_to(origin, method, &target, &mut scope, &mut bytes)
            {
                return Sent::unsent(&unsent);
            }
            let spent = exchange.times.started.elapsed();
            let left = request.timeout.saturating_sub(spent);
            let raw = raw(request, method, &bytes);
            let hop = self.client.send(&gear.scratch, &raw, left).await;
            exchange = redirect::joined(&exchange, hop);
        }
        let further = redirect::next(origin, request, &target, method, &exchange);
        let mut sent = self.judge(gear, request, exchange);
        if let Some(next) = further {
            sent.failure = Some(FailureKind::Status(next.status));
            sent.detail = Some(format!("redirected more than {} times", request.redirects));
        }
        sent
    }

    fn judge(&mut self, gear: &Gear, request: &Prepared, exchange: Exchange) -> Sent {
        let mut sent = Sent {
            at: exchange.times.started,
            done: exchange.times.done,
            failure: None,
            cold: None,
            spent: Some(Spent {
                dns: exchange.times.dns,
                connect: exchange.times.connect,
                tls: exchange.times.tls,
                first_byte: exchange.times.first_byte,
                body: exchange.times.body,
                new_connection: exchange.new_connection,
                reopened: exchange.reopened,
                bytes: exchange.bytes_in,
            }),
            answered: false,
            detail: exchange.detail,
        };
        match exchange.outcome {
            Err(failure) => sent.failure = Some(kind(failure)),
            Ok(answer) => {
                sent.answered = true;
                let marker = gear.script.cold.as_deref();
                sent.cold = marker.map(|marker| answer.header(0) == Some(marker));
                if !request.expect.accepts(answer.status) {
                    sent.failure = Some(FailureKind::Status(answer.status));
                } else if !request.capture.is_empty()
                    && let Err((failure, why)) = self.capture(request, marker.is_some(), answer)
                {
                    sent.failure = Some(failure);
                    sent.detail = Some(why);
                }
            }
        }
        sent
    }

    /// Takes the values of a step from its answer; one that is not there becomes unset.
    fn capture(
        &mut self,
        request: &Prepared,
        marked: bool,
        mut answer: Answer,
    ) -> Result<(), (FailureKind, String)> {
        let mut missing = Ok(());
        let mut body: Option<Value> = None;
        if let (Some(coding), Some(packed)) = (request.coding, answer.body.take()) {
            let codings: Vec<&str> = answer.headers(coding).collect();
            match unpacked(packed, &codings.join(","), BODY_LIMIT) {
                Ok(text) => body = serde_json::from_slice(&text).ok(),
                Err(error) => missing = Err((FailureKind::Body, error.to_string())),
            }
        }
        let mut place = usize::from(marked);
        for Capture { variable, from } in &request.capture {
            let value = match from {
                Source::Header(_) => {
                    place += 1;
                    answer.header(place - 1).map(Value::from)
                }
                Source::Json(path) => body
                    .as_ref()
                    .and_then(|body| path.query(body).first().cloned()),
            };
            if value.is_none() && missing.is_ok() {
                let why = format!("the answer holds no '{variable}'");
                missing = Err((FailureKind::Expectation, why));
            }
            self.put(variable, value);
        }
        missing
    }
}

impl Sent {
    fn unsent(why: &Unsent) -> Self {
        let now = Instant::now();
        Self {
            at: now,
            done: now,
            failure: Some(FailureKind::Unset),
            cold: None,
            spent: None,
            answered: false,
            detail: Some(why.to_string()),
        }
    }
}

/// The request as the client sends it.
fn raw<'a>(request: &'a Prepared, method: Method, bytes: &'a [u8]) -> Request<'a> {
    Request {
        bytes,
        idempotent: method.is_idempotent(),
        expected: Expected {
            head_only: method == Method::Head,
            keep_body: request.coding.map(|_| BODY_LIMIT),
            headers: &request.wanted,
        },
    }
}

/// The kind that a failure of the client is counted under.
fn kind(failure: Failure) -> FailureKind {
    match failure {
        Failure::Timeout => FailureKind::Timeout,
        Failure::Dns => FailureKind::Dns,
        Failure::Connect => FailureKind::Connect,
        Failure::NoSocket => FailureKind::NoSocket,
        Failure::Tls => FailureKind::Tls,
        Failure::Reset | Failure::Closed => FailureKind::Reset,
        Failure::BadHead | Failure::HeadTooLarge => FailureKind::Protocol,
        Failure::BadBody | Failure::BodyTooLarge => FailureKind::Body,
        Failure::Proxy => FailureKind::Proxy,
    }
}
