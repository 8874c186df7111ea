//! The baseline on disk: the one file that this module reads and writes.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::model::{Baseline, SCHEMA};
use crate::files::{self, Claim};
use crate::record::{DocumentKind, Position, detect_document, lay_out};

/// A baseline that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be read.
    #[error("cannot read the baseline {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not a baseline.
    #[error(
        "{file} is not a loadgate baseline; restore it, or delete it and record again with 'loadgate record'"
    )]
    Json {
        /// The file.
        file: String,
        /// What the reader met, with line and column.
        source: serde_json::Error,
    },
    /// A result, which is not a baseline.
    #[error(
        "{file} is a result, not a baseline; add it with 'loadgate record GATE {file}', or compare two results with 'loadgate compare OLD NEW'"
    )]
    Result {
        /// The file.
        file: String,
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
    /// A number in it cannot be.
    #[error("{file} is not a valid loadgate baseline: {what}")]
    Broken {
        /// The file.
        file: String,
        /// What cannot be.
        what: String,
    },
    /// The file cannot be written.
    #[error("cannot write the baseline {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Reads a baseline; none where there is no such file.
pub fn read(path: &Path) -> Result<Option<Baseline>, StoreError> {
    match files::read(path) {
        Ok(text) => parse(&path.display().to_string(), &text).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Reads a baseline's text; `file` names it in errors. Safe on hostile text.
pub fn parse(file: &str, text: &str) -> Result<Baseline, StoreError> {
    let json = |source| StoreError::Json {
        file: file.to_owned(),
        source,
    };
    let text = text.trim_start_matches('\u{feff}');
    let (found, stored) = detect_document(text).map_err(json)?;
    if stored == DocumentKind::Result {
        return Err(StoreError::Result {
            file: file.to_owned(),
        });
    }
    if found > u64::from(SCHEMA) {
        return Err(StoreError::TooNew {
            file: file.to_owned(),
            found,
        });
    }
    let mut baseline: Baseline = serde_json::from_str(text).map_err(json)?;
    baseline.schema = SCHEMA;
    check(&baseline).map_err(|what| StoreError::Broken {
        file: file.to_owned(),
        what,
    })?;
    Ok(baseline)
}

/// Holds what the reader cannot: failures are among the requests, and values have a logarithm.
fn check(baseline: &Baseline) -> Result<(), String> {
    for job in baseline.jobs.iter().chain(&baseline.anchor) {
        if let Some(row) = job.reported_rows.iter().find(|row| !row.is_sound()) {
            let name = row.request.as_deref().unwrap_or("overall");
            return Err(format!("job {}, {name}: impossible figures", job.id));
        }
        for cell in &job.cells {
            let name = cell.request.as_deref().unwrap_or("overall");
            if cell.errors > cell.n {
                return Err(format!("job {}, {name}: more errors than requests", job.id));
            }
            if cell.cold.is_some_and(|cold| cold > cell.n - cell.errors) {
                return Err(format!(
                    "job {}, {name}: more cold starts than successes",
                    job.id
                ));
            }
            for (metric, (value, spread)) in &cell.metrics {
                let fine =
                    value.is_finite() && *value > 0.0 && spread.is_finite() && *spread >= 0.0;
                if !fine {
                    return Err(format!(
                        "job {}, {name}: {metric} is {value} with a spread of {spread}",
                        job.id
                    ));
                }
            }
        }
    }
    Ok(())
}

/// The right to change a stored baseline, which no other process has until this is dropped: jobs that several processes
/// add at once are all kept.
#[derive(Debug)]
pub struct Update {
    path: PathBuf,
    claim: Claim,
}

impl Update {
    /// Waits until no other process changes the file. A link is followed, so that all names of one file are one.
    pub fn new(path: &Path) -> Result<Self, StoreError> {
        let named = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let claim = Claim::new(&named).map_err(|source| StoreError::Write {
            path: path.to_owned(),
            source,
        })?;
        let path = path.to_owned();
        Ok(Self { path, claim })
    }

    /// Reads the baseline as it is now.
    pub fn read(&self) -> Result<Option<Baseline>, StoreError> {
        read(&self.path)
    }

    /// Writes it, whole or not at all.
    pub fn write(self, baseline: &Baseline) -> Result<(), StoreError> {
        let Self { path, claim } = self;
        claim
            .replace(to_json(baseline))
            .map_err(|source| StoreError::Write { path, source })
    }
}

/// The baseline as JSON with one line per request name and job, so that a commit of it shows what changed.
pub fn to_json(baseline: &Baseline) -> String {
    // Cannot fail: every key is a string or a metric, and every number is finite.
    let value = serde_json::to_value(baseline).unwrap_or_default();
    lay_out(&value, is_inline)
}

/// A list stays on its line if it is an item of a list or has neither objects nor lists.
fn is_inline(value: &Value, at: Position) -> bool {
    match value {
        Value::Array(items) => {
            at.in_list || !items.iter().any(|item| item.is_object() || item.is_array())
        }
        Value::Object(fields) => fields.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}
