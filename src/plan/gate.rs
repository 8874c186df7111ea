//! One gate: a folder with a scenario, thresholds and a baseline.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::against::{self, Against};
use super::base::{self, Deployments};
use super::baseline_location::{self, BaselineLocation};
use super::include_root::IncludeRoot;
use super::interleave;
use super::reference::{self, ReferencePlan};
use super::{Commands, Error, GateText, ManagedServers, Options, RecordMode, variable};
use crate::baseline::{Baseline, store};
use crate::http_client;
use crate::load::{DuetTurns, Origin, Proxy, duet_load};
use crate::record::{PhaseRecord, RunRecord, phases};
use crate::scenario::{self, Files, Inputs, Phase, RowOrder, Scenario, Step};
use crate::thresholds::{self, Names, PhaseName, Thresholds};

/// The longest files of a gate that are read, in bytes. The reader of YAML refuses more than 1 MB, with a message of its own.
const LONGEST_YAML: u64 = 1 << 20;
const LONGEST_BASELINE: u64 = baseline_location::MOST_BYTES as u64;

/// What stands for a variable that is not set, where nothing is sent.
const STAND_IN: &str = "unset";

/// A gate with its files read and checked.
#[derive(Debug)]
pub struct Gate {
    /// Its folder, as the arguments name it.
    pub folder: PathBuf,
    /// What is sent.
    pub scenario: Scenario,
    /// What is promised.
    pub thresholds: Thresholds,
    /// Where the thresholds stand, or would.
    pub thresholds_path: PathBuf,
    /// What was before; none where there is no such file.
    pub baseline: Option<Baseline>,
    /// Where the baseline stands, or would.
    pub baseline_path: PathBuf,
    /// Why there is no baseline at the address that was given.
    pub baseline_note: Option<String>,
    /// The deployment to load; none where neither the arguments nor the scenario name one.
    target: Option<Origin>,
    /// The base version to load in turns with it, in a duet.
    pub against: Option<Against>,
    /// What is measured beside the target in a run without a base, and never changes.
    pub reference: Option<ReferencePlan>,
    /// Whether a run goes on without the base where it cannot be loaded: the thresholds name it, and no flag does.
    pub is_base_optional: bool,
    /// Whether the thresholds say what serves the target.
    pub is_target_own: bool,
    /// Why the base that the thresholds name is not loaded.
    pub base_missing: Option<String>,
    /// Servers that are started for a run.
    pub serving: ManagedServers,
    /// How the two share a duet, or would if a base version were given.
    pub turns: DuetTurns,
    /// Variables of the environment that a run needs and that are not set.
    pub unset: BTreeSet<String>,
    /// Seed of every random draw: given, or the scenario's own, so that equal scenarios send equal requests.
    pub seed: u64,
}

/// The files of a gate, read one after the other, so that the first wrong one is named.
struct Texts<'t> {
    folder: &'t Path,
    scenario: &'t str,
    /// What the scenario may name.
    files: Option<&'t Files<'t>>,
    thresholds: &'t dyn Fn() -> Result<String, Error>,
    baseline: &'t dyn Fn() -> Result<Option<Baseline>, Error>,
}

impl Gate {
    /// Reads the files of a gate that needs no deployment.
    pub fn read(folder: &Path, options: &Options) -> Result<Self, Error> {
        Self::read_for(folder, options, &ManagedServers::default())
    }

