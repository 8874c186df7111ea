//! HTTP as cheap as a request can be sent: one connection per user, over TCP or TLS, straight or through a proxy.
//!
//! HTTP/1.1 is our own (`h1`: one write and one read per exchange), HTTP/2 is hyper's (`h2`). This module must not know
//! scenarios' flows, statistics or verdicts, follows no redirect, and retries nothing but a kept connection that turned out
//! to be closed. Nothing in the way of HTTP/1.1 spawns a task, takes a lock or sends on a channel.

mod client;
mod connection;
mod connector;
mod content_encoding;
mod deadline;
mod dial;
mod exchange;
pub mod h1;
mod h2;
mod no_proxy;
mod origin;
mod proxy;
mod request;
mod response;
mod socket;
mod stream;
#[cfg(test)]
mod tests;
mod tls;

pub use client::Client;
pub use connector::Connector;
pub use content_encoding::{CodingError, decode};
pub use exchange::{Exchange, Times};
pub use h1::ReadBuffer;
pub use origin::{Origin, OriginError, Scheme};
pub use proxy::{CREDENTIALS_REQUIRED, Proxy, ProxyError};
pub use request::{RenderError, Request, render_into, render_line_into, rest};
pub use response::{BODY_LIMIT, Expected, Keep, Response, redirects};
pub use tls::{TlsError, Trust};
