//! HTTP/1.1, as cheap as a request can be sent: one connection per user, one write and one read per exchange.
//!
//! The bytes of an answer are read by a pure state machine ([`Reader`]); sockets, clocks and TLS are beside it. Nothing
//! here spawns a task, takes a lock or sends on a channel. It must not know scenarios, statistics or verdicts, follows no
//! redirect, and retries nothing but a kept connection that turned out to be closed.

mod chunked;
mod head;
mod reader;
mod request;

pub use reader::{Answer, BODY_LIMIT, Ending, Expected, HEAD_LIMIT, ReadError, Reader, Step};
pub use request::{HeaderName, RenderError, Request, render, render_into};
