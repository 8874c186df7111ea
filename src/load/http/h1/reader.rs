//! Reads one answer from bytes that come in any pieces: a pure state machine, with no socket, no clock and no memory that
//! a server could make it take.

use std::mem;

use super::chunked::{Chunked, fitting};
use super::head::{self, Framing, Head, LastHead};
use crate::load::http::response::{Expected, Keep, Response};

/// A longer head is refused: memory is the client's, and no honest server sends more.
pub const HEAD_LIMIT: usize = 64 * 1024;

/// A promised length alone earns no more memory than this ahead of the bytes.
const KEPT_AHEAD: u64 = 64 * 1024;

/// How far a response has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The response needs more bytes.
    More,
    /// The response is whole; so many of the last bytes fed do not belong to it.
    Done {
        /// Bytes after the response's end: nobody asked for them.
        surplus: usize,
    },
}

/// How the server ended its side of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// In order: what came is all there is.
    Clean,
    /// TLS without its closing notice: something may have been cut off.
    Cut,
}

/// Why a response cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not the head of an HTTP/1 response.
    #[error("the response does not start with an HTTP/1 head")]
    BadHead,
    /// The head is longer than [`HEAD_LIMIT`].
    #[error("the response head is longer than {HEAD_LIMIT} bytes")]
    HeadTooLarge,
    /// The head has more header fields than any honest one.
    #[error("the response has more than 256 header fields")]
    TooManyHeaders,
    /// The headers contradict each other, or themselves, about where the body ends.
    #[error("the response headers do not say where the body ends")]
    BadLength,
    /// Not the chunked transfer coding.
    #[error("the response body has invalid chunks")]
    BadChunk,
    /// The body is longer than the caller wanted to keep.
    #[error("the response body is longer than the limit for bodies that are read")]
    BodyTooLarge,
    /// The connection ended before the first byte.
    #[error("the connection was closed before a response")]
    ClosedBeforeHead,
    /// The connection ended within the head.
    #[error("the connection was closed within the response head")]
    ClosedMidHead,
    /// The connection ended within the body.
    #[error("the connection was closed within the response body")]
    ClosedMidBody,
}

/// Reads one response.
#[derive(Debug)]
pub struct Reader<'a> {
    expected: Expected<'a>,
    place: Place,
    /// The start of a head that did not come in one piece.
    partial: Vec<u8>,
    /// The length of `partial` when it was last parsed in vain.
    parsed: usize,
    answer: Response,
    keep_alive: bool,
}

#[derive(Debug)]
enum Place {
    Head,
    Length(u64),
    Chunked(Chunked),
    UntilClose,
    Done,
}

impl<'a> Reader<'a> {
    /// A reader at the start of a response.
    pub fn new(expected: Expected<'a>) -> Self {
        Self {
            expected,
            place: Place::Head,
            partial: Vec::new(),
            parsed: 0,
            answer: Response {
                body: expected.keep.room(),
                ..Response::default()
            },
            keep_alive: false,
        }
    }

    /// Takes the next bytes from the connection. After an error the reader is of no more use. `last` is any reader's, or a
    /// new one: it changes nothing but the cost.
    pub fn feed(&mut self, input: &[u8], last: &mut LastHead) -> Result<Step, ReadError> {
        let mut rest = input;
        while !rest.is_empty() && !matches!(self.place, Place::Done) {
            rest = match &mut self.place {
                Place::Head => self.read_head(rest, last)?,
                Place::Length(left) => {
                    let (data, rest) = rest.split_at(fitting(*left, rest.len()));
                    *left -= data.len() as u64;
                    if *left == 0 {
                        self.place = Place::Done;
                    }
                    self.keep(data)?;
                    rest
                }
                Place::Chunked(chunked) => {
                    let piece = chunked.next(rest)?;
                    if chunked.is_done() {
                        self.place = Place::Done;
                    }
                    self.keep(piece.data)?;
                    piece.rest
                }
                Place::UntilClose => {
                    self.keep(rest)?;
                    &[]
                }
                Place::Done => break,
            };
        }
        Ok(match self.place {
            Place::Done => Step::Done {
                surplus: rest.len(),
            },
            Place::Head | Place::Length(_) | Place::Chunked(_) | Place::UntilClose => Step::More,
        })
    }

