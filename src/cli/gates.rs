//! `run`, `try` and `validate`: what gates are loaded with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::Error;
use super::request::RequestFlags;
use super::stored::{Pairs, Reading, Telling, one_of, pairs, whole};
use crate::exit::Exit;
use crate::gate::{self, Console, Verbosity};
use crate::plan::{
    self, Commands, Interleave, JudgeMode, Options, OwnBase, Plan, RecordMode, SchedulingPolicy,
};
use crate::units::parse_duration;

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Folders with scenario.yml, thresholds.yml and baseline.json; or one URL, which needs no folder
    #[arg(value_name = "GATE|URL", required = true)]
    gates: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    deployments: Deployments,
    /// Check the files and print the plan, as validate does; send nothing
    #[arg(long = "dry-run")]
    is_dry: bool,
    #[command(flatten)]
    purpose: Purpose,
    #[command(flatten)]
    labels: Labels,
    /// Longest wait for target and base to respond with anything but 502, 503 or 504
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration, allow_hyphen_values = true, env = "LOADGATE_WAIT")]
    wait: Duration,
    /// Largest generator delay in a valid run [default: 5ms or a fifth of the median, the larger]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, allow_hyphen_values = true, env = "LOADGATE_MAX_LATE")]
    max_late: Option<Duration>,
    /// File of AWS prices that replace built-in ones
    #[arg(long, value_name = "FILE", env = "LOADGATE_PRICES")]
    prices: Option<PathBuf>,
    #[command(flatten)]
    sending: Sending,
    #[command(flatten)]
    telling: Telling,
    // Last, since the heading would hold for what follows.
    #[command(flatten, next_help_heading = WITHOUT_GATE)]
    request: RequestFlags,
}

/// How requests are sent.
#[derive(Debug, Args)]
struct Sending {
    /// Seed of every random draw [default: derived from the scenario]
    #[arg(long, value_name = "N", value_parser = whole::<u64>, allow_hyphen_values = true, env = "LOADGATE_SEED")]
    seed: Option<u64>,
    /// Allow command steps of the scenario to run programs on this machine
    #[arg(long, env = "LOADGATE_ALLOW_COMMANDS", value_parser = BoolishValueParser::new())]
    allow_commands: bool,
    /// Variable that started programs inherit although it looks like a credential
    #[arg(
        long = "pass-env",
        value_name = "NAME",
        value_delimiter = ',',
        env = "LOADGATE_PASS_ENV"
    )]
    pass_env: Vec<String>,
    /// Certificate (PEM) to trust in addition to the system's
    #[arg(long, value_name = "FILE", env = "LOADGATE_CA")]
    ca: Option<PathBuf>,
    /// Do not verify certificates; every report says so
    #[arg(long, env = "LOADGATE_INSECURE", value_parser = BoolishValueParser::new())]
    insecure: bool,
    /// Scheduling of the sending threads: real-time if allowed, or normal
    #[arg(
        long,
        value_name = "auto|normal",
        default_value = "auto",
        value_parser = one_of([("auto", SchedulingPolicy::Auto), ("normal", SchedulingPolicy::Normal)]),
        hide_possible_values = true,
        env = "LOADGATE_SCHEDULING"
    )]
    scheduling: SchedulingPolicy,
}

impl Sending {
    fn lay_over(self, options: Options) -> Options {
        Options {
            seed: self.seed,
            ca: self.ca,
            insecure: self.insecure,
            scheduling: self.scheduling,
            passed: self.pass_env,
            commands: if self.allow_commands {
                Commands::Allowed
            } else {
                Commands::Refused
            },
            ..options
        }
    }
}

/// `try`: a rehearsal of one gate.
#[derive(Debug, Args)]
pub(super) struct Try {
    /// Folder with scenario.yml
    #[arg(value_name = "GATE")]
    gate: PathBuf,
    /// Deployment to send to; overrides the scenario
    #[arg(long, value_name = "URL", env = "LOADGATE_TARGET")]
    target: Option<String>,
    /// Value of a variable; overrides the scenario
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pairs, env = "LOADGATE_SET")]
    set: Vec<Pairs>,
    /// Environment from the scenario to use
    #[arg(long, value_name = "NAME", env = "LOADGATE_ENVIRONMENT")]
    environment: Option<String>,
    #[command(flatten)]
    sending: Sending,
}

