//! The command line: arguments in, the name of a story and its options out.
//!
//! It must not know how anything works; `plan` reads what the arguments point at. What a flag says of a run, an
//! environment variable `LOADGATE_…` can say too.

mod comment;
mod gates;
mod manual;
mod request;
mod stand_in;
mod stored;

use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::error_chain;
use crate::exit::Exit;
use crate::gate::{self, Console, Verbosity};
use crate::redact::{HIDDEN, redacted_address};
use crate::schema::{self, Kind};
use crate::{demo, fake_gateway, init, plan, processes};
use comment::Comment;
use gates::{Run, Try, Validate};
use manual::{Completions, Man};
use request::RequestFlags;
use stand_in::Lambda;
use stored::{Aws, Compare, DEFAULT_OUT, Judge, Record, Report, one_of};

/// Performance gate for CI: a fixed HTTP load, checked against limits and a baseline.
///
/// A scenario drives load, which yields a measurement, kept as a record, checked against thresholds and a baseline,
/// giving a verdict, rendered in a report.
#[derive(Debug, Parser)]
#[command(name = "loadgate", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
More commands:
  completions  Print a completion script for a shell
  man          Print the manual page of loadgate or of one command

Exit codes:
  0    passed; or inconclusive without --strict
  1    a limit is broken or a metric regressed
  2    bad arguments or files: nothing was sent
  3    invalid, not judged: target unreachable, too few samples, generator too slow
  4    inconclusive under --strict
  130  interrupted (143: terminated); what was measured is on disk, not judged";

const TOKENS: &str = "\
The comment is created once and then edited. The results are judged again by the gates of this checkout. So a second, \
trusted workflow can report on a run of untrusted code.

The token comes from the environment: LOADGATE_TOKEN, else GITHUB_TOKEN or GITLAB_TOKEN. The exit code is 0, whatever \
the platform responds.";

const ROUTES: &str = "\
Routes; everything else is 404:
  GET  /health
  GET  /prod/catalog/items              GET  /prod/catalog/items/ID
  POST /prod/auth/login                 returns { accessToken } for any user and password
  GET  /prod/user/profile               needs a bearer token, as all below
  GET  /prod/orders                     POST /prod/orders/checkout
  POST /prod/cart/items                 POST /prod/reports/generate-preview
A response from a new execution environment has the header x-cold-start: true.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a passing and a failing run on a built-in server
    Demo(Demo),
    /// Load, measure, judge and report
    Run(Box<Run>),
    /// Run every task once with one user, and show each request and response
    Try(Box<Try>),
    /// Check a gate's files and print the plan; send nothing
    Validate(Box<Validate>),
    /// Judge stored results again, without a network
    Judge(Judge),
    /// Add results to a gate's baseline, list its jobs, or remove one
    Record(Record),
    /// Show how one result differs from another, or several in latency and cost
    Compare(Compare),
    /// Add metrics and logs of AWS to a stored result
    Aws(Aws),
    /// Render a stored result in one format
    Report(Box<Report>),
    /// Publish stored results in one comment on a pull or merge request
    #[command(after_help = TOKENS)]
    Comment(Box<Comment>),
    /// Write a starter gate and a CI job; never prompt or overwrite
    Init(Init),
    /// Print the JSON Schema of a kind of file, for editors
    Schema(Schema),
    /// Serve a simulated API Gateway with Lambda functions behind it
    #[command(after_help = ROUTES)]
    Lambda(Box<Lambda>),
    /// Print a completion script for a shell
    #[command(hide = true)]
    Completions(Completions),
    /// Print the manual page of loadgate or of one command
    #[command(hide = true)]
    Man(Man),
}

#[derive(Debug, Args)]
struct Schema {
    /// Kind of file
    #[arg(value_name = "KIND", value_parser = one_of([
        ("scenario", Kind::Scenario),
        ("thresholds", Kind::Thresholds),
        ("result", Kind::Result),
        ("baseline", Kind::Baseline),
    ]))]
    kind: Kind,
}

