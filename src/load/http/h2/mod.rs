//! HTTP/2, by hyper: one session per user, since that is what a browser or an SDK of a user opens.
//!
//! A request is rendered once, as HTTP/1.1, and translated here.

use std::cell::Cell;
use std::error::Error as _;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Request as Message, Response as HyperResponse, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::{JoinHandle, spawn_local};

use super::exchange::{Completed, ConnectionError, Exchange, RequestError};
use super::h1::ReadError;
use super::origin::Scheme;
use super::request::Request;
use super::response::{Expected, LOCATION, Response, SHOWN, redirects};
use super::stream::Stream;
use crate::measurement::{FailureKind, UnreachableCause};

/// Headers that belong to HTTP/1.1's connections, or that HTTP/2 says in another way (RFC 9113, section 8.2.2).
const OF_THE_CONNECTION: [&str; 6] = [
    "host",
    "connection",
    "proxy-connection",
    "keep-alive",
    "transfer-encoding",
    "upgrade",
];

/// Headers of a rendered request at most: the scenario's own.
const MOST_HEADERS: usize = 256;

/// An open session.
pub(super) struct Session {
    sender: SendRequest<Full<Bytes>>,
    /// Drives the connection; it must not outlive the user.
    driver: JoinHandle<()>,
    scheme: &'static str,
    /// Bytes written to the stream so far.
    written: Rc<Cell<u64>>,
}

/// The stream below a session, which counts what is written to it.
struct Counted {
    stream: Stream,
    written: Rc<Cell<u64>>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.stream.poll_read(context, buffer.initialize_unfilled());
        read.map_ok(|count| buffer.advance(count))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream.poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = written {
            self.written.set(self.written.get() + count as u64);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_shutdown(context)
    }
}

/// Runs hyper's own tasks on this core.
#[derive(Clone, Copy)]
struct Local;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, work: F) {
        spawn_local(work);
    }
}

impl Session {
    /// Opens a session on a stream. Must be called on a runtime of local tasks.
    pub(super) async fn open(stream: Stream, scheme: Scheme) -> Result<Self, RequestError> {
        let written = Rc::default();
        let stream = Counted {
            stream,
            written: Rc::clone(&written),
        };
        let (sender, connection) = http2::Builder::new(Local)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(&error))?;
        let driver = spawn_local(async move {
            // What goes wrong here is reported to whoever waits for a response.
            let _ = connection.await;
        });
        Ok(Self {
            sender,
            driver,
            scheme: scheme.as_str(),
            written,
        })
    }

    /// Whether another request can be sent.
    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a request and reads its answer, noting it, times and bytes in `exchange`. Of bytes, those of the body: heads are
    /// compressed, and nobody tells how well.
    pub(super) async fn exchange(
        &mut self,
        request: &Request<'_>,
        begun: Instant,
        exchange: &mut Exchange,
    ) -> Result<Completed, ConnectionError> {
        let unsent = |failed| ConnectionError {
            failed,
            unanswered: true,
            sent: false,
            whole: false,
        };
        let message = self.translated(request.bytes).map_err(unsent)?;
        self.sender
            .ready()
            .await
            .map_err(|error| unsent(failed(&error)))?;
        let before = self.written.get();
        let sent = self.sender.send_request(message).await;
        let response = sent.map_err(|error| {
            let sent = self.written.get() > before && !is_unprocessed(&error);
            ConnectionError {
                failed: failed(&error),
                unanswered: !is_misread(&error),
                sent,
                whole: sent,
            }
        })?;
        exchange.times.first_byte = Some(begun.elapsed());
        let answer = read(response, &request.expected, exchange).await;
        let now = Instant::now();
        exchange.times.answered(now - begun, now);
        let answer = answer.map_err(|failed| ConnectionError {
            failed,
            unanswered: false,
            sent: true,
            whole: true,
        })?;
        exchange.outcome = Ok(answer);
        Ok(Completed {
            reusable: self.is_open(),
        })
    }

    /// The request that was rendered as HTTP/1.1.
    fn translated(&self, bytes: &[u8]) -> Result<Message<Full<Bytes>>, RequestError> {
        let bad = |what: &str| {
            RequestError::new(FailureKind::Protocol, &format_args!("cannot send {what}"))
        };
        let mut headers = vec![httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let length = match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) | Err(_) => return Err(bad("such a request")),
        };
        let (method, path) = (
            parsed.method.unwrap_or_default(),
            parsed.path.unwrap_or_default(),
        );
        let host = parsed
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case("host"))
            .map_or(&b""[..], |header| header.value);
        let uri = Uri::builder()
            .scheme(self.scheme)
            .authority(host)
            .path_and_query(path)
            .build()
            .map_err(|_| bad("to such an authority"))?;
        let mut message = Message::builder().method(method).uri(uri);
        for header in parsed.headers.iter() {
            let is_ours = |own: &str| header.name.eq_ignore_ascii_case(own);
            if OF_THE_CONNECTION.iter().any(|own| is_ours(own)) {
                continue;
            }
            let name = HeaderName::from_bytes(header.name.as_bytes());
            let value = HeaderValue::from_bytes(header.value);
            message = message.header(
                name.map_err(|_| bad("such a header"))?,
                value.map_err(|_| bad("such a header"))?,
            );
        }
        let body = Full::new(Bytes::copy_from_slice(&bytes[length..]));
        message.body(body).map_err(|_| bad("such a request"))
    }
}

