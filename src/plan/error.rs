//! Why a plan could not be made.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
        "there is no folder {}; name the folder of a gate, which has scenario.yml in it, or write a first one with \
         'loadgate init'",
        shown(.0)
    )]
    NoGate(PathBuf),
    /// An address in place of a gate.
    #[error(
        "{0} is an address, and a gate is a folder with scenario.yml in it; write one with 'loadgate init', then load the \
         address with `loadgate run thresholds/api --target {0}`"
    )]
    GateIsAddress(String),
    /// A file in place of a gate.
    #[error(
        "{} is a file, and a gate is the folder with scenario.yml in it; name the folder, {}",
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
        "{} has no scenario.yml in it; name the folder of a gate, or write a first one with 'loadgate init'",
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
        "{}: the data '{name}' have {rows} rows and the load brings {users} users, each of which needs its own: add rows, or write 'order: sequential'",
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
        "{}: every request has a condition (when) that never holds, so nothing would be sent; correct the conditions, or \
         the variables in them",
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
    #[error("there is no baseline {}: record one with 'loadgate record', or leave --baseline out", shown(.0))]
    NoBaseline(PathBuf),
    /// What `--baseline` names cannot be fetched.
    #[error("cannot fetch the baseline: {0}")]
    Remote(http_client::Error),
    /// The address of the baseline answers with something else.
    #[error(
        "{url} answered {status} and no baseline: give the address of the file itself, and a header in LOADGATE_BASELINE_HEADER where it asks for one"
    )]
    BaselineRefused {
        /// The address, without what may be secret.
        url: String,
        /// The status.
        status: u16,
    },
    /// The header for the baseline is none.
    #[error("{0} is no header: write it as 'name: value'")]
    BaselineHeader(&'static str),
    /// A header that others could read on its way.
    #[error(
        "{0} is neither https nor on this machine, and LOADGATE_BASELINE_HEADER is sent nowhere else; use an https address"
    )]
    BaselineInTheClear(String),
    /// A baseline at an address cannot be written.
    #[error(
        "a baseline at an address is read and not written: record into a file, and put that there"
    )]
    RecordingAtUrl,
    /// Neither the arguments nor the scenario name a target.
    #[error("{} names no target: give one with --target, or write 'target:' into it", .0.display())]
    NoTarget(PathBuf),
    /// The target is no URL that can be loaded.
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
    #[error("--baseline names one file and there are several gates: run each gate by itself")]
    OneBaselineManyGates,
    /// Two gates would write into one folder.
    #[error(
        "the gates '{one}' and '{other}' would write into one folder; give each scenario a name of its own"
    )]
    TwoGatesOfOneName {
        /// The name of one.
        one: String,
        /// The name of the other.
        other: String,
    },
    /// A flag that only a duet has a use for.
    #[error(
        "{0} belongs to a duet: give the base version with --against or --base-cmd, or leave it out"
    )]
    OnlyInDuet(&'static str),
    /// A flag that only a started server has a use for.
    #[error(
        "{0} belongs to a server that the gate starts: give one with --target-cmd or --base-cmd, or leave it out"
    )]
    OnlyWithCommand(&'static str),
    /// A deployment is given twice.
    #[error("{one} and {other} name the same deployment: give one of them")]
    Both {
        /// A flag.
        one: &'static str,
        /// Another one.
        other: &'static str,
    },
    /// A number of pairs that makes no duet.
    #[error("--pairs {pairs} is out of bounds, which are {fewest} to {most}")]
    Pairs {
        /// What was given.
        pairs: u32,
        /// The fewest.
        fewest: u32,
        /// The most.
        most: u32,
    },
    /// A slice in which nothing could be told.
    #[error("--slice must be at least {0:?}: a shorter one holds little but its start and its end")]
    ShortSlice(Duration),
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
    #[error("--ready '{0}' is not a path, begin it with '/'")]
    ReadyPath(String),
    /// No port for a server.
    #[error("no port is free for a server")]
    NoPort(#[source] io::Error),
    /// A pull request's numbers must not become the baseline.
    #[error(
        "--record is refused on pull-request events: record on the main branch, after the merge"
    )]
    RecordingChangeRequest,
    /// A name is given twice.
    #[error("{flag} names '{name}' twice")]
    Twice {
        /// The flag.
        flag: &'static str,
        /// The name.
        name: String,
    },
    /// The output folder is a file.
    #[error("the output folder {} is a file: give --out a folder, which is made where there is none", .0.display())]
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