#[derive(Debug, Args)]
struct Init {
    /// URL of the one request to send, as for run [default: routes of an AWS project or an OpenAPI file, or /]
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    #[command(flatten)]
    request: RequestFlags,
}

impl Init {
    fn run(self) -> Result<Exit, Error> {
        let gate = match (self.target, self.request.given()) {
            (Some(url), _) => Some(self.request.to(url).gate()?),
            (None, Some(flag)) => return Err(Error::OnlyWithTarget(flag)),
            (None, None) => None,
        };
        let message = init::init(std::path::Path::new("."), gate.as_ref(), &gate::program())?;
        Console::of_process(Verbosity::Full).print(&message);
        Ok(Exit::Passed)
    }
}

#[derive(Debug, Args)]
struct Demo {
    /// Folder for the gate, the results and the reports
    #[arg(long, value_name = "DIR", default_value = "loadgate-demo")]
    out: PathBuf,
}

/// Reads the process's arguments, does what they say, and prints the error where there is one.
pub fn main() -> Exit {
    gate::end_at_panics();
    // loadgate starts it itself, so that started servers do not outlive a run.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == processes::GUARD)
    {
        processes::conceal();
        processes::guard();
        return Exit::Passed;
    }
    let mut grammar = command();
    let cli = grammar
        .try_get_matches_from_mut(std::env::args_os())
        .and_then(|matches| Cli::from_arg_matches(&matches))
        .map_err(|error| without_values(error, &grammar));
    let cli = match cli {
        Ok(cli) => cli,
        Err(error) => {
            if error.use_stderr() {
                // It repeats the arguments, which may hold anything.
                gate::print_error(&error.render().to_string());
                clear_named_out();
                return Exit::Usage;
            }
            // Help and version are not errors. A reader that went away is not one either.
            let _ = error.print();
            return Exit::Passed;
        }
    };
    // It is only watched, and holds no token.
    if !matches!(cli.command, Command::Lambda(_)) {
        processes::conceal();
    }
    cli.command.run().unwrap_or_else(|error| {
        gate::print_error(&format!("error: {}", error_chain::error_chain(&error)));
        error.exit()
    })
}

/// Removes the results of earlier runs if the arguments of `run` are wrong: `--out` is looked for in them as they are.
fn clear_named_out() {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let is_run = words.first().is_some_and(|word| word == "run");
    if !is_run || words.iter().any(|word| word == "--dry-run") {
        return;
    }
    let mut named = words.iter().enumerate().filter_map(|(at, word)| {
        if word == "--out" {
            return words.get(at + 1).cloned();
        }
        let joined = word.to_str()?.strip_prefix("--out=")?;
        Some(joined.into())
    });
    let in_environment = || std::env::var_os("LOADGATE_OUT").filter(|value| !value.is_empty());
    let out = named.next_back().or_else(in_environment);
    let out = out.map_or_else(|| PathBuf::from(DEFAULT_OUT), PathBuf::from);
    if let Err(error) = gate::clear_results(&out) {
        gate::print_error(&format!("error: {}", error_chain::error_chain(&error)));
    }
}

/// The error without values that may be secret, naming the variable of the environment where that, and no flag, has a value
/// that cannot be.
fn without_values(mut error: clap::Error, grammar: &clap::Command) -> clap::Error {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg).cloned() else {
        return error;
    };
    let flag = argument.split([' ', '=']).next().unwrap_or_default();
    let own = |argument: &&clap::Arg| {
        Some(argument.get_long().unwrap_or_default()) == flag.strip_prefix("--")
    };
    let mut arguments = grammar
        .get_subcommands()
        .flat_map(clap::Command::get_arguments);
    let variable = arguments.find(own).and_then(clap::Arg::get_env);
    let Some(variable) = variable.map(|name| name.to_string_lossy().into_owned()) else {
        // A word where none belongs may be the value of a flag.
        error.insert(
            ContextKind::InvalidArg,
            ContextValue::String(word(&argument)),
        );
        return error;
    };
    let value = error.get(ContextKind::InvalidValue);
    let is_missing = value.is_none_or(|value| value.to_string().is_empty());
    if !is_missing && names_values(&variable) {
        error.insert(
            ContextKind::InvalidValue,
            ContextValue::String(HIDDEN.to_owned()),
        );
    }
    let is_given = |word: std::ffi::OsString| {
        let word = word.to_string_lossy();
        word.strip_prefix(flag)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    if !std::env::args_os().any(is_given) {
        error.insert(ContextKind::InvalidArg, ContextValue::String(variable));
    }
    error
}

