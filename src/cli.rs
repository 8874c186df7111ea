//! The command line: arguments in, the name of a story and its options out.
//!
//! It must not know how anything works; `plan` reads what the arguments point at. What a flag sets, an environment
//! variable `LOADGATE_…` sets too.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::demo;
use crate::exit::{Exit, Strictness};
use crate::gate::{self, Acceptance, Change, Console, Loudness};
use crate::lambda::{self, StandIn};
use crate::plan::{self, Options, Plan, Recording};
use crate::units::{Share, parse_duration};

/// A performance gate for CI: a fixed HTTP load, held against written limits and a stored baseline.
///
/// A scenario drives load, which yields a measurement, kept as a record, held against thresholds and a baseline, giving
/// a verdict, told in a report.
#[derive(Debug, Parser)]
#[command(name = "loadgate", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    passed; or inconclusive without --strict
  1    a limit is broken or a metric regressed
  2    bad arguments or files: nothing was sent
  3    invalid, not judged: target unreachable, too few samples, generator too slow
  4    inconclusive under --strict
  130  interrupted (143: terminated); what was measured is on disk, not judged";

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the whole product on a built-in server: a baseline, a run that passes, one that fails
    Demo(Demo),
    /// Load, measure, judge and report: the main job
    Run(Run),
    /// Check a gate's files and print the plan, sending nothing
    Validate(Validate),
    /// Judge stored results again, without a network
    Judge(Judge),
    /// Add accepted results to a gate's baseline
    Record(Record),
    /// Serve the built-in stand-in for an API Gateway with Lambda functions behind it
    Lambda(Box<Lambda>),
}

#[derive(Debug, Args)]
struct Demo {
    /// Where the gate, the results and the reports go
    #[arg(long, value_name = "DIR", default_value = "loadgate-demo")]
    out: PathBuf,
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    gates: Gates,
    /// Deployment to load, over the scenario's
    #[arg(long, value_name = "URL", env = "LOADGATE_TARGET")]
    target: Option<String>,
    /// Add the run to the baseline where it passed or was inconclusive; refused on pull requests
    #[arg(long, env = "LOADGATE_RECORD", value_parser = FalseyValueParser::new())]
    record: bool,
    #[command(flatten)]
    labels: Labels,
    /// How long to wait until the target answers
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration, env = "LOADGATE_WAIT")]
    wait: Duration,
    /// Seed of every random draw; one of the scenario's own where not given
    #[arg(long, value_name = "N", env = "LOADGATE_SEED")]
    seed: Option<u64>,
    /// Root certificate to trust beside the system's, in PEM
    #[arg(long, value_name = "FILE", env = "LOADGATE_CA")]
    ca: Option<PathBuf>,
    /// Leave certificates unchecked, said in every report
    #[arg(long, env = "LOADGATE_INSECURE", value_parser = FalseyValueParser::new())]
    insecure: bool,
    #[command(flatten)]
    telling: Telling,
}

/// The gates, and what their files are read with.
#[derive(Debug, Args)]
struct Gates {
    /// Folders with scenario.yml, thresholds.yml and baseline.json
    #[arg(value_name = "GATE", required = true)]
    gates: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

/// One gate, and what its files are read with.
#[derive(Debug, Args)]
struct OneGate {
    /// Folder with scenario.yml, thresholds.yml and baseline.json
    #[arg(value_name = "GATE")]
    gate: PathBuf,
    #[command(flatten)]
    reading: Reading,
}

/// What a gate's files are read with.
#[derive(Debug, Args)]
struct Reading {
    /// Baseline, over the gate's own
    #[arg(long, value_name = "FILE", env = "LOADGATE_BASELINE")]
    baseline: Option<PathBuf>,
    /// Value of a variable, over the scenario's
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pairs, env = "LOADGATE_SET")]
    set: Vec<Pairs>,
}

/// What a baseline's jobs must share.
#[derive(Debug, Args)]
struct Labels {
    /// What a baseline's jobs must share, such as region=eu-west-1
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = pairs, env = "LOADGATE_LABEL")]
    labels: Vec<Pairs>,
}

/// How much is told, and where.
#[derive(Debug, Args)]
struct Telling {
    /// Where results and reports go
    #[arg(
        long,
        value_name = "DIR",
        default_value = "loadgate-out",
        env = "LOADGATE_OUT"
    )]
    out: PathBuf,
    /// Exit 4 where the run could not tell
    #[arg(long, env = "LOADGATE_STRICT", value_parser = FalseyValueParser::new())]
    strict: bool,
    /// Print the verdict line alone
    #[arg(long, short, env = "LOADGATE_QUIET", value_parser = FalseyValueParser::new())]
    quiet: bool,
}