    /// Reads the files of a gate, and settles which deployments it loads.
    pub(super) fn read_for(
        folder: &Path,
        options: &Options,
        serving: &ManagedServers,
    ) -> Result<Self, Error> {
        let scenario_path = folder.join("scenario.yml");
        if !scenario_path.exists() {
            return Err(no_gate(folder));
        }
        let repository = IncludeRoot::of(folder).map_err(|source| Error::Read {
            what: "the gate",
            path: folder.to_owned(),
            source,
        })?;
        let open = |from: &str, path: &str| repository.open(from, path);
        let files = Files::new(&open);
        let own = |path: &Path, what, most| {
            let text = repository.read(path, most);
            text.map_err(|source| Error::Read {
                what,
                path: path.to_owned(),
                source,
            })
        };
        let text = own(&scenario_path, "the scenario", LONGEST_YAML)?;
        let thresholds_path = folder.join("thresholds.yml");
        let thresholds = || {
            if is_there(&thresholds_path) {
                own(&thresholds_path, "the thresholds", LONGEST_YAML)
            } else {
                Ok(String::new())
            }
        };
        let beside = folder.join("baseline.json");
        let baseline = || {
            if !is_there(&beside) {
                return Ok(None);
            }
            let text = own(&beside, "the baseline", LONGEST_BASELINE)?;
            parse_baseline(&beside, &text).map(Some)
        };
        let files = Texts {
            folder,
            scenario: &text,
            files: Some(&files),
            thresholds: &thresholds,
            baseline: &baseline,
        };
        Self::settle(&files, options, serving, &variable)
    }

    /// Checks a gate without a folder, and settles which deployments it loads.
    pub(super) fn from_text(
        text: &GateText,
        options: &Options,
        serving: &ManagedServers,
    ) -> Result<Self, Error> {
        let files = Texts {
            folder: Path::new(""),
            scenario: text.scenario.as_str(),
            files: None,
            thresholds: &|| Ok(text.thresholds.as_str().to_owned()),
            baseline: &|| Ok(None),
        };
        let variable = |name: &str| {
            text.environment
                .get(name)
                .cloned()
                .or_else(|| variable(name))
        };
        Self::settle(&files, options, serving, &variable).map_err(|error| text.explain(error))
    }

    fn settle(
        texts: &Texts<'_>,
        options: &Options,
        serving: &ManagedServers,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let folder = texts.folder;
        let scenario_path = folder.join("scenario.yml");
        let read = |set: &[(String, String)]| read_scenario(texts, set, options, variable);
        let (scenario, unset) = read(&options.set)?;
        let thresholds_path = folder.join("thresholds.yml");
        let thresholds = read_thresholds(&thresholds_path, &(texts.thresholds)()?, &scenario)?;
        let (baseline_path, (baseline, baseline_note)) = match &options.baseline {
            None => (folder.join("baseline.json"), ((texts.baseline)()?, None)),
            Some(BaselineLocation::Url(_)) if options.record_mode == RecordMode::IfAcceptable => {
                return Err(Error::RecordingAtUrl);
            }
            Some(place @ BaselineLocation::Url(_)) => {
                (folder.join("baseline.json"), read_baseline_at(place)?)
            }
            Some(BaselineLocation::File(path))
                if options.record_mode == RecordMode::IfAcceptable =>
            {
                (path.clone(), (read_baseline(path)?, None))
            }
            Some(place @ BaselineLocation::File(path)) => (path.clone(), read_baseline_at(place)?),
        };
        let has_target = options.target.is_some() || scenario.target.is_some();
        let own = (thresholds_path.as_path(), &thresholds);
        let found = base::deployments(options, serving, own, baseline.as_ref(), has_target)?;
        let serving = &found.serving;
        let target = target(&scenario_path, options, serving, &scenario)?;
        let against = against(options, &found, &thresholds, read)?;
        let is_here = target.as_ref().is_some_and(Origin::is_loopback);
        let (turns, load) = if let Some(against) = &against {
            let load = duet_load(&scenario.load, &against.turns);
            (against.turns, load)
        } else {
            let turns = against::usual_turns(serving, &thresholds, &scenario, is_here)?;
            (turns, scenario.load.clone())
        };
        enough_rows(&scenario_path, &scenario, &load)?;
        let place = format!("{}: regression.reference", thresholds_path.display());
        let place = |url: &str| origin(url, &place, &scenario);
        let reference = if against.is_none() {
            let own = (thresholds_path.as_path(), &thresholds);
            reference::reference(options, own, &scenario, baseline.as_ref(), place)?
        } else {
            None
        };
        Ok(Self {
            folder: folder.to_owned(),
            seed: options.seed.unwrap_or_else(|| own_seed(&scenario)),
            scenario,
            thresholds,
            thresholds_path,
            baseline,
            baseline_path,
            baseline_note,
            target,
            against,
            reference,
            is_base_optional: found.is_own_base,
            is_target_own: found.is_own_target,
            base_missing: found.base_missing,
            serving: found.serving,
            turns,
            unset,
        })
    }
}

