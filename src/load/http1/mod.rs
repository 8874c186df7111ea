//! HTTP/1.1, as cheap as a request can be sent: one connection per user, one write and one read per exchange.
//!
//! The bytes of an answer are read by a pure state machine ([`Reader`]); sockets, clocks and TLS are beside it. Nothing
//! here spawns a task, takes a lock or sends on a channel. It must not know scenarios, statistics or verdicts, follows no
//! redirect, and retries nothing but a kept connection that turned out to be closed.

mod chunked;
mod client;
mod connection;
mod deadline;
mod exchange;
mod head;
mod origin;
mod reader;
mod request;
#[cfg(test)]
mod tests;
mod tls;
mod turn;

pub use client::Client;
pub use connection::Connector;
pub use exchange::{Exchange, Failure, Times};
pub use origin::{Origin, OriginError, Scheme};
pub use reader::{Answer, BODY_LIMIT, Ending, Expected, HEAD_LIMIT, ReadError, Reader, Step};
pub use request::{HeaderName, RenderError, Request, render, render_into};
pub use tls::{TlsError, Trust};
pub use turn::Scratch;
