//! `judge`, `record`, `compare` and `report`: what is done with stored results; and what every command that reads a gate shares.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{BoolishValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};

use super::Error;
use crate::exit::{Exit, Strictness};
use crate::gate::{self, AcceptMode, BaselineEdit, Console, CriteriaSource, Format, Verbosity};
use crate::plan::{self, BaselineLocation, Options, RecordMode};
use crate::units::parse_duration;

#[derive(Debug, Args)]
pub(super) struct Judge {
    #[command(flatten)]
    gate: OneGate,
    /// Stored results; several of one CI run are judged as one
    #[arg(value_name = "RESULT", required = true)]
    results: Vec<PathBuf>,
    #[command(flatten)]
    telling: Telling,
}

#[derive(Debug, Args)]
pub(super) struct Record {
    #[command(flatten)]
    gate: OneGate,
    /// Stored results, oldest first
    #[arg(value_name = "RESULT", required_unless_present_any = ["list", "drop"], conflicts_with_all = ["list", "drop"])]
    results: Vec<PathBuf>,
    #[command(flatten)]
    ring: Ring,
    /// Also add results that were judged worse
    #[arg(long)]
    accept: bool,
    /// Start a new ring; drop all earlier jobs
    #[arg(long)]
    restart: bool,
    /// Set the last result as the anchor that drift is measured from
    #[arg(long)]
    anchor: bool,
}

/// What is done with the jobs that there are.
#[derive(Debug, Args)]
struct Ring {
    /// List the baseline's jobs with their P95, and mark outliers
    #[arg(long, conflicts_with_all = ["drop", "accept", "restart", "anchor"])]
    list: bool,
    /// Remove a job by its id, commit or start; repeatable
    #[arg(long, value_name = "JOB", conflicts_with_all = ["accept", "restart", "anchor"])]
    drop: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Compare {
    /// Earlier result
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// Later result of the same scenario
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Further results: all are put beside each other, by the value of a label
    #[arg(value_name = "MORE")]
    more: Vec<PathBuf>,
    /// Label by which results are put beside each other [default: the only one in which they differ]
    #[arg(long, value_name = "LABEL")]
    by: Option<String>,
    /// File to write the results beside each other to, as a page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl Compare {
    pub(super) fn run(self) -> Result<Exit, Error> {
        let console = Console::of_process(Verbosity::Full);
        let page = self.html.as_deref();
        if self.more.is_empty() && self.by.is_none() && page.is_none() {
            return Ok(gate::compare(self.old, self.new, &console)?);
        }
        let results = [vec![self.old, self.new], self.more].concat();
        Ok(gate::compare_by(self.by, &results, page, &console)?)
    }
}

#[derive(Debug, Args)]
pub(super) struct Aws {
    /// Stored result of a scenario with 'aws'; its requests.csv.gz lies beside it
    #[arg(value_name = "RESULT")]
    result: PathBuf,
    /// The longest that late metrics and logs are waited for
    #[arg(long, value_name = "TIME", default_value = "3m", value_parser = parse_duration)]
    wait: Duration,
    /// File of AWS prices that replace built-in ones
    #[arg(long, value_name = "FILE", env = "LOADGATE_PRICES")]
    prices: Option<PathBuf>,
}

impl Aws {
    pub(super) fn run(self) -> Result<Exit, Error> {
        let console = Console::of_process(Verbosity::Full);
        let prices = plan::read_prices(self.prices.as_deref())?;
        Ok(gate::add_to_result(
            &self.result,
            self.wait,
            &prices,
            &console,
        )?)
    }
}

#[derive(Debug, Args)]
pub(super) struct Report {
    /// Stored result
    #[arg(value_name = "RESULT")]
    result: PathBuf,
    /// Format of the report
    #[arg(long, value_parser = one_of(formats()), value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Gate whose thresholds and baseline apply [default: the default limits]
    #[arg(long, value_name = "GATE")]
    gate: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// File to write [default: standard output, with CI commands made inert]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Treat an inconclusive run as failed; use the same value as for run
    #[arg(long, env = "LOADGATE_STRICT", value_parser = BoolishValueParser::new())]
    strict: bool,
}

/// The values of `--format`.
fn formats() -> [(PossibleValue, Format); 10] {
    let text = "the terminal's, with each name in each phase and the run over time";
    let result = "result.json, in the current version of its schema";
    [
        ("text", text, Format::Text),
        ("html", "report.html", Format::Html),
        ("summary", "summary.md", Format::Summary),
        ("junit", "junit.xml", Format::Junit),
        ("metrics", "metrics.txt, in OpenMetrics", Format::Metrics),
        ("metrics-gated", "metrics-gated.txt", Format::MetricsGated),
        (
            "load-performance",
            "load-performance.json",
            Format::LoadPerformance,
        ),
        (
            "benchmark-action",
            "for github-action-benchmark, as customSmallerIsBetter",
            Format::BenchmarkAction,
        ),
        ("bmf", "for Bencher, in its Metric Format", Format::Bencher),
        ("result", result, Format::Result),
    ]
    .map(|(word, help, format)| (PossibleValue::new(word).help(help), format))
}

impl Report {
    pub(super) fn run(self) -> Result<Exit, Error> {
        let against = match self.gate {
            Some(gate) => {
                let gate = OneGate {
                    gate,
                    reading: self.reading,
                };
                CriteriaSource::Gate(Box::new(gate.read(RecordMode::Off)?))
            }
            None => CriteriaSource::Defaults(self.reading.baseline),
        };
        Ok(gate::report(
            &self.result,
            against,
            self.format,
            strictness(self.strict),
            self.out.as_deref(),
            &Console::of_process(Verbosity::Full),
        )?)
    }
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
pub(super) struct Reading {
    /// File or URL of the baseline; overrides the gate's
    #[arg(long, value_name = "FILE|URL", env = "LOADGATE_BASELINE")]
    pub(super) baseline: Option<BaselineLocation>,
    /// Value of a variable; overrides the scenario
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pairs, env = "LOADGATE_SET")]
    pub(super) set: Vec<Pairs>,
    /// Environment from the scenario to use
    #[arg(long, value_name = "NAME", env = "LOADGATE_ENVIRONMENT")]
    pub(super) environment: Option<String>,
}