#[derive(Debug, Args)]
struct Validate {
    #[command(flatten)]
    gates: Gates,
    /// Deployment to load, over the scenario's
    #[arg(long, value_name = "URL", env = "LOADGATE_TARGET")]
    target: Option<String>,
    #[command(flatten)]
    labels: Labels,
}

#[derive(Debug, Args)]
struct Judge {
    #[command(flatten)]
    gate: OneGate,
    /// Stored results; several of one CI run are judged as one
    #[arg(value_name = "RESULT", required = true)]
    results: Vec<PathBuf>,
    #[command(flatten)]
    telling: Telling,
}

#[derive(Debug, Args)]
struct Record {
    #[command(flatten)]
    gate: OneGate,
    /// Stored results, oldest first
    #[arg(value_name = "RESULT", required = true)]
    results: Vec<PathBuf>,
    /// Add results that were judged worse as well
    #[arg(long)]
    accept: bool,
    /// Begin a new ring: what was there before is dropped
    #[arg(long)]
    restart: bool,
    /// Fix the last of the results as the release that drift is held against
    #[arg(long)]
    anchor: bool,
}

#[derive(Debug, Args)]
struct Lambda {
    /// Loopback address to listen on; port 0 takes a free one
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
    /// Factor on the latency of the slowest requests, for a change that only the tail shows
    #[arg(long, value_name = "FACTOR", requires = "tail")]
    tail_slow: Option<f64>,
    /// Share of requests answered 500 or 502
    #[arg(long, value_name = "SHARE", default_value = "0%")]
    errors: Share,
    /// Length of a stand-still in which nothing is answered
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "freeze_every")]
    freeze: Option<Duration>,
    /// From the start of one stand-still to the next
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "freeze")]
    freeze_every: Option<Duration>,
    /// What a cold start adds to the first request of an execution environment
    #[arg(long, value_name = "TIME", default_value = "400ms", value_parser = parse_duration)]
    cold_start: Duration,
    /// Idle time after which an execution environment is gone
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = parse_duration)]
    idle_expiry: Duration,
    /// Invocations that may run at once; one more is answered 429
    #[arg(long, value_name = "N", default_value_t = 1000)]
    concurrency: usize,
    /// Execution environments that each function has from the start
    #[arg(long, value_name = "N", default_value_t = 0)]
    provisioned: usize,
    /// Bearer token that is accepted beside those issued at login
    #[arg(
        long = "token",
        value_name = "TOKEN",
        env = "LOADTEST_TOKEN",
        hide_env_values = true
    )]
    tokens: Vec<String>,
    /// File to write one JSON line per request to
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

/// Reads the process's arguments, does what they say, and prints the error where there is one.
pub fn main() -> Exit {
    let cli = command()
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match cli {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no error. A reader that went away is nobody's error.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Passed
            };
        }
    };
    cli.command.run().unwrap_or_else(|error| {
        gate::say(&format!("loadgate: {}", chain(&error)));
        error.exit()
    })
}

