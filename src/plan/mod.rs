//! What will be done: arguments and files, read and checked before the first request.
//!
//! Everything that can be wrong with what people wrote is found here, in milliseconds. `plan` reads files and the
//! environment; it must not know the command line's grammar, send anything, or write anything but the output folder.

mod against;
mod base;
mod baseline_location;
mod error;
mod gate;
mod gate_text;
mod include_root;
mod interleave;
mod machine;
mod managed_servers;
mod reference;
mod reproduce;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use against::Against;
pub use baseline_location::BaselineLocation;
pub use error::Error;
pub use gate::{Gate, OUTPUTS, empty_thresholds, phase_names, read_baseline_at};
pub use gate_text::{FileText, GateText};
pub use interleave::Interleave;
pub use managed_servers::{ManagedServers, Server};
pub use reference::{ReferencePlace, ReferencePlan};
pub use reproduce::as_flag;

pub use crate::load::SchedulingPolicy;

use crate::aws::Prices;
use crate::ci::{self, CiRun};
use crate::files;
use crate::processes::DeniedVariables;
use crate::record::{Environment, RunRecord};

/// What to do, as the arguments say it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Folders of the gates.
    pub gates: Vec<PathBuf>,
    /// A gate without a folder, in place of the folders.
    pub text: Option<GateText>,
    /// The deployment to load, over the scenario's.
    pub target: Option<String>,
    /// The base version, to be compared with the target.
    pub against: Option<String>,
    /// How the two share the run.
    pub interleave: Interleave,
    /// Variables of the base, over those of both.
    pub against_set: Vec<(String, String)>,
    /// Pairs of slices of each steady phase.
    pub pairs: Option<u32>,
    /// Length of a slice.
    pub slice: Option<Duration>,
    /// Length of a duet's steady phases, from which pairs and slice follow.
    pub duration: Option<Duration>,
    /// The least time between two slices.
    pub guard: Option<Duration>,
    /// Whether all pairs are loaded, however clear the result is before.
    pub no_early_stop: bool,
    /// What is loaded of the deployments that the thresholds name, where no flag names others.
    pub own_base: OwnBase,
    /// What starts the deployment to load.
    pub target_cmd: Option<String>,
    /// What starts the base version.
    pub base_cmd: Option<String>,
    /// The path that responds once a deployment is ready.
    pub ready: Option<String>,
    /// Pairs after which started servers are started anew.
    pub restart_every: Option<u32>,
    /// Where results and reports go.
    pub out: PathBuf,
    /// The baseline, over the gate's own.
    pub baseline: Option<BaselineLocation>,
    /// Variables, over the scenario's.
    pub set: Vec<(String, String)>,
    /// Which of the scenario's environments is chosen.
    pub environment: Option<String>,
    /// Whether the scenario may run programs.
    pub commands: Commands,
    /// What a baseline's jobs must share.
    pub labels: Vec<(String, String)>,
    /// Seed of every random draw.
    pub seed: Option<u64>,
    /// How long to wait until the target responds.
    pub wait: Duration,
    /// How late the generator may be; the rule of the record if not given.
    pub max_late: Option<Duration>,
    /// File of AWS prices that replace built-in ones.
    pub prices: Option<PathBuf>,
    /// File of a root certificate to trust beside the system's.
    pub ca: Option<PathBuf>,
    /// Whether certificates go unchecked.
    pub insecure: bool,
    /// Which scheduling the threads that send load ask for.
    pub scheduling: SchedulingPolicy,
    /// Variables that started programs inherit although they look like credentials.
    pub passed: Vec<String>,
    /// Whether the run is added to the baseline.
    pub record_mode: RecordMode,
    /// Who judges the run.
    pub judge_mode: JudgeMode,
}

/// What is loaded of the deployments that the thresholds name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnBase {
    /// Nothing: no load is sent.
    #[default]
    Ignored,
    /// The target alone: `--no-base`, or the run is recorded, and the baseline keeps targets that were loaded alone.
    LeftOut,
    /// Target and base.
    Loaded,
}

/// Who judges a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JudgeMode {
    /// The run itself, at its end.
    #[default]
    Now,
    /// Another job, together with others' results: `--unjudged`.
    Deferred,
}

/// Whether a scenario may run programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Commands {
    /// It is only read, so that it may hold any.
    #[default]
    NeverRun,
    /// They are run: `--allow-commands`.
    Allowed,
    /// They would be run, and nobody allowed it.
    Refused,
}

/// Whether a run is added to the baseline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordMode {
    /// It is not.
    #[default]
    Off,
    /// It is, where it passed or was inconclusive: `--record`.
    IfAcceptable,
}

/// All that a run needs, checked.
#[derive(Debug)]
pub struct Plan {
    /// The gates in the order of the arguments.
    pub gates: Vec<Gate>,
    /// Where results and reports go; several gates get a folder each in it.
    pub out: PathBuf,
    /// What started programs do not inherit of the environment.
    pub withheld: DeniedVariables,
    /// Variables from the arguments whose values may be secret.
    pub secrets: Vec<(String, String)>,
    /// What a baseline's jobs must share.
    pub labels: BTreeMap<String, String>,
    /// How long to wait until a target responds.
    pub wait: Duration,
    /// How late the generator may be; the rule of the record if not given.
    pub max_late: Option<Duration>,
    /// Prices of AWS.
    pub prices: Prices,
    /// Root certificates to trust beside the system's, in PEM.
    pub ca: Option<String>,
    /// Whether certificates go unchecked.
    pub insecure: bool,
    /// Which scheduling the threads that send load ask for.
    pub scheduling: SchedulingPolicy,
    /// Whether runs are added to the baselines.
    pub recording: RecordMode,
    /// Who judges the runs.
    pub judging: JudgeMode,
    /// This machine.
    pub environment: Environment,
    /// The CI run, inside CI.
    pub ci: Option<CiRun>,
    /// Further arguments that it takes to run the same again, without secrets.
    pub given: Vec<String>,
}