impl Gate {
    /// Whether both versions of a duet may be loaded at once.
    pub fn may_mix(&self) -> bool {
        !interleave::judges_rate(&self.thresholds)
    }

    /// Refuses a gate that would send nothing. What hangs on a variable that is not set is not known yet.
    pub(super) fn reject_empty_thresholds(&self) -> Result<(), Error> {
        let tasks = self.scenario.user_classes.iter().flat_map(|it| &it.tasks);
        let mut requests = tasks
            .flat_map(|task| &task.steps)
            .filter(|step| step.request().is_some());
        if self.unset.is_empty() && requests.all(Step::is_never_done) {
            return Err(Error::NothingToSend(self.folder.join("scenario.yml")));
        }
        Ok(())
    }

    /// The name of the folder for its results, when several gates share an output folder: its own name, without what would
    /// lead elsewhere.
    pub fn folder_name(&self) -> String {
        folder_name(&self.scenario.name)
    }

    /// The deployment to load.
    pub fn target(&self) -> Result<&Origin, Error> {
        self.target
            .as_ref()
            .ok_or_else(|| Error::NoTarget(self.folder.join("scenario.yml")))
    }
}

/// Why a path is not a gate.
fn no_gate(path: &Path) -> Error {
    let text = path.to_string_lossy();
    if path.is_dir() {
        return Error::NoScenario(path.to_owned());
    }
    if path.is_file() {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        return Error::GateIsFile {
            file: path.to_owned(),
            folder: folder.unwrap_or(Path::new(".")).to_owned(),
        };
    }
    if text.contains("://") {
        return Error::GateIsAddress(http_client::without_secrets(&text));
    }
    Error::NoGate(path.to_owned())
}

/// Whether something has this name, be it a link that leads nowhere.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Reads the text of a gate's own baseline, which lies in its repository.
fn parse_baseline(path: &Path, text: &str) -> Result<Baseline, Error> {
    if text.len() as u64 > LONGEST_BASELINE {
        return Err(Error::Read {
            what: "the baseline",
            path: path.to_owned(),
            source: std::io::ErrorKind::FileTooLarge.into(),
        });
    }
    store::parse(&path.display().to_string(), text).map_err(Error::Baseline)
}

fn read_baseline(path: &Path) -> Result<Option<Baseline>, Error> {
    store::read(path).map_err(Error::Baseline)
}

/// Reads a baseline that was named and must be there; none with the reason where an address has none.
pub fn read_baseline_at(
    place: &BaselineLocation,
) -> Result<(Option<Baseline>, Option<String>), Error> {
    match place {
        BaselineLocation::Url(url) => baseline_location::fetch(url),
        BaselineLocation::File(path) => match read_baseline(path)? {
            None => Err(Error::NoBaseline(path.clone())),
            baseline => Ok((baseline, None)),
        },
    }
}

/// The thresholds of a gate that has none, for a stored result.
pub fn empty_thresholds(record: &RunRecord) -> Result<Thresholds, Error> {
    let names = Names {
        requests: &record.requests,
        phases: &phase_names(&record.phases),
        cold_start: record.marks_cold_starts(),
        aws: record.aws.is_some(),
    };
    thresholds::parse("thresholds.yml", "", &names).map_err(Error::Thresholds)
}

/// The files of a run, so that no gate's folder has the name of one.
pub const OUTPUTS: [&str; 11] = [
    "result.json",
    "requests.csv.gz",
    "junit.xml",
    "summary.md",
    "report.html",
    "metrics.txt",
    "metrics-gated.txt",
    "load-performance.json",
    "target.log",
    "base.log",
    "reference.log",
];