/// The grammar, in which an empty variable is as good as none: CI platforms set every input that nobody gave to nothing.
fn command() -> clap::Command {
    Cli::command().mut_subcommands(|command| {
        command.mut_args(|argument| {
            let value = argument.get_env().and_then(std::env::var_os);
            if value.is_some_and(|value| value.is_empty()) {
                argument.env(None::<&'static str>)
            } else {
                argument
            }
        })
    })
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Gate(#[from] gate::Error),
    #[error(transparent)]
    Demo(#[from] demo::Error),
    #[error(transparent)]
    Lambda(#[from] lambda::Error),
}

impl Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Gate(error) | Self::Demo(demo::Error::Gate(error)) => error.exit(),
            Self::Demo(demo::Error::Write { .. } | demo::Error::StandIn(_)) | Self::Lambda(_) => {
                Exit::Usage
            }
        }
    }
}

impl From<plan::Error> for Error {
    fn from(error: plan::Error) -> Self {
        Self::Gate(gate::Error::Plan(error))
    }
}

/// An error with its causes, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

impl Command {
    fn run(self) -> Result<Exit, Error> {
        match self {
            Self::Demo(arguments) => Ok(demo::run(
                &arguments.out,
                &Console::of_process(Loudness::Full),
            )?),
            Self::Run(arguments) => arguments.run(),
            Self::Validate(arguments) => arguments.run(),
            Self::Judge(arguments) => arguments.run(),
            Self::Record(arguments) => arguments.run(),
            Self::Lambda(arguments) => arguments.run(),
        }
    }
}

impl Run {
    fn run(self) -> Result<Exit, Error> {
        let (strictness, console) = (self.telling.strictness(), self.telling.console());
        let plan = Plan::read(&Options {
            gates: self.gates.gates,
            target: self.target,
            out: self.telling.out,
            baseline: self.gates.reading.baseline,
            set: self.gates.reading.set.concat(),
            labels: self.labels.labels.concat(),
            seed: self.seed,
            wait: self.wait,
            ca: self.ca,
            insecure: self.insecure,
            recording: if self.record {
                Recording::WhereGood
            } else {
                Recording::Off
            },
        })?;
        Ok(gate::run(&plan, strictness, &console)?)
    }
}

impl Validate {
    fn run(self) -> Result<Exit, Error> {
        let plan = Plan::read(&Options {
            gates: self.gates.gates,
            target: self.target,
            baseline: self.gates.reading.baseline,
            set: self.gates.reading.set.concat(),
            labels: self.labels.labels.concat(),
            ..Options::default()
        })?;
        Ok(gate::validate(&plan, &Console::of_process(Loudness::Full)))
    }
}

impl OneGate {
    /// Reads the gate; `recording` says whether a baseline that is not there yet may be made.
    fn read(self, recording: Recording) -> Result<plan::Gate, plan::Error> {
        let options = Options {
            baseline: self.reading.baseline,
            set: self.reading.set.concat(),
            recording,
            ..Options::default()
        };
        plan::Gate::read(&self.gate, &options)
    }
}

impl Judge {
    fn run(self) -> Result<Exit, Error> {
        let (strictness, console) = (self.telling.strictness(), self.telling.console());
        let gate = self.gate.read(Recording::Off)?;
        Ok(gate::judge(
            &gate,
            &self.results,
            &self.telling.out,
            strictness,
            &console,
        )?)
    }
}

impl Record {
    fn run(self) -> Result<Exit, Error> {
        let acceptance = if self.accept {
            Acceptance::Worse
        } else {
            Acceptance::GoodOnly
        };
        let change = Change {
            restart: self.restart,
            anchor: self.anchor,
        };
        let mut gate = self.gate.read(Recording::WhereGood)?;
        Ok(gate::record(
            &mut gate,
            &self.results,
            acceptance,
            change,
            &Console::of_process(Loudness::Full),
        )?)
    }
}

impl Lambda {
    fn run(self: Box<Self>) -> Result<Exit, Error> {
        let stand_in = StandIn::start(&self.config())?;
        Console::of_process(Loudness::Full).print(&stand_in.url());
        gate::wait_for_signal()?;
        stand_in.stop()?;
        Ok(Exit::Passed)
    }
}

/// Names with their values.
type Pairs = Vec<(String, String)>;

/// Reads `NAME=VALUE`, or several of them on a line each, as a variable may hold them.
fn pairs(text: &str) -> Result<Pairs, String> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let pair = |line: &str| match line.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        Some(_) | None => Err(format!("'{line}' is not NAME=VALUE")),
    };
    lines.map(pair).collect()
}

impl Lambda {
    fn config(&self) -> lambda::Config {
        let freeze = self.freeze.zip(self.freeze_every);
        let tail = self.tail.zip(self.tail_slow);
        lambda::Config {
            address: self.address,
            seed: self.seed,
            base_latency: self.latency,
            spread: self.spread,
            slow: self.slow,
            tail: tail.map(|(share, factor)| lambda::Tail {
                share: share.fraction(),
                factor,
            }),
            error_share: self.errors.fraction(),
            freeze: freeze.map(|(length, every)| lambda::Freeze { every, length }),
            cold_start: self.cold_start,
            idle_expiry: self.idle_expiry,
            concurrency: self.concurrency,
            provisioned: self.provisioned,
            tokens: self.tokens.clone(),
            log: self.log.clone(),
        }
    }
}

impl Telling {
    fn strictness(&self) -> Strictness {
        if self.strict {
            Strictness::Strict
        } else {
            Strictness::Lenient
        }
    }

    fn console(&self) -> Console {
        Console::of_process(if self.quiet {
            Loudness::Quiet
        } else {
            Loudness::Full
        })
    }
}
