//! What became of one request: a response or a failure of a known kind, and how long each part took.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use super::h1::ReadError;
use super::response::Response;
use super::tls;
use crate::measurement::{FailureKind, UnreachableCause};
use crate::units::{Latency, format_duration};

/// One request and what came of it.
#[derive(Debug)]
pub struct Exchange {
    /// The response, or why there is none.
    pub outcome: Result<Response, FailureKind>,
    /// What the system or the reader said of a failure, for people.
    pub detail: Option<String>,
    /// What stands behind a failure, as far as it is known.
    pub cause: UnreachableCause,
    /// The status of a response whose head came before its body was whole.
    pub head: Option<u16>,
    /// How long it took.
    pub times: Times,
    /// A connection was opened, or tried, for this request.
    pub new_connection: bool,
    /// The kept connection turned out to be closed, and the request went to a new one.
    pub reopened: bool,
    /// The kept connection ended without a response after the request had gone out on it, and the request was sent again.
    pub resent: bool,
    /// Where a response redirects to that is not followed, and that its step does not ask for; empty if it does not say.
    pub unfollowed: Option<String>,
    /// Bytes that came in for it, heads included.
    pub bytes_in: u64,
}

impl Exchange {
    /// One that begins now, with nothing done yet.
    pub fn started(now: Instant) -> Self {
        Self {
            outcome: Err(FailureKind::Timeout),
            detail: None,
            cause: UnreachableCause::Unknown,
            head: None,
            times: Times::from(now),
            new_connection: false,
            reopened: false,
            resent: false,
            unfollowed: None,
            bytes_in: 0,
        }
    }

    /// Notes a failure, with the status if a head came before it.
    pub(super) fn fail(&mut self, failed: RequestError) {
        let failed = failed.after_head(self.head);
        self.times.done = Instant::now();
        self.outcome = Err(failed.failure);
        self.detail = Some(failed.detail);
        self.cause = failed.cause;
    }

    /// That the request was not done within its time, and how far it came.
    pub(super) fn timed_out(&self, after: Duration) -> RequestError {
        let mut failed = RequestError::timeout(after);
        if let Some(first_byte) = self.times.first_byte {
            let (began, part) = match self.head {
                None => ("began to respond".to_owned(), "the head of its response"),
                Some(status) => (format!("responded {status}"), "its body"),
            };
            let (took, after) = (Latency(first_byte.as_secs_f64()), format_duration(after));
            failed.cause = UnreachableCause::UnendingBody;
            failed.detail = format!("{began} after {took}, and {part} did not end within {after}");
        } else if self.times.connect.is_some() || !self.new_connection {
            failed.cause = UnreachableCause::NoResponse;
        }
        failed
    }
}

/// When a request was sent and ended, and its parts, as far as it came. Nothing is in two parts; what is in none was spent
/// on a kept connection that turned out to be closed.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Handed to the client: just before the first byte is written, or a connection is opened for it.
    pub started: Instant,
    /// Resolving the host; `None` for a literal address or a kept connection.
    pub dns: Option<Duration>,
    /// Opening the TCP connection.
    pub connect: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// From the first byte written to the first byte of the response (an interim one too).
    pub first_byte: Option<Duration>,
    /// From the first byte of the response to its last; zero where it came in one piece.
    pub body: Option<Duration>,
    /// The last byte of the response was here, or the failure was known.
    pub done: Instant,
}

impl From<Instant> for Times {
    /// Nothing but a start.
    fn from(now: Instant) -> Self {
        Self {
            started: now,
            dns: None,
            connect: None,
            tls: None,
            first_byte: None,
            body: None,
            done: now,
        }
    }
}

impl Times {
    /// All of the time from sending to the end.
    pub fn service(&self) -> Duration {
        self.done.saturating_duration_since(self.started)
    }