impl Try {
    pub(super) fn run(self) -> Result<Exit, Error> {
        let plan = Plan::read(&self.sending.lay_over(Options {
            gates: vec![self.gate],
            target: self.target,
            set: self.set.concat(),
            environment: self.environment,
            ..Options::default()
        }))?;
        Ok(gate::try_gate(
            &plan,
            &Console::of_process(Verbosity::Full),
        )?)
    }
}

/// What the result is for.
#[derive(Debug, Args)]
struct Purpose {
    /// Add a passed or inconclusive run to the baseline; refused on pull requests
    #[arg(long, env = "LOADGATE_RECORD", value_parser = BoolishValueParser::new())]
    record: bool,
    /// Measure only; judge combines the results of several jobs later
    #[arg(long = "unjudged", conflicts_with = "record", env = "LOADGATE_UNJUDGED", value_parser = BoolishValueParser::new())]
    is_unjudged: bool,
}

#[derive(Debug, Args)]
pub(super) struct Validate {
    #[command(flatten)]
    gates: Gates,
    #[command(flatten)]
    deployments: Deployments,
    #[command(flatten)]
    labels: Labels,
}

/// The gates, and what their files are read with.
#[derive(Debug, Args)]
pub(super) struct Gates {
    /// Folders with scenario.yml, thresholds.yml and baseline.json
    #[arg(value_name = "GATE", required = true)]
    pub(super) gates: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) reading: Reading,
}

/// What is loaded, and against what.
#[derive(Debug, Args)]
struct Deployments {
    /// Deployment to load; overrides the scenario
    #[arg(long, value_name = "URL", env = "LOADGATE_TARGET")]
    target: Option<String>,
    /// Base version, loaded in the same run and compared with the target (a duet)
    #[arg(long, value_name = "URL", env = "LOADGATE_AGAINST", help_heading = DUET)]
    against: Option<String>,
    /// Load the target alone, although the thresholds name a base
    #[arg(long, env = "LOADGATE_NO_BASE", value_parser = BoolishValueParser::new(), help_heading = DUET)]
    no_base: bool,
    /// Value of a variable, for the base only
    #[arg(long = "against-set", value_name = "NAME=VALUE", value_parser = pairs, env = "LOADGATE_AGAINST_SET", help_heading = DUET)]
    against_set: Vec<Pairs>,
    /// How target and base share the run: request by request, or in turns of 1 s or 5 s
    #[arg(
        long,
        value_name = "auto|mixed|1s|5s",
        default_value = "auto",
        value_parser = one_of(Interleave::ALL.map(|it| (it.word(), it))),
        hide_possible_values = true,
        env = "LOADGATE_INTERLEAVE",
        help_heading = DUET
    )]
    interleave: Interleave,
    /// Pairs of slices per steady phase; fewer if the result is clear before [default: 15 of 5s]
    #[arg(long, value_name = "N", value_parser = whole::<u32>, allow_hyphen_values = true, env = "LOADGATE_PAIRS", help_heading = DUET)]
    pairs: Option<u32>,
    /// Length of a slice [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, allow_hyphen_values = true, env = "LOADGATE_SLICE", help_heading = DUET)]
    slice: Option<Duration>,
    /// Shortest pause between two slices [default: 0.3s]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, allow_hyphen_values = true, env = "LOADGATE_GUARD", help_heading = DUET)]
    guard: Option<Duration>,
    /// Load all pairs, even if the result is clear after a third or two thirds of them
    #[arg(long, env = "LOADGATE_NO_EARLY_STOP", help_heading = DUET)]
    no_early_stop: bool,
    #[arg(
        long,
        help = "Command that serves the target on 127.0.0.1:$LOADGATE_PORT",
        value_name = "COMMAND",
        env = "LOADGATE_TARGET_CMD",
        help_heading = SERVERS
    )]
    target_cmd: Option<String>,
    /// Command that serves the base on a port of its own
    #[arg(long, value_name = "COMMAND", env = "LOADGATE_BASE_CMD", help_heading = SERVERS)]
    base_cmd: Option<String>,
    /// Path that responds below 400 once target and base are ready [default: wait until the port is open]
    #[arg(long, value_name = "PATH", env = "LOADGATE_READY")]
    ready: Option<String>,
    /// Pairs between restarts of the servers; 0 for never [default: 1]
    #[arg(long, value_name = "N", value_parser = whole::<u32>, allow_hyphen_values = true, env = "LOADGATE_RESTART_EVERY", help_heading = SERVERS)]
    restart_every: Option<u32>,
}

