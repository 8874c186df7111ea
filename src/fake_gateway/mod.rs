//! A fake API Gateway with Lambda functions behind it: an HTTP server on loopback.
//!
//! It serves the routes of the load-testing guide, with cold starts, expiry of environments, throttling and seeded
//! latencies. Everything random comes from one seed and a request's index, never from the order of completion. So two
//! servers with the same settings serve the same latencies.
//!
//! It must not know the command line, nor any module but `timer`. Pure parts that are given the time decide what happens
//! when (`gateway`, `environments`, `stall`, `latency`, `handlers`, `log_events`). Only `server` and `running` are async.

mod clock;
mod config;
mod environments;
mod error;
mod front;
mod functions;
mod gateway;
mod handlers;
mod ids;
mod json_log;
mod latency;
mod log_events;
mod received;
mod replies;
mod rng;
mod running;
mod server;
mod stall;
#[cfg(test)]
mod tests;
mod tokens;

pub use config::{Config, Front, Preparation, ReportFormat, Stall, Tail};
pub use error::Error;
pub use received::Received;
pub use running::FakeGateway;
