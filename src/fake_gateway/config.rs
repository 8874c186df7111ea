//! The knobs of the stand-in, and which of their settings make sense.

use super::Error;
use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Lambda's longest run. No latency is set or drawn beyond it, which keeps the arithmetic of time within its bounds.
pub(super) const LONGEST: Duration = Duration::from_mins(15);

/// What a stand-in is like.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where to listen; loopback only. Port 0 takes a free one.
    pub address: SocketAddr,
    /// Where all randomness comes from.
    pub seed: u64,
    /// The median latency of a warm function.
    pub base_latency: Duration,
    /// The standard deviation of the latency's logarithm. The factor is lognormal and keeps the median: P95 is the median
    /// times `exp(1.645 * spread)`.
    pub spread: f64,
    /// The factor on every function's latency, but not on cold starts: 1.6 is a build that is 60 % slower.
    pub slow: f64,
    /// A further slow-down of the slowest requests alone.
    pub tail: Option<Tail>,
    /// The share of invocations that fail, half of them with 500 and half with 502.
    pub error_share: f64,
    /// A server that stands still now and then.
    pub freeze: Option<Stall>,
    /// What a new execution environment adds to the latency of its first request.
    pub cold_start: Duration,
    /// An execution environment that was idle for this long is gone.
    pub idle_expiry: Duration,
    /// How many invocations may run at once, over all functions; one more is answered 429.
    pub concurrency: usize,
    /// How many execution environments each function has from the start and for good.
    pub provisioned: usize,
    /// Bearer tokens that are accepted besides those issued at login.
    pub tokens: Vec<String>,
    /// Where to write one JSON line per request, if anywhere.
    pub log: Option<PathBuf>,
    /// What stands before the functions; `None` is a gateway that gives each response an id of its own.
    pub front: Option<Front>,
    /// What a new execution environment does before its first request.
    pub preparation: Preparation,
    /// The share of new execution environments that were prepared ahead, so that no request waits.
    pub proactive_inits: f64,
    /// Where to write the log events of functions and APIs, one JSON line each, if anywhere.
    pub report_log: Option<PathBuf>,
    /// How functions write their REPORT lines.
    pub report_format: ReportFormat,
}

/// An AWS service before the functions. Its response headers say which request this was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// A Lambda function URL.
    FunctionUrl,
    /// A REST API of API Gateway.
    RestApi,
    /// An HTTP API of API Gateway.
    HttpApi,
    /// An Application Load Balancer.
    LoadBalancer,
}

/// How a new execution environment gets ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// It runs the function's initialization.
    Init,
    /// It restores a snapshot, as `SnapStart` does.
    Restore,
}

/// A log format of Lambda.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// Fields divided by tabs.
    Text,
    /// A JSON object of the type `platform.report`.
    Json,
}

/// The slowest share of a function's requests, and how much slower they get: moves P95 and leaves P50 alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// The share of requests, counted from the slowest.
    pub share: f64,
    /// The factor on their latency.
    pub factor: f64,
}

/// A server that stands still once per period. Counted from its start, it freezes at `every`, at twice `every` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// From the start of one freeze to the start of the next.
    pub every: Duration,
    /// How long one lasts. Responses that come due within it leave at its end.
    pub length: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: 1,
            // Long enough that a busy machine's own noise, some 0.1 ms, stays far below the changes worth catching.
            base_latency: Duration::from_millis(20),
            spread: 0.25,
            slow: 1.0,
            tail: None,
            error_share: 0.0,
            freeze: None,
            cold_start: Duration::from_millis(400),
            // Lambda keeps an environment for minutes. Here an idle phase of half a minute has to be enough to lose one.
            idle_expiry: Duration::from_secs(20),
            // The default quota of an AWS account.
            concurrency: 1000,
            provisioned: 0,
            tokens: Vec::new(),
            log: None,
            front: None,
            preparation: Preparation::Init,
            proactive_inits: 0.0,
            report_log: None,
            report_format: ReportFormat::Text,
        }
    }
}