/// The output folder where none is named.
pub(super) const DEFAULT_OUT: &str = "loadgate-out";

/// How much is printed, and where.
#[derive(Debug, Args)]
pub(super) struct Telling {
    /// Folder for results and reports
    #[arg(
        long,
        value_name = "DIR",
        default_value = DEFAULT_OUT,
        env = "LOADGATE_OUT"
    )]
    pub(super) out: PathBuf,
    /// Exit with 4 when the result is inconclusive
    #[arg(long, env = "LOADGATE_STRICT", value_parser = BoolishValueParser::new())]
    strict: bool,
    /// Print only the verdict line
    #[arg(long, short, env = "LOADGATE_QUIET", value_parser = BoolishValueParser::new())]
    quiet: bool,
}

impl OneGate {
    /// Reads the gate; `recording` says whether a baseline that is not there yet may be made.
    fn read(self, recording: RecordMode) -> Result<plan::Gate, plan::Error> {
        let options = Options {
            baseline: self.reading.baseline,
            set: self.reading.set.concat(),
            environment: self.reading.environment,
            record_mode: recording,
            ..Options::default()
        };
        plan::Gate::read(&self.gate, &options)
    }
}

impl Judge {
    pub(super) fn run(self) -> Result<Exit, Error> {
        let (strictness, console) = (self.telling.strictness(), self.telling.console());
        gate::clear_reports(&self.telling.out)?;
        let mut gate = self.gate.read(RecordMode::Off)?;
        Ok(gate::judge(
            &mut gate,
            &self.results,
            &self.telling.out,
            strictness,
            &console,
        )?)
    }
}

impl Record {
    pub(super) fn run(self) -> Result<Exit, Error> {
        let acceptance = if self.accept {
            AcceptMode::Worse
        } else {
            AcceptMode::GoodOnly
        };
        let change = BaselineEdit {
            restart: self.restart,
            anchor: self.anchor,
        };
        let recording = if self.ring.list {
            RecordMode::Off
        } else {
            RecordMode::IfAcceptable
        };
        let mut gate = self.gate.read(recording)?;
        let console = Console::of_process(Verbosity::Full);
        Ok(if self.ring.list {
            gate::list_jobs(&gate, &console)?
        } else if !self.ring.drop.is_empty() {
            gate::drop_jobs(&gate, &self.ring.drop, &console)?
        } else {
            gate::record(&mut gate, &self.results, acceptance, change, &console)?
        })
    }
}

/// Reads one of these words as what it stands for.
pub(super) fn one_of<W: Into<PossibleValue>, T: Copy + Send + Sync + 'static, const N: usize>(
    choices: [(W, T); N],
) -> impl TypedValueParser<Value = T> {
    let choices = choices.map(|(word, value)| (word.into(), value));
    let words = choices.each_ref().map(|(word, _)| word.clone());
    PossibleValuesParser::new(words).try_map(move |given| {
        let mut choices = choices.iter();
        let chosen = choices.find(|(word, _)| word.get_name() == given);
        chosen.map(|(_, value)| *value).ok_or("not one of them")
    })
}

/// Reads a whole number.
pub(super) fn whole<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse()
        .map_err(|_| format!("'{text}' is not a whole number of 0 or more that fits"))
}

/// Names with their values.
pub(super) type Pairs = Vec<(String, String)>;

/// Reads `NAME=VALUE`, or several of them on a line each, as a variable may hold them.
pub(super) fn pairs(text: &str) -> Result<Pairs, String> {
    let lines = (1..).zip(text.lines());
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    // The text may be a secret.
    let pair = |(number, line): (u32, &str)| match line.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        Some(_) | None => Err(format!(
            "line {number} is not a name with its value; write it as NAME=VALUE"
        )),
    };
    lines.map(pair).collect()
}

fn strictness(strict: bool) -> Strictness {
    if strict {
        Strictness::Strict
    } else {
        Strictness::Lenient
    }
}

impl Telling {
    pub(super) fn strictness(&self) -> Strictness {
        strictness(self.strict)
    }

    pub(super) fn console(&self) -> Console {
        Console::of_process(if self.quiet {
            Verbosity::Quiet
        } else {
            Verbosity::Full
        })
    }
}
