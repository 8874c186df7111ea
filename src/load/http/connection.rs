//! An open connection, whichever version of HTTP is spoken on it.

use std::time::Instant;

use super::exchange::{Completed, ConnectionError, Exchange};
use super::h1::{H1Exchange, ReadBuffer};
use super::h2::Session;
use super::request::Request;
use super::stream::Stream;

/// A request of at most so many bytes arrives as one TCP segment, with TLS around it too, so that a server has either all of
/// it or nothing. Of a longer one that has a body it may have read the head. The smallest usual segment is that of IPv6's least packet, 1,220 bytes.
const ONE_SEGMENT: usize = 1_100;

/// An open connection.
pub(super) enum Connection {
    Http1(Stream),
    Http2(Box<Session>),
}

impl Connection {
    /// Sends a request and reads its response into `exchange`. It has begun just now, and its time is up at `until`.
    pub(super) async fn exchange<const SITE: u8>(
        &mut self,
        read_buffer: &ReadBuffer,
        request: &Request<'_>,
        (begun, until): (Instant, Instant),
        exchange: &mut Exchange,
    ) -> Result<Completed, ConnectionError> {
        match self {
            Self::Http1(stream) => {
                H1Exchange::new(stream, read_buffer, request, begun, until)
                    .run::<SITE>(exchange)
                    .await
            }
            // Boxed, so that a user of HTTP/1.1 does not hold its room.
            Self::Http2(session) => Box::pin(session.exchange(request, begun, exchange)).await,
        }
    }

    /// Whether a request that got no response here may have been read. A reset does not show that it was not: a server may
    /// read it, close its side in order, and reset the connection then. HTTP/2 says itself what was not processed.
    pub(super) fn may_have_delivered(&self, request: &Request<'_>, whole: bool) -> bool {
        match self {
            Self::Http1(_) => whole || !is_read_as_one(request.bytes),
            Self::Http2(_) => true,
        }
    }

    /// Whether an idle connection is still open.
    pub(super) async fn is_quiet(&mut self, read_buffer: &ReadBuffer) -> bool {
        match self {
            Self::Http1(stream) => stream.is_quiet(read_buffer).await,
            Self::Http2(session) => session.is_open(),
        }
    }
}

/// Whether a server can do nothing with a part of a request.
fn is_read_as_one(request: &[u8]) -> bool {
    request.len() <= ONE_SEGMENT || request.ends_with(b"\r\n\r\n")
}
