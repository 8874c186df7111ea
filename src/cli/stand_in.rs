//! `lambda`: the stand-in served by itself, with its knobs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Error;
use super::stored::one_of;
use crate::exit::Exit;
use crate::fake_gateway::{self, FakeGateway, Front, Preparation, ReportFormat};
use crate::gate::{self, Console, Verbosity};
use crate::units::{Share, parse_duration};

#[derive(Debug, Args)]
pub(super) struct Lambda {
    /// Loopback address to listen on; port 0 selects a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    address: SocketAddr,
    /// Seed of all randomness
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Median latency of a warm function
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = parse_duration)]
    latency: Duration,
    /// Spread of the latency: standard deviation of its logarithm
    #[arg(long, value_name = "SD", default_value_t = 0.25)]
    spread: f64,
    /// Factor on every latency, such as 1.6 for a build that is 60 % slower
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    slow: f64,
    /// Share of the slowest requests that --tail-slow slows further
    #[arg(long, value_name = "SHARE", requires = "tail_slow")]
    tail: Option<Share>,
    /// Factor on the latency of the slowest requests, to slow only the tail
    #[arg(long, value_name = "FACTOR", requires = "tail")]
    tail_slow: Option<f64>,
    /// Share of requests with the response 500 or 502
    #[arg(long, value_name = "SHARE", default_value = "0%")]
    errors: Share,
    /// Length of a freeze, during which nothing responds
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "freeze_every")]
    freeze: Option<Duration>,
    /// Time from the start of one freeze to the next
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "freeze")]
    freeze_every: Option<Duration>,
    /// Latency that a cold start adds to the first request of an environment
    #[arg(long, value_name = "TIME", default_value = "400ms", value_parser = parse_duration)]
    cold_start: Duration,
    /// Restore new environments from a snapshot instead of running their initialization
    #[arg(long)]
    snap_start: bool,
    /// Share of new environments that were prepared ahead, so that no request waits for them
    #[arg(long, value_name = "SHARE", default_value = "0%")]
    proactive_inits: Share,
    /// Idle time after which an execution environment expires
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = parse_duration)]
    idle_expiry: Duration,
    /// Invocations that may run at once; one more gets 429
    #[arg(long, value_name = "N", default_value_t = 1000)]
    concurrency: usize,
    /// Execution environments that each function starts with
    #[arg(long, value_name = "N", default_value_t = 0)]
    provisioned: usize,
    /// Bearer token to accept in addition to those issued at login
    #[arg(
        long = "token",
        value_name = "TOKEN",
        env = "LOADTEST_TOKEN",
        hide_env_values = true
    )]
    tokens: Vec<String>,
    /// File for one JSON line per request
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Service before the functions, whose response headers are sent
    #[arg(long, value_name = "FRONT", value_parser = one_of([
        ("url", Front::FunctionUrl),
        ("rest", Front::RestApi),
        ("http", Front::HttpApi),
        ("alb", Front::LoadBalancer),
    ]))]
    front: Option<Front>,
    /// File for log events as JSON lines: REPORT lines, and access log lines of an API
    #[arg(long, value_name = "FILE")]
    report_log: Option<PathBuf>,
    /// Format of the REPORT lines
    #[arg(
        long,
        value_name = "FORMAT",
        value_parser = one_of([("text", ReportFormat::Text), ("json", ReportFormat::Json)]),
        default_value = "text",
        requires = "report_log"
    )]
    report_format: ReportFormat,
}

impl Lambda {
    pub(super) fn run(self: Box<Self>) -> Result<Exit, Error> {
        let stand_in = FakeGateway::start(&self.config())?;
        // Whoever reads the address may stop the process at once.
        let wait = gate::signal_waiter()?;
        Console::of_process(Verbosity::Full).print(&stand_in.url());
        wait();
        stand_in.stop()?;
        Ok(Exit::Passed)
    }
}

impl Lambda {
    fn config(&self) -> fake_gateway::Config {
        let freeze = self.freeze.zip(self.freeze_every);
        let tail = self.tail.zip(self.tail_slow);
        fake_gateway::Config {
            address: self.address,
            seed: self.seed,
            base_latency: self.latency,
            spread: self.spread,
            slow: self.slow,
            tail: tail.map(|(share, factor)| fake_gateway::Tail {
                share: share.fraction(),
                factor,
            }),
            error_share: self.errors.fraction(),
            freeze: freeze.map(|(length, every)| fake_gateway::Stall { every, length }),
            cold_start: self.cold_start,
            idle_expiry: self.idle_expiry,
            concurrency: self.concurrency,
            provisioned: self.provisioned,
            tokens: self.tokens.clone(),
            log: self.log.clone(),
            front: self.front,
            preparation: if self.snap_start {
                Preparation::Restore
            } else {
                Preparation::Init
            },
            proactive_inits: self.proactive_inits.fraction(),
            report_log: self.report_log.clone(),
            report_format: self.report_format,
        }
    }
}
