//! One gate: a folder with a scenario, thresholds and a baseline.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Error, Options, read, variable};
use crate::baseline::{Baseline, store};
use crate::load::{Origin, Proxy};
use crate::record::{PhaseRecord, phases};
use crate::scenario::{self, Scenario};
use crate::thresholds::{self, Names, PhaseName, Thresholds};

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
    /// The deployment to load; none where neither the arguments nor the scenario name one.
    target: Option<Origin>,
    /// Seed of every random draw: given, or the scenario's own, so that equal scenarios send equal requests.
    pub seed: u64,
}

impl Gate {
    /// Reads the files of a gate.
    pub fn read(folder: &Path, options: &Options) -> Result<Self, Error> {
        if !folder.is_dir() {
            return Err(Error::NoGate(folder.to_owned()));
        }
        let scenario = read_scenario(&folder.join("scenario.yml"), &options.set)?;
        let thresholds_path = folder.join("thresholds.yml");
        let thresholds = read_thresholds(&thresholds_path, &scenario)?;
        let own = folder.join("baseline.json");
        let baseline_path = options.baseline.clone().unwrap_or(own);
        let baseline = store::read(&baseline_path).map_err(Error::Baseline)?;
        if options.baseline.is_some()
            && baseline.is_none()
            && options.recording == super::Recording::Off
        {
            return Err(Error::NoBaseline(baseline_path));
        }
        let target = target(folder, options, &scenario)?;
        Ok(Self {
            folder: folder.to_owned(),
            seed: options.seed.unwrap_or_else(|| own_seed(&scenario)),
            scenario,
            thresholds,
            thresholds_path,
            baseline,
            baseline_path,
            target,
        })
    }
}

impl Gate {
    /// The deployment to load.
    pub fn target(&self) -> Result<&Origin, Error> {
        self.target
            .as_ref()
            .ok_or_else(|| Error::NoTarget(self.folder.join("scenario.yml")))
    }
}

fn target(folder: &Path, options: &Options, scenario: &Scenario) -> Result<Option<Origin>, Error> {
    let (text, place) = match (&options.target, &scenario.target) {
        (Some(given), _) => (given, "--target".to_owned()),
        (None, Some(written)) => (written, folder.join("scenario.yml").display().to_string()),
        (None, None) => return Ok(None),
    };
    let origin: Origin = text
        .parse()
        .map_err(|source| Error::Target { place, source })?;
    // Load for this machine never leaves it.
    if origin.is_loopback() {
        return Ok(Some(origin));
    }
    let proxy = Proxy::find(&origin.to_string(), &variable).map_err(Error::Proxy)?;
    Ok(Some(match proxy {
        Some(proxy) => origin.through(proxy, scenario.http),
        None => origin,
    }))
}

fn read_scenario(path: &Path, set: &[(String, String)]) -> Result<Scenario, Error> {
    let text = read(path, "the scenario")?;
    let mut overrides = BTreeMap::new();
    for (name, value) in set {
        if overrides.insert(name.clone(), value.clone()).is_some() {
            return Err(Error::Twice {
                flag: "--set",
                name: name.clone(),
            });
        }
    }
    let file = path.display().to_string();
    scenario::parse(&file, &text, &overrides, &variable).map_err(Error::Scenario)
}

/// A gate without thresholds.yml has the limits that hold where the file is silent.
fn read_thresholds(path: &Path, scenario: &Scenario) -> Result<Thresholds, Error> {
    let text = if path.exists() {
        read(path, "the thresholds")?
    } else {
        String::new()
    };
    let phase = |record: PhaseRecord| PhaseName {
        name: record.name,
        measured: record.measured,
    };
    let phases: Vec<PhaseName> = phases(&scenario.load).into_iter().map(phase).collect();
    let names = Names {
        requests: &scenario.requests,
        phases: &phases,
    };
    let file = path.display().to_string();
    thresholds::parse(&file, &text, &names).map_err(Error::Thresholds)
}

/// 32 bits of the scenario's identity: small enough for every reader of JSON.
fn own_seed(scenario: &Scenario) -> u64 {
    let digits = scenario.sha256.get(..8).unwrap_or_default();
    u64::from_str_radix(digits, 16).unwrap_or_default()
}