/// The longest name of a folder, in bytes: half of what file systems take.
const LONGEST_NAME: usize = 120;

/// A name that is that of one folder on every system.
fn folder_name(name: &str) -> String {
    let is_safe = |c: char| c.is_alphanumeric() || " -_.+@=,".contains(c);
    let mut safe: String = name
        .chars()
        .map(|c| if is_safe(c) { c } else { '-' })
        .collect();
    safe.truncate(safe.floor_char_boundary(LONGEST_NAME));
    let safe = safe.trim_matches([' ', '.']);
    // Windows gives these names to devices, whatever extension they have.
    let stem = safe.split('.').next().unwrap_or_default().trim_end();
    let is_device = ["con", "prn", "aux", "nul"].contains(&stem.to_ascii_lowercase().as_str())
        || (stem.len() == 4
            && ["com", "lpt"].contains(&stem[..3].to_ascii_lowercase().as_str())
            && stem.ends_with(|c: char| c.is_ascii_digit()));
    match safe {
        "" => "gate".to_owned(),
        safe if is_device || is_output(safe) => format!("{safe}-"),
        safe => safe.to_owned(),
    }
}

/// Whether a file of this name lies beside the folders of several gates, also where case is ignored.
fn is_output(name: &str) -> bool {
    OUTPUTS.iter().any(|own| own.eq_ignore_ascii_case(name))
}

fn target(
    path: &Path,
    options: &Options,
    serving: &ManagedServers,
    scenario: &Scenario,
) -> Result<Option<Origin>, Error> {
    if let Some(server) = &serving.target {
        return origin(&server.url(), "--target-cmd", scenario).map(Some);
    }
    match (&options.target, &scenario.target) {
        (Some(given), _) => origin(given, "--target", scenario).map(Some),
        (None, Some(written)) => origin(written, &path.display().to_string(), scenario).map(Some),
        (None, None) => Ok(None),
    }
}

/// The base version, where one is given.
fn against(
    options: &Options,
    found: &Deployments,
    thresholds: &Thresholds,
    read: impl Fn(&[(String, String)]) -> Result<(Scenario, BTreeSet<String>), Error>,
) -> Result<Option<Against>, Error> {
    let started = found.serving.base.as_ref();
    let (url, place, commit) = match (started, &found.base_url) {
        (Some(server), _) => (server.url(), "--base-cmd", server.revision.clone()),
        (None, Some(base)) => (base.text.clone(), base.place.as_str(), base.commit.clone()),
        (None, None) if found.base_missing.is_some() => return Ok(None),
        (None, None) => return against::reject_without_base(options).map(|()| None),
    };
    let mut set = options.set.clone();
    set.retain(|(name, _)| !options.against_set.iter().any(|(own, _)| own == name));
    set.extend(options.against_set.iter().cloned());
    let (scenario, _) = read(&set)?;
    let base = origin(&url, place, &scenario)?;
    let against = against::against(options, &found.serving, thresholds, (scenario, base))?;
    Ok(Some(Against { commit, ..against }))
}

/// A deployment's address, through the proxy that the environment names for it.
fn origin(text: &str, place: &str, scenario: &Scenario) -> Result<Origin, Error> {
    let origin: Origin = text.parse().map_err(|source| Error::Target {
        place: place.to_owned(),
        source,
    })?;
    // Load for this machine never leaves it.
    if origin.is_loopback() {
        return Ok(origin);
    }
    let proxy = Proxy::find(&origin, &variable).map_err(Error::Proxy)?;
    Ok(match proxy {
        Some(proxy) => origin.through(proxy, scenario.http),
        None => origin,
    })
}

/// Where each user has a row for itself, there must be as many as users will come. How many arrivals will make is not
/// known; one that finds no row left fails.
fn enough_rows(path: &Path, scenario: &Scenario, load: &[Phase]) -> Result<(), Error> {
    let unique = |data: &&scenario::Data| data.order == RowOrder::Unique;
    for data in scenario.data.iter().filter(unique) {
        let (rows, users) = (
            data.table.rows(),
            scenario.unique_row_users(load, &data.name),
        );
        if (rows as f64) < users.floor() {
            return Err(Error::TooFewRows {
                path: path.to_owned(),
                name: data.name.clone(),
                rows,
                users: users.floor(),
            });
        }
    }
    Ok(())
}

