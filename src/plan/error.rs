//! Why a plan could not be made.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::aws::PricesError;
use crate::baseline::StoreError;
use crate::load::{OriginError, ProxyError};
use crate::redact::{redacted_address, without_credentials};
use crate::{http_client, record, scenario, thresholds};

/// A path as a message may repeat it: an address, or the value of a variable, may stand where a path is wanted.
fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.contains("://") {
        return redacted_address(&text);
    }
    without_credentials(&text)
}

/// Why a plan could not be made: all of these are found before the first request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A gate is a folder.
    #[error(
        "there is no folder {}; name the folder of a gate, which contains scenario.yml, create one with 'loadgate init', or run a URL, which starts with http:// or https://",
        shown(.0)
    )]
    NoGate(PathBuf),
    /// An address in place of a gate.
    #[error(
        "{0} is an address, not the folder of a gate; run it alone with `loadgate run {0}`, or create a gate with `loadgate init --target {0}`"
    )]
    GateIsAddress(String),
    /// A flag that writes a wrong line of a gate without a folder.
    #[error("{flag}: {message}")]
    Flag {
        /// The flag.
        flag: &'static str,
        /// What is wrong and how to fix it.
        message: String,
    },
    /// The prices cannot be used.
    #[error(transparent)]
    Prices(PricesError),
    /// A flag that needs the folder of a gate.
    #[error(
        "{0} needs a gate, and a URL has none; write one with 'loadgate init --target URL', then run it"
    )]
    OnlyWithGate(&'static str),
    /// A file in place of a gate.
    #[error(
        "{} is a file, not the folder of a gate; name the folder, {}",
        file.display(),
        folder.display()
    )]
    GateIsFile {
        /// What was named.
        file: PathBuf,
        /// The folder that it lies in.
        folder: PathBuf,
    },
    /// A folder without a scenario.
    #[error(
        "{} contains no scenario.yml; name the folder of a gate, or create one with 'loadgate init'",
        .0.display()
    )]
    NoScenario(PathBuf),
    /// A file cannot be read.
    #[error("cannot read {what} {}", path.display())]
    Read {
        /// What it should be.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The scenario is wrong.
    #[error(transparent)]
    Scenario(scenario::Error),
    /// Users that need a row each, and too few of them.
    #[error(
        "{}: the data '{name}' have {rows} rows, but each of {users} users needs one; add rows, or write 'order: sequential'",
        path.display()
    )]
    TooFewRows {
        /// The scenario.
        path: PathBuf,
        /// The data.
        name: String,
        /// How many rows there are.
        rows: usize,
        /// How many users will come.
        users: f64,
    },
    /// No request is ever sent.
    #[error(
        "{}: the condition (when) of every request is always false, so nothing would be sent; correct the conditions or their variables",
        .0.display()
    )]
    NothingToSend(PathBuf),
    /// The thresholds are wrong.
    #[error(transparent)]
    Thresholds(thresholds::Error),
    /// The baseline is wrong.
    #[error(transparent)]
    Baseline(StoreError),
    /// A stored result is wrong.
    #[error(transparent)]
    Result(record::Error),
    /// `--baseline` names a file that is not there.
    #[error("there is no baseline {}; record one with 'loadgate record', or remove --baseline", shown(.0))]
    NoBaseline(PathBuf),
    /// What `--baseline` names cannot be fetched.
    #[error("cannot fetch the baseline: {0}")]
    Remote(http_client::Error),
    /// The address of the baseline responds with something else.
    #[error(
        "{url} responded {status} without a baseline; use the address of the file itself, and set LOADGATE_BASELINE_HEADER if it requires a header"
    )]
    BaselineRefused {
        /// The address, without what may be secret.
        url: String,
        /// The status.
        status: u16,
    },
    /// The header for the baseline is none.
    #[error("{0} is not a header; write it as 'name: value'")]
    BaselineHeader(&'static str),
    /// A header that others could read on its way.
    #[error(
        "{0} is neither https nor on this machine, so LOADGATE_BASELINE_HEADER is not sent to it; use an https address"
    )]
    BaselineInTheClear(String),
    /// A baseline at an address cannot be written.
    #[error("a baseline at an address cannot be written; record into a file and upload it")]
    RecordingAtUrl,
    /// Neither the arguments nor the scenario name a target.
    #[error("{} has no target; set one with --target, or add 'target:' to the file", .0.display())]
    NoTarget(PathBuf),
    /// The target is not a valid URL that can be loaded.
    #[error("{place}: {source}")]
    Target {
        /// Where it is written.
        place: String,
        /// Why.
        source: OriginError,
    },
    /// The proxy that the environment names cannot be used.
    #[error(transparent)]
    Proxy(ProxyError),
    /// One file cannot be the baseline of several scenarios.
    #[error("--baseline names one file, but there are several gates; run each gate separately")]
    OneBaselineManyGates,
    /// Two gates would write into one folder.
    #[error(
        "the gates '{one}' and '{other}' would write into one folder; give each scenario a different name"
    )]
    TwoGatesOfOneName {
        /// The name of one.
        one: String,
        /// The name of the other.
        other: String,
    },
    /// A flag that only a duet has a use for.
    #[error(
        "{0} applies only to a duet; set the base version with --against or --base-cmd, or remove {0}"
    )]
    OnlyInDuet(&'static str),
    /// A flag that only a started server has a use for.
    #[error(
        "{0} applies only to a server that the gate starts; set one with --target-cmd or --base-cmd, or remove {0}"
    )]
    OnlyWithCommand(&'static str),
    /// The thresholds name programs that nobody allowed.
    #[error(
        "{}:{line}: regression.base: runs a program on this machine; review it, then allow it with --allow-commands, or run without the base with --no-base",
        path.display()
    )]
    BaseCommand {
        /// The thresholds.
        path: PathBuf,
        /// The line of `base`, from 1.
        line: u32,
    },
    /// The reference is served by a program, and programs are not allowed.
    #[error(
        "{}:{line}: regression.reference: runs a program on this machine; review it, then allow it with --allow-commands",
        path.display()
    )]
    ReferenceCommand {
        /// The thresholds.
        path: PathBuf,
        /// The line of `reference`, from 1.
        line: u32,
    },
    /// A deployment is given twice.
    #[error("{one} and {other} set the same deployment; remove one of them")]
    Both {
        /// A flag.
        one: &'static str,
        /// Another one.
        other: &'static str,
    },
    /// A number of pairs that makes no duet.
    #[error("--pairs {pairs} is out of range; use {fewest} to {most}")]
    Pairs {
        /// What was given.
        pairs: u32,
        /// The fewest.
        fewest: u32,
        /// The most.
        most: u32,
    },
    /// A slice that is too short to measure anything.
    #[error("--slice is too short; use at least {0:?}")]
    ShortSlice(Duration),
    /// A duet that is too short to measure anything.
    #[error("--duration is too short for a duet; use at least {0:?}")]
    ShortDuet(Duration),
    /// Two lengths of a slice.
    #[error("--interleave {0} and --slice both set the length of a slice; leave one of them out")]
    TwoSlices(&'static str),
    /// Servers cannot be restarted while they are loaded.
    #[error(
        "--interleave mixed loads both versions at once, so their servers cannot be restarted between pairs; add \
         --restart-every 0, or use --interleave 5s"
    )]
    MixedRestarts,
    /// Nothing pauses in a mixed duet.
    #[error(
        "--guard is the pause between two slices, and --interleave mixed has none; leave --guard out"
    )]
    MixedGuard,
    /// In a mixed duet no version has the whole load.
    #[error(
        "requests_per_second is judged, and --interleave mixed gives each version half of one load; use --interleave 1s"
    )]
    MixedRate,
    /// A path that is none.
    #[error("--ready '{0}' is not a path; start it with '/'")]
    ReadyPath(String),
    /// No port for a server.
    #[error("no port is free for a server; stop a program that listens on this machine")]
    NoPort(#[source] io::Error),
    /// A pull request's numbers must not become the baseline.
    #[error(
        "--record is refused on pull-request events; record on the main branch, after the merge"
    )]
    RecordingChangeRequest,
    /// A name is given twice.
    #[error("{flag} sets '{name}' twice; remove one of them")]
    Twice {
        /// The flag.
        flag: &'static str,
        /// The name.
        name: String,
    },
    /// The output folder is a file.
    #[error("the output folder {} is a file; set --out to a folder, which is created if missing", .0.display())]
    OutIsFile(PathBuf),
    /// The output folder cannot be used.
    #[error("cannot write to the output folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