impl Plan {
    /// Reads and checks everything that `options` names.
    pub fn read(options: &Options) -> Result<Self, Error> {
        let ci = ci::detect(&variable);
        if options.record_mode == RecordMode::IfAcceptable
            && ci.as_ref().is_some_and(|run| run.is_change_request)
        {
            return Err(Error::RecordingChangeRequest);
        }
        if options.baseline.is_some() && options.gates.len() > 1 {
            return Err(Error::OneBaselineManyGates);
        }
        if options.text.is_some() && options.record_mode == RecordMode::IfAcceptable {
            return Err(Error::OnlyWithGate("--record"));
        }
        let serving = ManagedServers::new(options)?;
        let folders = options.gates.iter();
        let gates = match &options.text {
            Some(text) => vec![Gate::from_text(text, options, &serving)?],
            None => folders
                .map(|folder| Gate::read_for(folder, options, &serving))
                .collect::<Result<Vec<_>, _>>()?,
        };
        reject_duplicate_names(&gates)?;
        gates.iter().try_for_each(Gate::reject_empty_thresholds)?;
        let ca = options
            .ca
            .as_deref()
            .map(|path| read(path, "the certificates"))
            .transpose()?;
        Ok(Self {
            out: options.out.clone(),
            withheld: denied_variables(&gates, options),
            secrets: reproduce::secrets(options),
            gates,
            labels: labels(&options.labels)?,
            wait: options.wait,
            max_late: options.max_late,
            prices: read_prices(options.prices.as_deref())?,
            ca,
            insecure: options.insecure,
            scheduling: options.scheduling,
            recording: options.record_mode,
            judging: options.judge_mode,
            environment: machine::describe(ci.as_ref().and_then(|run| run.runner.clone())),
            ci,
            given: reproduce::given(options),
        })
    }

    /// Makes the output folders, so that a full disk or a missing right shows before the first request.
    pub fn make_folders(&self) -> Result<(), Error> {
        for gate in &self.gates {
            make_folder(&self.folder(gate))?;
        }
        Ok(())
    }

    /// Where the files of one gate go.
    pub fn folder(&self, gate: &Gate) -> PathBuf {
        if self.gates.len() == 1 {
            self.out.clone()
        } else {
            self.out.join(gate.folder_name())
        }
    }
}

/// What started programs do not inherit: credentials, and what the scenarios read from the environment.
fn denied_variables(gates: &[Gate], options: &Options) -> DeniedVariables {
    let bases = gates.iter().filter_map(|gate| gate.against.as_ref());
    let scenarios = gates.iter().map(|gate| &gate.scenario);
    let scenarios = scenarios.chain(bases.map(|base| &base.scenario));
    let secrets: Vec<String> = scenarios.flat_map(|own| own.secrets.clone()).collect();
    DeniedVariables::new(std::env::vars_os(), &secrets, &options.passed)
}

/// Makes a folder for output, and tries that it can be written to.
pub fn make_folder(folder: &Path) -> Result<(), Error> {
    let failed = |source| Error::Folder {
        path: folder.to_owned(),
        source,
    };
    if folder.is_file() {
        return Err(Error::OutIsFile(folder.to_owned()));
    }
    files::make_folder(folder).map_err(failed)?;
    let probe = folder.join(".loadgate");
    files::write(&probe, "").map_err(failed)?;
    std::fs::remove_file(probe).map_err(failed)
}

/// Reads stored results.
pub fn read_results(paths: &[PathBuf]) -> Result<Vec<RunRecord>, Error> {
    let record = |path: &PathBuf| {
        let text = read(path, "the result")?;
        RunRecord::from_json(&path.display().to_string(), &text).map_err(Error::Result)
    };
    paths.iter().map(record).collect()
}

/// The prices of AWS: the built-in ones, with those of a file over them.
pub fn read_prices(path: Option<&Path>) -> Result<Prices, Error> {
    let text = path.map(|path| read(path, "the prices")).transpose()?;
    let file = path.map_or_else(String::new, |path| path.display().to_string());
    let prices = Prices::with_overlay(&file, text.as_deref().unwrap_or("{}"));
    prices.map_err(Error::Prices)
}

/// Reads a text file; `what` says what it should be.
fn read(path: &Path, what: &'static str) -> Result<String, Error> {
    files::read(path).map_err(|source| Error::Read {
        what,
        path: path.to_owned(),
        source,
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn labels(pairs: &[(String, String)]) -> Result<BTreeMap<String, String>, Error> {
    let mut labels = BTreeMap::new();
    for (name, value) in pairs {
        if labels.insert(name.clone(), value.clone()).is_some() {
            return Err(Error::Twice {
                flag: "--label",
                name: name.clone(),
            });
        }
    }
    Ok(labels)
}

/// Two gates must not write into one folder, also on file systems that ignore case.
fn reject_duplicate_names(gates: &[Gate]) -> Result<(), Error> {
    let mut seen = BTreeMap::new();
    for gate in gates {
        let name = &gate.scenario.name;
        if let Some(other) = seen.insert(gate.folder_name().to_lowercase(), name) {
            return Err(Error::TwoGatesOfOneName {
                one: other.clone(),
                other: name.clone(),
            });
        }
    }
    Ok(())
}