    /// Tells that the connection ended; the response is whole if that is how it was to end.
    pub fn close(&mut self, ending: Ending) -> Result<(), ReadError> {
        match (&self.place, ending) {
            (Place::Done, _) => Ok(()),
            (Place::UntilClose, Ending::Clean) => {
                self.place = Place::Done;
                Ok(())
            }
            (Place::UntilClose, Ending::Cut) | (Place::Length(_) | Place::Chunked(_), _) => {
                Err(ReadError::ClosedMidBody)
            }
            (Place::Head, _) if self.partial.is_empty() => Err(ReadError::ClosedBeforeHead),
            (Place::Head, _) => {
                head::parse(&self.partial, &self.expected)?;
                Err(ReadError::ClosedMidHead)
            }
        }
    }

    /// Whether the server lets the connection serve another request after this response.
    pub fn keeps_alive(&self) -> bool {
        self.keep_alive && matches!(self.place, Place::Done)
    }

    /// The status, once the head is whole.
    pub fn status(&self) -> Option<u16> {
        Some(self.answer.status).filter(|status| *status > 0)
    }

    /// The response, once it is whole; the reader is of no more use then.
    pub fn take_answer(&mut self) -> Response {
        mem::take(&mut self.answer)
    }

    /// Reads the head, from `input` alone where it is whole there, and returns what follows it.
    fn read_head<'i>(
        &mut self,
        input: &'i [u8],
        last: &mut LastHead,
    ) -> Result<&'i [u8], ReadError> {
        let before = self.partial.len();
        let (window, _) = input.split_at(input.len().min(HEAD_LIMIT - before));
        let parsed = if before == 0 {
            last.parse(window, &self.expected)?
        } else {
            self.partial.extend_from_slice(window);
            if self.is_worth_parsing(before) {
                head::parse(&self.partial, &self.expected)?
            } else {
                None
            }
        };
        if let Some(head) = parsed {
            let taken = head.length.saturating_sub(before);
            self.enter_body(head)?;
            return Ok(&input[taken..]);
        }
        if before == 0 {
            self.partial.extend_from_slice(window);
            self.parsed = window.len();
        }
        if self.partial.len() == HEAD_LIMIT {
            Err(ReadError::HeadTooLarge)
        } else {
            Ok(&[])
        }
    }

    /// A head that drips in is parsed when it may have ended, or has doubled, so that its cost stays linear.
    fn is_worth_parsing(&mut self, before: usize) -> bool {
        let length = self.partial.len();
        let news = &self.partial[before.saturating_sub(2)..];
        let ended = news.windows(2).any(|pair| pair == b"\n\n")
            || news.windows(3).any(|three| three == b"\n\r\n");
        let worth = ended || length >= 2 * self.parsed || length == HEAD_LIMIT;
        if worth {
            self.parsed = length;
        }
        worth
    }

    fn enter_body(&mut self, head: Head) -> Result<(), ReadError> {
        self.partial = Vec::new();
        self.parsed = 0;
        // 101 ends HTTP on this connection; the other 1xx only announce the response.
        if head.status < 200 && head.status != 101 {
            return Ok(());
        }
        self.keep_alive = head.keep_alive && head.status != 101;
        self.answer.status = head.status;
        self.answer.values = head.values;
        self.place = match head.framing {
            Framing::Nothing => Place::Done,
            Framing::Length(length) => {
                self.reserve(length)?;
                Place::Length(length)
            }
            Framing::Chunked => Place::Chunked(Chunked::new()),
            Framing::UntilClose => Place::UntilClose,
        };
        Ok(())
    }

    fn reserve(&mut self, length: u64) -> Result<(), ReadError> {
        let kept = match self.expected.keep {
            Keep::Nothing => return Ok(()),
            Keep::All(most) if length > most as u64 => return Err(ReadError::BodyTooLarge),
            Keep::All(_) => length,
            Keep::Start(most) => length.min(most as u64),
        };
        if let Some(body) = &mut self.answer.body {
            body.reserve_exact(usize::try_from(kept.min(KEPT_AHEAD)).unwrap_or(0));
        }
        Ok(())
    }

    fn keep(&mut self, data: &[u8]) -> Result<(), ReadError> {
        self.answer.length += data.len() as u64;
        let Some(body) = &mut self.answer.body else {
            return Ok(());
        };
        let part = self.expected.keep.part(body.len(), data);
        body.extend_from_slice(part.ok_or(ReadError::BodyTooLarge)?);
        Ok(())
    }
}
