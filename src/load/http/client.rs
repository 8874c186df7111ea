//! The client of one virtual user: it keeps one connection, and sends one request at a time.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::connector::Connector;
use super::deadline::{self, Deadline};
use super::exchange::{Exchange, RequestError};
use super::h1::ReadBuffer;
use super::request::Request;
use crate::measurement::FailureKind;

/// Where a request goes out on a connection that was opened for it. The caller's sites count from zero.
const OPENED: u8 = u8::MAX;

/// Sends the requests of one user to one origin.
pub struct Client {
    connector: Arc<Connector>,
    /// The connection between two requests; during one it is taken out, so that nothing half-read is ever kept.
    kept: Option<Connection>,
    deadline: Deadline,
}

impl Client {
    /// A client that has no connection yet.
    pub fn new(connector: Arc<Connector>) -> Self {
        Self {
            connector,
            kept: None,
            deadline: Deadline::default(),
        }
    }

    /// Sends `request` and reads its answer into `exchange`, which has just begun, within `timeout` for all of it, connecting
    /// included.
    ///
    /// `SITE` is a number that no other caller has: it keeps the futures below in one piece with the caller's.
    ///
    /// After a failure, or when this future is dropped early, the connection is closed: a late response finds nobody.
    pub async fn send<const SITE: u8>(
        &mut self,
        read_buffer: &ReadBuffer,
        request: &Request<'_>,
        timeout: Duration,
        exchange: &mut Exchange,
    ) {
        let until = deadline::instant(exchange.times.started, timeout);
        let outcome = {
            let kept = &mut self.kept;
            let work = pin!(attempt::<SITE>(
                &self.connector,
                kept,
                read_buffer,
                request,
                until,
                exchange
            ));
            self.deadline.bound(until, work).await
        };
        let failed = match outcome {
            Some(Ok(())) => return,
            Some(Err(failed)) => failed,
            None => exchange.timed_out(timeout),
        };
        exchange.fail(self.connector.attribute(failed, exchange));
    }

    /// Replaces the kept connection where the server has closed it in the meantime; says whether it had to. Done between
    /// measurements, it keeps reconnecting out of them.
    pub async fn refresh(
        &mut self,
        read_buffer: &ReadBuffer,
        timeout: Duration,
    ) -> Result<bool, FailureKind> {
        let Some(mut connection) = self.kept.take() else {
            return Ok(false);
        };
        if connection.is_quiet(read_buffer).await {
            self.kept = Some(connection);
            return Ok(false);
        }
        let mut exchange = Exchange::started(Instant::now());
        let until = deadline::instant(exchange.times.started, timeout);
        let mut work = Box::pin(self.connector.open(&mut exchange.times));
        let opened = self.deadline.bound(until, work.as_mut()).await;
        let connection = opened.unwrap_or(Err(RequestError::timeout(timeout)));
        self.kept = Some(connection.map_err(|failed| failed.failure)?);
        Ok(true)
    }
}

/// Tries the kept connection, and a new one if that has been closed, once. RFC 9110 (section 9.2.2) allows that for what
/// never went out, and for idempotent requests that did: those are noted, since a user would have met a failure.
async fn attempt<const SITE: u8>(
    connector: &Connector,
    kept: &mut Option<Connection>,
    read_buffer: &ReadBuffer,
    request: &Request<'_>,
    until: Instant,
    exchange: &mut Exchange,
) -> Result<(), RequestError> {
    let mut may_be_twice = false;
    if let Some(mut connection) = kept.take() {
        if connection.is_quiet(read_buffer).await {
            let times = (exchange.times.started, until);
            let sent = connection.exchange::<SITE>(read_buffer, request, times, exchange);
            match sent.await {
                Ok(answered) => {
                    *kept = answered.reusable.then_some(connection);
                    return Ok(());
                }
                Err(broken) if broken.unanswered && (request.idempotent || !broken.sent) => {
                    may_be_twice =
                        broken.sent && connection.may_have_delivered(request, broken.whole);
                }
                Err(broken) => return Err(broken.failed),
            }
        }
        exchange.reopened = true;
    }
    exchange.new_connection = true;
    // Boxed, so that a user who waits for a response does not hold the room of a handshake.
    let mut connection = Box::pin(connector.open(&mut exchange.times)).await?;
    exchange.resent = may_be_twice;
    let times = (Instant::now(), until);
    let sent = connection.exchange::<OPENED>(read_buffer, request, times, exchange);
    let answered = sent.await.map_err(|broken| broken.failed)?;
    *kept = answered.reusable.then_some(connection);
    Ok(())
}
