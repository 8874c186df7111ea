//! Keys that people write in the wrong map of thresholds.yml, and what to write instead.

use crate::yaml::Misplaced;

/// The metrics that a limit can bound.
const METRICS: &[&str] = &[
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

/// At the top of the file.
pub(super) const IN_FILE: &[Misplaced<'_>] = &[
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

/// In `limits`.
pub(super) const IN_LIMITS: [Misplaced<'_>; 2] = [
    Misplaced {
        keys: METRICS,
        instead: "put it into a section: `overall: { KEY: VALUE }`",
    },
    Misplaced {
        keys: &[
            "gate",
            "tolerance",
            "floor",
            "must_detect",
            "missing_baseline",
            "regression",
        ],
        instead: "put it at the top of the file, where 'regression' is a section of its own",
    },
];

/// In `regression`.
pub(super) const IN_REGRESSION: &[Misplaced<'_>] = &[Misplaced {
    keys: METRICS,
    instead: "compare it by `gate: [KEY]`, and bound it in 'limits'",
}];
