//! An open connection, whichever version of HTTP is spoken on it.

use std::time::Instant;

use super::exchange::{Answered, Broken, Exchange};
use super::h1::{Scratch, Turn};
use super::h2::Session;
use super::request::Request;
use super::stream::Stream;

/// An open connection.
pub(super) enum Connection {
    Http1(Stream),
    Http2(Box<Session>),
}

impl Connection {
    /// Sends a request and reads its answer into `exchange`. It has begun just now, and its time is up at `until`.
    pub(super) async fn exchange<const SITE: u8>(
        &mut self,
        scratch: &Scratch,
        request: &Request<'_>,
        (begun, until): (Instant, Instant),
        exchange: &mut Exchange,
    ) -> Result<Answered, Broken> {
        match self {
            Self::Http1(stream) => {
                Turn::new(stream, scratch, request, begun, until)
                    .run::<SITE>(exchange)
                    .await
            }
            // Boxed, so that a user of HTTP/1.1 does not hold its room.
            Self::Http2(session) => Box::pin(session.exchange(request, begun, exchange)).await,
        }
    }

    /// Whether an idle connection is still open.
    pub(super) async fn is_quiet(&mut self, scratch: &Scratch) -> bool {
        match self {
            Self::Http1(stream) => stream.is_quiet(scratch).await,
            Self::Http2(session) => session.is_open(),
        }
    }
}
