//! The server: takes connections, reads requests, asks the gateway, and lets each response leave when it is due.

use super::clock::Clock;
use super::config::Config;
use super::environments::Start;
use super::front::RequestIds;
use super::gateway::{Decision, Gateway, bearer};
use super::log_events;
use super::received::{Received, Recorder, clipped};
use super::rng::{REQUEST_IDS, RngStream};
use crate::timer::Timer;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// A longer body is answered 413.
const LONGEST_BODY: usize = 1024 * 1024;

/// A longer head is answered 431, by hyper. A connection never buffers more than this.
const LONGEST_HEAD: usize = 16 * 1024;

/// How long to leave new connections alone after one could not be taken, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

const COLD_START: HeaderName = HeaderName::from_static("x-cold-start");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A gateway that is reachable.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) config: Config,
    pub(super) gateway: Gateway,
    pub(super) clock: Clock,
    pub(super) timer: Timer,
    pub(super) dice: RngStream,
    pub(super) recorder: Recorder,
    pub(super) requests: AtomicU64,
}

impl Server {
    /// Serves for as long as it is polled.
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let server = Arc::clone(&self);
        tokio::spawn(async move { server.timer.drive().await });
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(Arc::clone(&self).attend(stream))),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    /// Responds to the requests of one connection, one after the other.
    async fn attend(self: Arc<Self>, stream: TcpStream) {
        // Without it a response might wait for an acknowledgement; a system that refuses it is slower, not wrong.
        let _ = stream.set_nodelay(true);
        let service =
            service_fn(|request| async { Ok::<_, Infallible>(self.answer(request).await) });
        // What fails here is a client that spoke no HTTP or went away; hyper has answered it if it can be.
        let _ = http1::Builder::new()
            .max_buf_size(LONGEST_HEAD)
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let arrival = self.clock.now();
        let (head, body) = request.into_parts();
        let body = read(body).await;
        let now = self.clock.now();
        let decision = match body {
            Ok(body) => self.gateway.decide(&head, &body, now),
            Err(status) => {
                self.gateway
                    .refuse(now, status, status.canonical_reason().unwrap_or_default())
            }
        };
        let ids = self.ids(&head, now);
        let events = log_events::of_request(&self.config, self.clock, &decision, &ids);
        let unsent = self
            .recorder
            .open(self.record(&head, arrival, &decision), events);
        self.timer.until(self.clock.instant(decision.due)).await;
        let response = self.response(decision, &ids);
        unsent.sent(micros(self.clock.now()));
        response
    }

    fn record(&self, head: &Parts, arrival: Duration, decision: &Decision) -> Received {
        let session = head
            .headers
            .get("x-session-id")
            .and_then(|session| session.to_str().ok());
        Received {
            t_us: micros(arrival),
            unix_us: micros(self.clock.unix(arrival)),
            due_us: micros(decision.due),
            sent_us: None,
            method: clipped(head.method.as_str()),
            path: clipped(head.uri.path()),
            query: head.uri.query().map(clipped),
            status: decision.reply.status.as_u16(),
            cold: decision.start() == Some(Start::Cold),
            session: session.map(clipped),
            authorized: bearer(head).is_some(),
        }
    }

    /// The ids of the next request.
    fn ids(&self, head: &Parts, now: Duration) -> RequestIds {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut draw = self.dice.draw(REQUEST_IDS, number);
        let (front, unix) = (self.config.front, self.clock.unix(now));
        RequestIds::draw(&mut draw, front, &head.headers, unix)
    }

    fn response(&self, decision: Decision, ids: &RequestIds) -> Response<Full<Bytes>> {
        let start = decision.start();
        let invocation = decision.run.map(|run| run.draw.id);
        let mut response = Response::new(Full::new(decision.reply.body));
        *response.status_mut() = decision.reply.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, JSON);
        for (name, id) in ids.headers(self.config.front, invocation) {
            if let Ok(id) = HeaderValue::try_from(id) {
                headers.insert(name, id);
            }
        }
        // As functions do that set it: one does not know that it was prepared ahead.
        if matches!(start, Some(Start::Cold | Start::Preinitialized)) {
            headers.insert(COLD_START, HeaderValue::from_static("true"));
        }
        response
    }
}

/// Reads a body, or says with which status to refuse it.
async fn read(body: Incoming) -> Result<Bytes, StatusCode> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    // Told beforehand, it need not be sent in vain.
    if body.size_hint().lower() > LONGEST_BODY as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::BAD_REQUEST),
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