const WITHOUT_GATE: &str = "Without a gate";
const DUET: &str = "Duet";
const SERVERS: &str = "Servers";

/// What a baseline's jobs must share.
#[derive(Debug, Args)]
struct Labels {
    /// Label that a baseline's jobs must share, such as region=eu-west-1
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = pairs, env = "LOADGATE_LABEL")]
    labels: Vec<Pairs>,
}

impl Run {
    pub(super) fn run(self) -> Result<Exit, Error> {
        let (strictness, console) = (self.telling.strictness(), self.telling.console());
        if !self.is_dry {
            gate::clear_results(&self.telling.out)?;
        }
        let gates = Gates {
            gates: self.gates,
            reading: self.reading,
        };
        let options = Options {
            out: self.telling.out,
            wait: self.wait,
            max_late: self.max_late,
            prices: self.prices,
            record_mode: if self.purpose.record {
                RecordMode::IfAcceptable
            } else {
                RecordMode::Off
            },
            judge_mode: if self.purpose.is_unjudged {
                JudgeMode::Deferred
            } else {
                JudgeMode::Now
            },
            ..options(gates, self.deployments, &self.labels)
        };
        let mut options = url_or_gates(self.request, self.sending.lay_over(options))?;
        if options.record_mode == RecordMode::IfAcceptable {
            options.own_base = OwnBase::LeftOut;
        }
        if self.is_dry {
            options.commands = Commands::NeverRun;
        }
        let plan = Plan::read(&options)?;
        let exit = if self.is_dry {
            gate::validate(&plan, &console)
        } else {
            gate::run(&plan, strictness, &console)?
        };
        if let Some(text) = &options.text {
            gate::print_how_to_keep(text, &console);
        }
        Ok(exit)
    }
}

/// The options of a run, with the gate that a URL in place of a folder describes.
fn url_or_gates(request: RequestFlags, options: Options) -> Result<Options, Error> {
    let url = options.gates.iter().filter_map(|gate| url(gate));
    let Some(url) = url.map(str::to_owned).next() else {
        return request
            .given()
            .map_or(Ok(options), |flag| Err(Error::OnlyWithUrl(flag)));
    };
    if options.gates.len() > 1 {
        return Err(Error::UrlBesideOthers);
    }
    let given = [
        ("--target", options.target.is_some()),
        ("--target-cmd", options.target_cmd.is_some()),
    ];
    if let Some((other, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
        return Err(plan::Error::Both {
            one: "the URL",
            other,
        }
        .into());
    }
    let duration = request.duration();
    let request = request.to(url);
    Ok(Options {
        text: Some(request.gate()?),
        against: options.against.map(|against| request.base(&against)),
        duration,
        gates: Vec::new(),
        ..options
    })
}

/// An address in place of a folder.
fn url(gate: &Path) -> Option<&str> {
    let is_http = |text: &str| ["http:", "https:"].contains(&&*text.to_ascii_lowercase());
    gate.to_str().filter(|text| {
        let scheme = text.find(':').map(|at| &text[..=at]);
        text.contains("://") || scheme.is_some_and(is_http)
    })
}

impl Validate {
    pub(super) fn run(self) -> Result<Exit, Error> {
        let plan = Plan::read(&options(self.gates, self.deployments, &self.labels))?;
        Ok(gate::validate(&plan, &Console::of_process(Verbosity::Full)))
    }
}

/// What both commands share.
fn options(gates: Gates, deployments: Deployments, labels: &Labels) -> Options {
    Options {
        gates: gates.gates,
        baseline: gates.reading.baseline,
        set: gates.reading.set.concat(),
        environment: gates.reading.environment,
        labels: labels.labels.concat(),
        target: deployments.target,
        against: deployments.against,
        against_set: deployments.against_set.concat(),
        interleave: deployments.interleave,
        pairs: deployments.pairs,
        slice: deployments.slice,
        guard: deployments.guard,
        no_early_stop: deployments.no_early_stop,
        own_base: if deployments.no_base {
            OwnBase::LeftOut
        } else {
            OwnBase::Loaded
        },
        target_cmd: deployments.target_cmd,
        base_cmd: deployments.base_cmd,
        ready: deployments.ready,
        restart_every: deployments.restart_every,
        ..Options::default()
    }
}
