//! The file as a whole: mode, limits, regression and abort, each handed to its reader.

use std::time::Duration;

use super::{Abort, Error, Mode, Names, Thresholds, limits, regression};
use crate::units::{Share, parse_duration};
use crate::yaml::{Cursor, Document, Keys, Misplaced};

/// How much of the load passes before a run may be stopped, where `abort.after` is silent.
const DEFAULT_ABORT_AFTER: Duration = Duration::from_secs(10);

/// Metrics that a limit can bound.
pub(super) const METRICS: &[&str] = &[
    "p50",
    "p90",
    "p95",
    "p99",
    "p999",
    "error_rate",
    "requests_per_second",
    "warm_p50",
    "warm_p90",
    "warm_p95",
    "warm_p99",
];

/// Keys that belong into a section or another file.
const MISPLACED: &[Misplaced<'_>] = &[
    Misplaced {
        keys: METRICS,
        instead: "put it into the limits: `limits: { overall: { KEY: VALUE } }`",
    },
    Misplaced {
        keys: &["overall", "requests", "phases", "errors", "cold", "warn"],
        instead: "put it into the limits: `limits: { KEY: VALUE }`",
    },
    Misplaced {
        keys: &[
            "gate",
            "precision",
            "tolerance",
            "history_tolerance",
            "drift_tolerance",
            "floor",
            "must_detect",
            "accepted",
            "missing_baseline",
        ],
        instead: "put it into the section on changes: `regression: { KEY: VALUE }`",
    },
    Misplaced {
        keys: &[
            "name",
            "target",
            "variables",
            "defaults",
            "user_classes",
            "load",
        ],
        instead: "put it into scenario.yml beside this file",
    },
];

/// Parses thresholds. `file` is how errors name it, and `names` what the scenario sends and when. An empty text gives
/// what holds where there is no file.
pub fn parse(file: &str, text: &str, names: &Names<'_>) -> Result<Thresholds, Error> {
    let document = Document::parse(file, text)?;
    let keys = ["mode", "limits", "regression", "abort"];
    let root = document.root().fields(Keys {
        known: &keys,
        misplaced: MISPLACED,
    })?;
    let (limits, availability) = limits::read(root.get("limits"), names)?;
    Ok(Thresholds {
        mode: root.read_or("mode", Mode::default(), |cursor| {
            cursor.one_of(&[("enforce", Mode::Enforce), ("observe", Mode::Observe)])
        })?,
        limits,
        availability,
        regression: regression::read(root.entry("regression"), names)?,
        abort: root.get("abort").map(abort).transpose()?,
    })
}

fn abort(cursor: &Cursor<'_>) -> Result<Abort, Error> {
    let fields = cursor.fields(Keys::known(&["error_rate", "after"]))?;
    let rate = fields.require("error_rate")?;
    let error_rate: Share = rate.read(str::parse)?;
    if error_rate.fraction() <= 0.0 {
        return Err(rate.error("must be above 0%, or every run would be stopped"));
    }
    Ok(Abort {
        error_rate,
        after: fields.read_or("after", DEFAULT_ABORT_AFTER, |cursor| {
            cursor.read(parse_duration)
        })?,
    })
}
