//! HTTP/1.1: an answer is read by a pure state machine over bytes ([`Reader`]), a request and its answer are one turn on an
//! open stream.

mod chunked;
mod head;
mod reader;
#[cfg(test)]
mod tests;
mod turn;

pub use head::LastHead;
pub use reader::{Ending, HEAD_LIMIT, ReadError, Reader, Step};
pub use turn::ReadBuffer;

pub(super) use turn::Turn;
