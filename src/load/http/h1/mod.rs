//! HTTP/1.1: an answer is read by a pure state machine over bytes ([`Reader`]), a request and its answer are one exchange on an
//! open stream.

mod chunked;
mod exchange;
mod head;
mod reader;
#[cfg(test)]
mod tests;

pub use exchange::ReadBuffer;
pub use head::LastHead;
pub use reader::{Ending, HEAD_LIMIT, ReadError, Reader, Step};

pub(super) use exchange::H1Exchange;
