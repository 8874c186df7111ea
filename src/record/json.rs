//! Records to JSON and back.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::json_layout::{Position, lay_out};
use super::{RunRecord, SCHEMA};

/// A stored record that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not JSON, or not a record.
    #[error("{file} is not a loadgate result: {source}")]
    Json {
        /// The file.
        file: String,
        /// What the reader met, with line and column.
        source: serde_json::Error,
    },
    /// Written by a newer loadgate.
    #[error(
        "{file} has schema {found}, but this loadgate reads at most {SCHEMA}; use a newer loadgate"
    )]
    TooNew {
        /// The file.
        file: String,
        /// Its schema.
        found: u64,
    },
    /// A baseline, given in place of a result.
    #[error("{file} is a baseline, not the result of a run; name a result.json")]
    Baseline {
        /// The file.
        file: String,
    },
    /// Its parts do not fit together.
    #[error("{file} is not a valid loadgate result: {what}")]
    Broken {
        /// The file.
        file: String,
        /// What does not fit.
        what: String,
    },
}

/// The field that every version has, and those that only a baseline or only a result has: their schemas count apart.
#[derive(Deserialize)]
struct Versioned {
    schema: u64,
    jobs: Option<IgnoredAny>,
    slices: Option<IgnoredAny>,
}

/// The kind of a stored JSON document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// It has a baseline's jobs.
    Baseline,
    /// It has a result's slices.
    Result,
    /// Neither, or both.
    Unknown,
}

/// Reads the schema of a stored JSON document, and what it is.
pub fn detect_document(text: &str) -> Result<(u64, DocumentKind), serde_json::Error> {
    let versioned: Versioned = serde_json::from_str(text)?;
    let stored = match (versioned.jobs, versioned.slices) {
        (Some(_), None) => DocumentKind::Baseline,
        (None, Some(_)) => DocumentKind::Result,
        (None, None) | (Some(_), Some(_)) => DocumentKind::Unknown,
    };
    Ok((versioned.schema, stored))
}

impl RunRecord {
    /// The record as JSON text, the same for the same record.
    pub fn to_json(&self) -> String {
        // Cannot fail: every key is a string or a metric, and every number is finite.
        let value = serde_json::to_value(self).unwrap_or_default();
        lay_out(&value, is_inline)
    }

    /// Reads a record; `file` names it in errors. Safe on hostile text.
    pub fn from_json(file: &str, text: &str) -> Result<Self, Error> {
        let json = |source| Error::Json {
            file: file.to_owned(),
            source,
        };
        let text = text.trim_start_matches('\u{feff}');
        let (found, stored) = detect_document(text).map_err(json)?;
        if stored == DocumentKind::Baseline {
            return Err(Error::Baseline {
                file: file.to_owned(),
            });
        }
        if found > u64::from(SCHEMA) {
            return Err(Error::TooNew {
                file: file.to_owned(),
                found,
            });
        }
        let record: Self = serde_json::from_str(text).map_err(json)?;
        record.check().map_err(|what| Error::Broken {
            file: file.to_owned(),
            what,
        })?;
        Ok(record)
    }

    /// Holds what the reader cannot: indices within bounds, times that are times, counts that add up.
    fn check(&self) -> Result<(), String> {
        let (requests, phases) = (self.requests.len(), self.phases.len());
        for (index, slice) in self.slices.iter().enumerate() {
            let at = |what: &str| format!("slice {index} {what}");
            if slice.phase >= phases {
                return Err(at("belongs to an unknown phase"));
            }
            if !(is_time(slice.start_s) && is_time(slice.length_s) && is_time(slice.late_p99_s)) {
                return Err(at("has a negative time"));
            }
            for cell in &slice.cells {
                if cell.request >= requests {
                    return Err(at("has an unknown request"));
                }
                if total(cell.cell.errors.values()) != u128::from(cell.cell.failures()) {
                    return Err(at("has failures that do not add up"));
                }
                if cell.cell.cold.count() > cell.cell.succeeded.count() {
                    return Err(at("has more cold starts than successes"));
                }
                let censored = cell
                    .cell
                    .errors
                    .iter()
                    .filter(|(kind, _)| kind.is_censored());
                if total(censored.map(|(_, count)| count)) != u128::from(cell.cell.censored.count())
                {
                    return Err(at("has timeouts that do not add up"));
                }
            }
        }
        let stray = |parts: &super::PartsRecord| parts.phase >= phases || parts.request >= requests;
        if self.parts.iter().any(stray) {
            return Err("a latency part belongs to an unknown phase or request".to_owned());
        }
        if !is_time(self.run.duration_s) {
            return Err("its duration is negative".to_owned());
        }
        Ok(())
    }
}

/// A value this short stays on its line.
const SHORT: usize = 100;
/// Depth from which any value does: the requests of one name in one slice.
const INLINE_DEPTH: usize = 4;

/// One line for a cell, a part or a second, so that a person can page through the file and half of it is not white space.
fn is_inline(value: &Value, at: Position) -> bool {
    // Only what has few parts can be short, and only that is worth a try.
    let parts = match value {
        Value::Object(fields) => fields.len(),
        Value::Array(items) => items.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    };
    at.depth >= INLINE_DEPTH || (parts <= SHORT / 4 && value.to_string().len() <= SHORT)
}

fn is_time(seconds: f64) -> bool {
    seconds.is_finite() && seconds >= 0.0
}

/// A sum that no stored number can overflow.
fn total<'a>(counts: impl Iterator<Item = &'a u64>) -> u128 {
    counts.map(|count| u128::from(*count)).sum()
}