async fn read(
    response: HyperResponse<Incoming>,
    expected: &Expected<'_>,
    exchange: &mut Exchange,
) -> Result<Response, RequestError> {
    let mut values = Vec::new();
    for (name, value) in response.headers() {
        for (place, wanted) in expected.headers.iter().enumerate() {
            if wanted == name.as_str() {
                values.push((place, value.as_bytes().trim_ascii().to_vec()));
            }
        }
        if expected.every_header {
            let line = [name.as_str().as_bytes(), b": ", value.as_bytes()].concat();
            values.push((SHOWN, line));
        }
    }
    let status = response.status().as_u16();
    exchange.head = Some(status);
    if expected.location && redirects(status) {
        let locations = response.headers().get_all(hyper::header::LOCATION);
        let mut locations = locations.iter().map(HeaderValue::as_bytes);
        let location = locations.find(|location| !location.is_empty());
        values.extend(location.map(|location| (LOCATION, location.to_vec())));
    }
    let mut kept = expected.keep.room();
    let mut length = 0;
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match failed(&error) {
            // The head was fine: whatever the session is blamed for, it is the body that broke.
            failed @ RequestError {
                failure: FailureKind::Protocol,
                ..
            } => RequestError {
                failure: FailureKind::Body,
                ..failed
            },
            other => other,
        })?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        length += data.len() as u64;
        exchange.bytes_in += data.len() as u64;
        if let Some(kept) = &mut kept {
            let part = expected.keep.part(kept.len(), data);
            kept.extend_from_slice(
                part.ok_or_else(|| RequestError::from(ReadError::BodyTooLarge))?,
            );
        }
    }
    Ok(Response {
        status,
        body: kept,
        length,
        values,
    })
}

/// Whether the server says that it did not process a request (RFC 9113, section 8.7): by refusing its stream, or by ending
/// the session at an earlier one.
fn is_unprocessed(error: &hyper::Error) -> bool {
    error.is_canceled()
        || of_h2(error).is_some_and(|h2| {
            h2.is_remote() && (h2.is_go_away() || h2.reason() == Some(h2::Reason::REFUSED_STREAM))
        })
}

/// Whether the server sent something that breaks the protocol, so that it did respond.
fn is_misread(error: &hyper::Error) -> bool {
    of_h2(error).is_some_and(h2::Error::is_library)
}

fn of_h2(error: &hyper::Error) -> Option<&h2::Error> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(h2) = inner.downcast_ref() {
            return Some(h2);
        }
        cause = inner.source();
    }
    None
}

/// What an error of hyper is to the user of a service.
fn failed(error: &hyper::Error) -> RequestError {
    let mut cause = error.source();
    let mut detail = error.to_string();
    while let Some(inner) = cause {
        if let Some(system) = inner.downcast_ref::<io::Error>() {
            return RequestError::on_connection(system);
        }
        if let Some(h2) = inner.downcast_ref::<h2::Error>() {
            return of_session(h2);
        }
        detail = format!("{detail}: {inner}");
        cause = inner.source();
    }
    let failure = if error.is_parse() || error.is_user() {
        FailureKind::Protocol
    } else {
        FailureKind::Reset
    };
    RequestError::new(failure, &detail)
}

fn of_session(error: &h2::Error) -> RequestError {
    if let Some(system) = error.get_io() {
        return RequestError::on_connection(system);
    }
    // What the server broke is noticed here; what it gave up it says itself.
    let failure = if error.is_library() {
        FailureKind::Protocol
    } else {
        FailureKind::Reset
    };
    // Whatever it is, the server speaks.
    RequestError::because(failure, UnreachableCause::BrokenResponse, error)
}
