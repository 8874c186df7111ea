//! The stand-in: an HTTP server on loopback that behaves like an API Gateway with Lambda functions behind it.
//!
//! It answers the routes of the load-testing guide, keeps execution environments with their cold starts, expiry and
//! throttling, and takes the time it was told to take. Everything random comes from one seed and is drawn by a request's
//! index, never by the order of completion, so that two servers with the same settings serve the same latencies.
//!
//! An edge room: it must not know any other room, nor the command line. What happens when is decided by pure parts that
//! are given the time (`gateway` and what it asks: `environments`, `freeze`, `latency`, `handlers`); only `server`, `timer`
//! and `alarm` are async.

mod alarm;
mod clock;
mod config;
mod environments;
mod error;
mod functions;
mod gateway;
mod handlers;
mod latency;
mod received;
mod replies;
mod request_log;
mod rng;
mod running;
mod server;
mod stall;
#[cfg(test)]
mod tests;
mod timer;
mod tokens;

pub use config::{Config, Stall, Tail};
pub use error::Error;
pub use received::Received;
pub use running::FakeGateway;
