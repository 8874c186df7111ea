//! The names of the scenario that thresholds may use.

use super::{Error, Subject};
use crate::metric::Metric;
use crate::yaml::{Cursor, Entry, suggest};

/// The names of the scenario that thresholds may use.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Names of the requests.
    pub requests: &'a [String],
    /// Names of the phases, each once.
    pub phases: &'a [PhaseName],
    /// Whether the scenario says how cold starts are found: by `cold_start` or `aws.functions`.
    pub cold_start: bool,
    /// Whether the scenario names AWS services.
    pub aws: bool,
}

/// A phase as thresholds see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseName {
    /// Its name.
    pub name: String,
    /// Whether it is measured; limits and regression checks use measured phases only.
    pub measured: bool,
}

impl Names<'_> {
    /// Refuses a metric of cold or warm starts if the scenario does not say how they are found.
    pub(super) fn allow(&self, metric: Metric) -> Result<(), String> {
        if self.cold_start || !metric.needs_marks() {
            return Ok(());
        }
        Err(format!(
            "the scenario does not say how to detect cold starts for '{metric}': write cold_start in the scenario, such as \
             {{ header: x-cold-start, equals: \"true\" }}, or the functions in `aws`"
        ))
    }

    /// The request that a key names.
    pub(super) fn request(&self, entry: &Entry<'_>) -> Result<Subject, Error> {
        let name = entry.name();
        self.find_request(name)
            .map_err(|message| entry.error(message))
    }

    /// The request that a value names; `overall` is all of them.
    pub(super) fn subject(&self, cursor: &Cursor<'_>) -> Result<Subject, Error> {
        match cursor.line_of_text()? {
            "overall" => Ok(Subject::Overall),
            name => self
                .find_request(name)
                .map_err(|message| cursor.error(message)),
        }
    }

    fn find_request(&self, name: &str) -> Result<Subject, String> {
        if self.requests.iter().any(|other| other == name) {
            return Ok(Subject::Request(name.to_owned()));
        }
        let known = self.requests.iter().map(String::as_str);
        let listed = format!("it has {}", self.requests.join(", "));
        let suggestion = suggest(name, known, &listed);
        Err(format!(
            "the scenario has no request named '{name}'{suggestion}"
        ))
    }

    /// The measured phase that a key names.
    pub(super) fn phase(&self, entry: &Entry<'_>) -> Result<String, Error> {
        self.find_phase(entry.name())
            .map_err(|message| entry.error(message))
    }

    /// The measured phase that a value names.
    pub(super) fn phase_value(&self, cursor: &Cursor<'_>) -> Result<String, Error> {
        self.find_phase(cursor.line_of_text()?)
            .map_err(|message| cursor.error(message))
    }

    fn find_phase(&self, name: &str) -> Result<String, String> {
        let measured = || {
            self.phases
                .iter()
                .filter(|phase| phase.measured)
                .map(|phase| phase.name.as_str())
        };
        match self.phases.iter().find(|phase| phase.name == name) {
            Some(phase) if phase.measured => Ok(name.to_owned()),
            Some(_) => Err(format!(
                "the phase '{name}' is not measured; remove 'measure: false' from it in the scenario, or use another one"
            )),
            None => {
                let listed = format!("it measures {}", measured().collect::<Vec<_>>().join(", "));
                let suggestion = suggest(name, measured(), &listed);
                Err(format!(
                    "the scenario has no phase named '{name}'{suggestion}"
                ))
            }
        }
    }
}
