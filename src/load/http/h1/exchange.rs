//! One request and its answer on one open connection: the hot path. On a kept connection it costs one write and one read.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use super::head::LastHead;
use super::reader::{Ending, ReadError, Reader, Step};
use crate::load::http::exchange::{Completed, ConnectionError, Exchange, RequestError};
use crate::load::http::request::Request;
use crate::load::http::stream::Stream;
use crate::measurement::UnreachableCause;

/// Most responses come in one read of this size, and long bodies in few.
const READ_BUFFER: usize = 64 * 1024;

/// Reads in a row before others have their turn: a server that sends without end must not keep the core's other users,
/// and the timers, waiting.
const READS_IN_A_ROW: u32 = 16;

/// What all users of a core read with: it is borrowed for the length of a read, so a waiting user holds none.
pub struct ReadBuffer(RefCell<BufferState>);

struct BufferState {
    buffer: Box<[u8]>,
    last: LastHead,
}

impl Default for ReadBuffer {
    fn default() -> Self {
        Self(RefCell::new(BufferState {
            buffer: vec![0; READ_BUFFER].into_boxed_slice(),
            last: LastHead::default(),
        }))
    }
}

/// A request on its way over one connection.
pub(in crate::load::http) struct H1Exchange<'a> {
    stream: &'a mut Stream,
    read_buffer: &'a ReadBuffer,
    request: &'a Request<'a>,
    reader: Reader<'a>,
    /// Just before the first byte was written.
    begun: Instant,
    /// When the time for it is up.
    until: Instant,
    written: usize,
    flushed: bool,
    /// Why writing ended early. The server may have answered before it closed, so reading goes on.
    write_error: Option<io::Error>,
}

impl<'a> H1Exchange<'a> {
    pub(in crate::load::http) fn new(
        stream: &'a mut Stream,
        read_buffer: &'a ReadBuffer,
        request: &'a Request<'a>,
        begun: Instant,
        until: Instant,
    ) -> Self {
        Self {
            stream,
            read_buffer,
            request,
            reader: Reader::new(request.expected),
            begun,
            until,
            written: 0,
            flushed: false,
            write_error: None,
        }
    }

    /// Sends the request and reads its response, noting it, times and bytes in `exchange`.
    ///
    /// Not an `async fn` by value: that would hold the turn twice, for each waiting user.
    pub(in crate::load::http) fn run<const SITE: u8>(
        &mut self,
        exchange: &mut Exchange,
    ) -> impl Future<Output = Result<Completed, ConnectionError>> {
        poll_fn(|context| {
            self.poll::<SITE>(context, exchange)
                .map_ok(|surplus| Completed {
                    reusable: self.reader.keeps_alive() && surplus == 0 && self.flushed,
                })
        })
    }

    /// Writes what can be written and reads what has come. While a long body is still being written, an early response is
    /// read all the same: a server that refuses the body would otherwise be waited for in vain.
    fn poll<const SITE: u8>(
        &mut self,
        context: &mut Context<'_>,
        exchange: &mut Exchange,
    ) -> Poll<Result<usize, ConnectionError>> {
        self.write(context);
        let BufferState { buffer, last } = &mut *self.read_buffer.0.borrow_mut();
        for _ in 0..READS_IN_A_ROW {
            let read = ready!(self.stream.poll_read(context, buffer));
            let now = Instant::now();
            let elapsed = now - self.begun;
            let step = match read {
                Ok(0) => self
                    .reader
                    .close(Ending::Clean)
                    .map(|()| Step::Done { surplus: 0 }),
                Ok(count) => {
                    exchange.bytes_in += count as u64;
                    exchange.times.first_byte.get_or_insert(elapsed);
                    self.reader.feed(&buffer[..count], last)
                }
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self
                    .reader
                    .close(Ending::Cut)
                    .map(|()| Step::Done { surplus: 0 }),
                Err(error) => {
                    return Poll::Ready(Err(
                        self.broken(RequestError::on_connection(&error), exchange)
                    ));
                }
            };
            match step {
                Ok(Step::More) => {
                    exchange.head = self.reader.status();
                    // Timers are not looked at while bytes keep coming.
                    if now >= self.until {
                        let bound = self.until - exchange.times.started;
                        let failed = exchange.timed_out(bound);
                        return Poll::Ready(Err(self.broken(failed, exchange)));
                    }
                }
                Ok(Step::Done { surplus }) => {
                    exchange.times.answered(elapsed, now);
                    exchange.outcome = Ok(self.reader.take_answer());
                    return Poll::Ready(Ok(surplus));
                }
                Err(error) => {
                    let is_http = buffer.starts_with(b"HTTP/");
                    return Poll::Ready(Err(self.unreadable(error, is_http, exchange)));
                }
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    #[expect(
        clippy::inline_always,
        reason = "each return after a system call is mispredicted"
    )]
    #[inline(always)]
    fn write(&mut self, context: &mut Context<'_>) {
        while !self.flushed && self.write_error.is_none() {
            let rest = &self.request.bytes[self.written..];
            let progress = if rest.is_empty() {
                self.stream
                    .poll_flush(context)
                    .map_ok(|()| self.flushed = true)
            } else {
                self.stream
                    .poll_write(context, rest)
                    .map(|written| match written? {
                        0 => Err(io::ErrorKind::WriteZero.into()),
                        count => {
                            self.written += count;
                            Ok(())
                        }
                    })
            };
            match progress {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => self.write_error = Some(error),
                Poll::Pending => return,
            }
        }
    }

    /// A connection that ended without a response is better explained by why the request could not be written.
    fn unreadable(
        &self,
        error: ReadError,
        is_http: bool,
        exchange: &mut Exchange,
    ) -> ConnectionError {
        exchange.head = self.reader.status();
        let failed = match &self.write_error {
            Some(cause) if error == ReadError::ClosedBeforeHead => {
                RequestError::on_connection(cause)
            }
            _ if error == ReadError::BadHead && is_http => RequestError {
                cause: UnreachableCause::BrokenResponse,
                ..error.into()
            },
            _ => error.into(),
        };
        self.broken(failed, exchange)
    }

    fn broken(&self, failed: RequestError, exchange: &Exchange) -> ConnectionError {
        // TLS does not tell how much of a record went out.
        let unsure = self.write_error.is_some() && matches!(self.stream, Stream::Tls(_));
        ConnectionError {
            failed,
            unanswered: exchange.times.first_byte.is_none(),
            sent: self.written > 0 || unsure,
            whole: self.flushed,
        }
    }
}

impl Stream {
    /// Whether an idle connection is still open. What is said between requests, even data, makes it unusable. Without
    /// news from the system this costs no system call.
    pub(in crate::load::http) async fn is_quiet(&mut self, read_buffer: &ReadBuffer) -> bool {
        if let Self::Plain(tcp) = self {
            let read = tcp.try_read(&mut read_buffer.0.borrow_mut().buffer);
            return read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        }
        poll_fn(|context| {
            let read = self.poll_read(context, &mut read_buffer.0.borrow_mut().buffer);
            Poll::Ready(read.is_pending())
        })
        .await
    }
}