fn read_scenario(
    texts: &Texts<'_>,
    set: &[(String, String)],
    options: &Options,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(Scenario, BTreeSet<String>), Error> {
    let mut overrides = BTreeMap::new();
    for (name, value) in set {
        if overrides.insert(name.clone(), value.clone()).is_some() {
            return Err(Error::Twice {
                flag: "--set",
                name: name.clone(),
            });
        }
    }
    let (file, text) = (texts.folder.join("scenario.yml"), texts.scenario);
    let file = file.display().to_string();
    // What is only read, and never sent, needs no secret: something stands for one that is not set.
    let unset = RefCell::new(BTreeSet::new());
    let stand_in = |name: &str| {
        let value = variable(name).filter(|value| !value.is_empty());
        value.or_else(|| {
            unset.borrow_mut().insert(name.to_owned());
            Some(STAND_IN.to_owned())
        })
    };
    let inputs = Inputs {
        set: &overrides,
        environment: options.environment.as_deref(),
        env: variable,
        files: texts.files,
        commands: match options.commands {
            Commands::NeverRun | Commands::Allowed => scenario::Commands::Allowed,
            Commands::Refused => scenario::Commands::Refused,
        },
    };
    if options.commands == Commands::NeverRun {
        let lenient = Inputs {
            env: &stand_in,
            ..inputs
        };
        // Where a number was expected, say, the message is that of the variable itself.
        if let Ok(scenario) = scenario::parse(&file, text, &lenient) {
            return Ok((scenario, unset.into_inner()));
        }
    }
    let scenario = scenario::parse(&file, text, &inputs).map_err(Error::Scenario)?;
    Ok((scenario, BTreeSet::new()))
}

/// A gate without thresholds.yml has the limits that hold where the file is silent.
fn read_thresholds(path: &Path, text: &str, scenario: &Scenario) -> Result<Thresholds, Error> {
    let phases = phase_names(&phases(&scenario.load));
    let names = Names {
        requests: &scenario.requests,
        phases: &phases,
        cold_start: scenario.marks_cold_starts(),
        aws: scenario.aws.is_some(),
    };
    let file = path.display().to_string();
    thresholds::parse(&file, text, &names).map_err(Error::Thresholds)
}

/// The phases of a record as thresholds name them.
pub fn phase_names(phases: &[PhaseRecord]) -> Vec<PhaseName> {
    let name = |phase: &PhaseRecord| PhaseName {
        name: phase.name.clone(),
        measured: phase.measured,
    };
    phases.iter().map(name).collect()
}

/// 32 bits of the scenario's identity: small enough for every reader of JSON.
fn own_seed(scenario: &Scenario) -> u64 {
    let digits = scenario.sha256.get(..8).unwrap_or_default();
    u64::from_str_radix(digits, 16).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_gate_stays_below_the_output_folder() {
        for (name, folder) in [
            ("lambda-catalog", "lambda-catalog"),
            ("Bestellung über API v1.2", "Bestellung über API v1.2"),
            ("../../escaped", "-..-escaped"),
            ("/etc/cron.d", "-etc-cron.d"),
            ("..", "gate"),
            (".", "gate"),
            (".git", "git"),
            ("a\\b:c\0d\n", "a-b-c-d-"),
            ("NUL", "NUL-"),
            ("com1.txt", "com1.txt-"),
            ("con", "con-"),
            ("result.json", "result.json-"),
            ("Summary.MD", "Summary.MD-"),
            ("name. ", "name"),
            ("", "gate"),
        ] {
            assert_eq!(folder_name(name), folder, "{name}");
        }
        assert_eq!(folder_name(&"é".repeat(500)).len(), LONGEST_NAME);
    }
}