/// A word of the arguments without a value that may be secret.
fn word(argument: &str) -> String {
    match argument.split_once('=') {
        Some((name, _)) if !argument.contains(' ') => format!("{name}={HIDDEN}"),
        Some(_) | None => redacted_address(argument),
    }
}

/// Whether a variable of the environment holds values that may be secret.
fn names_values(variable: &str) -> bool {
    let name = variable.strip_prefix("LOADGATE_").unwrap_or_default();
    [
        "SET",
        "AGAINST_SET",
        "TARGET",
        "AGAINST",
        "BASELINE",
        "LABEL",
        "TARGET_CMD",
        "BASE_CMD",
    ]
    .contains(&name)
}

/// The grammar, in which an empty variable is as good as none: CI platforms set every input that nobody gave to nothing.
fn command() -> clap::Command {
    Cli::command().mut_subcommands(|command| {
        command.mut_args(|argument| {
            // A value of the environment may be secret.
            let argument = argument.hide_env_values(true);
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
    Init(#[from] init::Error),
    #[error(transparent)]
    Request(#[from] init::RequestError),
    #[error(transparent)]
    Lambda(#[from] fake_gateway::Error),
    #[error(
        "--result names the results of one gate, but there are several gates; use --out, with a folder for each gate"
    )]
    ResultsOfSeveralGates,
    #[error(
        "{0} applies only to a URL; for a gate, write it into the gate's files, and remove {0}"
    )]
    OnlyWithUrl(&'static str),
    #[error("{0} describes the request to --target; add --target URL, or remove {0}")]
    OnlyWithTarget(&'static str),
    #[error(
        "a URL is run alone; remove the other arguments, or give the base version with --against URL"
    )]
    UrlBesideOthers,
}

impl Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Gate(error) | Self::Demo(demo::Error::Gate(error)) => error.exit(),
            Self::Demo(demo::Error::Write { .. } | demo::Error::StandIn(_))
            | Self::Init(_)
            | Self::Lambda(_)
            | Self::Request(_)
            | Self::OnlyWithUrl(_)
            | Self::OnlyWithTarget(_)
            | Self::UrlBesideOthers
            | Self::ResultsOfSeveralGates => Exit::Usage,
        }
    }
}

impl From<plan::Error> for Error {
    fn from(error: plan::Error) -> Self {
        Self::Gate(gate::Error::Plan(error))
    }
}

impl Command {
    fn run(self) -> Result<Exit, Error> {
        match self {
            Self::Demo(arguments) => Ok(demo::run(
                &arguments.out,
                &Console::of_process(Verbosity::Full),
            )?),
            Self::Run(arguments) => arguments.run(),
            Self::Try(arguments) => arguments.run(),
            Self::Validate(arguments) => arguments.run(),
            Self::Judge(arguments) => arguments.run(),
            Self::Record(arguments) => arguments.run(),
            Self::Compare(arguments) => arguments.run(),
            Self::Aws(arguments) => arguments.run(),
            Self::Report(arguments) => arguments.run(),
            Self::Init(arguments) => arguments.run(),
            Self::Comment(arguments) => arguments.run(),
            Self::Schema(Schema { kind }) => {
                Console::of_process(Verbosity::Full).print(schema::schema(kind).trim_end());
                Ok(Exit::Passed)
            }
            Self::Lambda(arguments) => arguments.run(),
            Self::Completions(arguments) => Ok(arguments.run()),
            Self::Man(arguments) => Ok(arguments.run()),
        }
    }
}