    /// Notes that the response is whole, so long after the first byte was written.
    pub(super) fn answered(&mut self, elapsed: Duration, now: Instant) {
        self.body = self
            .first_byte
            .map(|first_byte| elapsed.saturating_sub(first_byte));
        self.done = now;
    }
}

/// What became of a connection that brought a response back; the response is noted in the exchange.
pub(super) struct Completed {
    /// The connection can take another request.
    pub(super) reusable: bool,
}

/// Why a connection brought nothing back.
pub(super) struct ConnectionError {
    pub(super) failed: RequestError,
    /// It ended before any byte of the response came.
    pub(super) unanswered: bool,
    /// Bytes of the request may have reached the server.
    pub(super) sent: bool,
    /// All of its bytes were handed to the system.
    pub(super) whole: bool,
}

/// A failure with its cause in words.
#[derive(Debug)]
pub(super) struct RequestError {
    pub(super) failure: FailureKind,
    pub(super) cause: UnreachableCause,
    pub(super) detail: String,
}

impl RequestError {
    pub(super) fn new(failure: FailureKind, detail: &impl fmt::Display) -> Self {
        Self::because(failure, UnreachableCause::Unknown, detail)
    }

    pub(super) fn because(
        failure: FailureKind,
        cause: UnreachableCause,
        detail: &impl fmt::Display,
    ) -> Self {
        Self {
            failure,
            cause,
            detail: detail.to_string(),
        }
    }

    /// The same after the head of a response, of which it is the body that cannot be read.
    fn after_head(mut self, head: Option<u16>) -> Self {
        let Some(status) = head.filter(|_| self.is_of_body()) else {
            return self;
        };
        if self.cause != UnreachableCause::BodyTooLong {
            self.cause = UnreachableCause::BrokenResponse;
        }
        self.detail = format!("responded {status}, and then: {}", self.detail);
        self
    }

    fn is_of_body(&self) -> bool {
        matches!(self.failure, FailureKind::Body | FailureKind::Reset)
            && matches!(
                self.cause,
                UnreachableCause::Unknown
                    | UnreachableCause::BrokenResponse
                    | UnreachableCause::BodyTooLong
            )
    }

    pub(super) fn timeout(after: Duration) -> Self {
        Self::new(
            FailureKind::Timeout,
            &format_args!("no complete response within {after:?}"),
        )
    }

    /// A failure of the system on an open connection.
    pub(super) fn on_connection(error: &io::Error) -> Self {
        if let Some(error) = tls::error_within(error) {
            return Self::of_tls(error);
        }
        let kind = error.kind();
        let failure = if kind == io::ErrorKind::InvalidData {
            // How rustls reports a peer that breaks the protocol, or its alert.
            FailureKind::Tls
        } else if kind == io::ErrorKind::TimedOut {
            FailureKind::Timeout
        } else {
            FailureKind::Reset
        };
        Self::new(failure, error)
    }

    /// A failure of TLS.
    pub(super) fn of_tls(error: &rustls::Error) -> Self {
        let (cause, detail) = tls::explained(error);
        Self::because(FailureKind::Tls, cause, &detail)
    }
}

impl From<ReadError> for RequestError {
    fn from(error: ReadError) -> Self {
        let (failure, cause) = match error {
            ReadError::BadHead => (FailureKind::Protocol, UnreachableCause::NotHttp),
            ReadError::HeadTooLarge | ReadError::TooManyHeaders => {
                (FailureKind::Protocol, UnreachableCause::BrokenResponse)
            }
            ReadError::BadLength | ReadError::BadChunk | ReadError::ClosedMidBody => {
                (FailureKind::Body, UnreachableCause::BrokenResponse)
            }
            ReadError::BodyTooLarge => (FailureKind::Body, UnreachableCause::BodyTooLong),
            ReadError::ClosedBeforeHead => (FailureKind::Reset, UnreachableCause::Unknown),
            ReadError::ClosedMidHead => (FailureKind::Reset, UnreachableCause::BrokenResponse),
        };
        Self::because(failure, cause, &error)
    }
}
