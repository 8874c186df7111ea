//! The command line: arguments in, the name of a story and its options out.
//!
//! It must not know how anything works; `plan` reads what the arguments point at. What a flag sets, an environment
//! variable `LOADGATE_…` sets too.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::exit::Strictness;
use crate::units::{Share, parse_duration};
use crate::{demo, gate, lambda, plan};

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
