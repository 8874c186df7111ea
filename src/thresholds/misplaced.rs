//! Keys that people write in the wrong map of thresholds.yml, and what to write instead.

use crate::yaml::{Misplaced, misplaced};

/// At the top of the file.
pub(super) const IN_FILE: &[Misplaced<'_>] = misplaced! {
    p50 p90 p95 p99 p999 error_rate requests_per_second warm_p50 warm_p90 warm_p95 warm_p99 =>
        "put it into the limits: `limits: { overall: { KEY: VALUE } }`";
    overall requests phases errors cold warn => "put it into the limits: `limits: { KEY: VALUE }`";
    gate precision instances tolerance history_tolerance drift_tolerance floor must_detect accepted missing_baseline =>
        "put it into the section on changes: `regression: { KEY: VALUE }`";
    name target variables defaults user_classes load => "put it into scenario.yml beside this file";
};

/// In `limits`.
pub(super) const IN_LIMITS: &[Misplaced<'_>] = misplaced! {
    p50 p90 p95 p99 p999 error_rate requests_per_second warm_p50 warm_p90 warm_p95 warm_p99 =>
        "put it into a section: `overall: { KEY: VALUE }`";
    gate tolerance floor must_detect missing_baseline regression =>
        "put it at the top of the file, or into its section 'regression'";
};

/// In `regression`.
pub(super) const IN_REGRESSION: &[Misplaced<'_>] = misplaced! {
    p50 p90 p95 p99 p999 error_rate requests_per_second warm_p50 warm_p90 warm_p95 warm_p99 =>
        "compare it by `gate: [KEY]`, and bound it in 'limits'";
};