impl Config {
    /// Refuses settings that no server could follow, naming the first.
    pub fn check(&self) -> Result<(), Error> {
        let loopback = "use a loopback address, such as 127.0.0.1:0";
        let is_loopback = self.address.ip().is_loopback();
        require(is_loopback, "address", &self.address, loopback)?;
        run("base_latency", self.base_latency)?;
        run("cold_start", self.cold_start)?;
        let deviation = "use a standard deviation from 0 to 5";
        let is_deviation = (0.0..=5.0).contains(&self.spread);
        require(is_deviation, "spread", &self.spread, deviation)?;
        factor("slow", self.slow)?;
        if let Some(tail) = self.tail {
            share("tail.share", tail.share)?;
            factor("tail.factor", tail.factor)?;
        }
        share("error_share", self.error_share)?;
        share("proactive_inits", self.proactive_inits)?;
        if let Some(Stall { every, length }) = self.freeze {
            let shorter = "make it shorter than `freeze.every`, or nothing ever responds";
            require(length < every, "freeze.length", &seconds(length), shorter)?;
        }
        let (most, provisioned) = (self.concurrency, self.provisioned);
        let one = "allow at least 1 invocation";
        require(most > 0, "concurrency", &most, one)?;
        let fewer = "use at most `concurrency`";
        require(provisioned <= most, "provisioned", &provisioned, fewer)?;
        let are_filled = !self.tokens.iter().any(String::is_empty);
        let filled = "remove empty tokens";
        require(are_filled, "tokens", &"partly empty", filled)
    }
}

fn run(setting: &'static str, value: Duration) -> Result<(), Error> {
    let rule = "use at most 15 minutes, the longest run of a Lambda function";
    require(value <= LONGEST, setting, &seconds(value), rule)
}

fn share(setting: &'static str, value: f64) -> Result<(), Error> {
    let holds = (0.0..=1.0).contains(&value);
    require(holds, setting, &value, "use a share from 0 to 1")
}

fn factor(setting: &'static str, value: f64) -> Result<(), Error> {
    let holds = value > 0.0 && value <= 1000.0;
    let rule = "use a factor above 0 and up to 1000";
    require(holds, setting, &value, rule)
}

/// Requires that a setting follows its rule. Comparisons with NaN are false, so that no rule holds for it.
fn require(
    holds: bool,
    setting: &'static str,
    value: &dyn Display,
    rule: &'static str,
) -> Result<(), Error> {
    if holds {
        return Ok(());
    }
    Err(Error::Setting {
        setting,
        value: value.to_string(),
        rule,
    })
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_make_sense() {
        assert!(Config::default().check().is_ok());
    }

    #[test]
    fn nonsense_is_refused_by_the_name_of_the_setting() {
        for (expected, config) in [
            (
                "address",
                with(|config| config.address.set_ip([0, 0, 0, 0].into())),
            ),
            (
                "address",
                with(|config| config.address.set_ip([192, 0, 2, 1].into())),
            ),
            (
                "base_latency",
                with(|config| config.base_latency = Duration::MAX),
            ),
            ("cold_start", with(|config| config.cold_start = LONGEST * 2)),
            ("spread", with(|config| config.spread = -0.1)),
            ("spread", with(|config| config.spread = f64::NAN)),
            ("slow", with(|config| config.slow = 0.0)),
            ("slow", with(|config| config.slow = f64::INFINITY)),
            ("tail.share", with(|config| config.tail = tail(1.5, 2.0))),
            (
                "tail.factor",
                with(|config| config.tail = tail(0.5, f64::NAN)),
            ),
            ("error_share", with(|config| config.error_share = 1.01)),
            ("error_share", with(|config| config.error_share = -0.01)),
            (
                "proactive_inits",
                with(|config| config.proactive_inits = f64::NAN),
            ),
            (
                "freeze.length",
                with(|config| config.freeze = freeze(100, 100)),
            ),
            ("freeze.length", with(|config| config.freeze = freeze(0, 0))),
            ("concurrency", with(|config| config.concurrency = 0)),
            ("provisioned", with(|config| config.provisioned = 1001)),
            ("tokens", with(|config| config.tokens.push(String::new()))),
        ] {
            match config.check() {
                Err(Error::Setting { setting, .. }) => assert_eq!(setting, expected),
                other => panic!("{expected}: {other:?}"),
            }
        }
    }

    fn with(spoil: fn(&mut Config)) -> Config {
        let mut config = Config::default();
        spoil(&mut config);
        config
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the setting has it")]
    fn tail(share: f64, factor: f64) -> Option<Tail> {
        Some(Tail { share, factor })
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the setting has it")]
    fn freeze(every: u64, length: u64) -> Option<Stall> {
        Some(Stall {
            every: Duration::from_millis(every),
            length: Duration::from_millis(length),
        })
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let config = Config {
            error_share: 1.5,
            ..Config::default()
        };
        let message = config.check().unwrap_err().to_string();
        assert_eq!(
            message,
            "lambda: `error_share` is 1.5; use a share from 0 to 1"
        );
    }
}
