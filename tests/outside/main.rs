//! Claims that need a judge who is not ours. `tests/outside/run` installs them and runs these.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test's helpers, too, a broken environment should fail loudly"
)]
#![expect(
    dead_code,
    reason = "the support is shared with the other tests, which use all of it"
)]

mod functions;
mod lambda;
mod nginx;
mod pages;
#[path = "../platform.rs"]
mod platform;
mod platforms;
#[path = "../replay.rs"]
mod replay;
#[path = "../runner.rs"]
mod runner;
mod schemas;
#[path = "../support.rs"]
mod support;
mod xml;
