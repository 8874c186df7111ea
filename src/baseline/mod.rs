//! What was it before? Accepted jobs, stored as `baseline.json`.
//!
//! This module reads and writes its one file and nothing else. It must not know how a change is judged.

mod matching;
mod model;
mod outlier;
mod reported;
mod ring;
pub mod store;
mod stored;
mod summary;

pub use matching::{
    Difference, Matching, Mismatch, RunContext, anchor, differences, matching, scenario_diff,
};
pub use model::{Baseline, Job, PhaseScope, RING, RequestSummary, SCHEMA};
pub use outlier::{outliers, p95};
pub use reported::{ReportedLatencies, ReportedRow};
pub use ring::{DropError, add, contains, exclude_runs, remove, set_anchor};
pub use store::StoreError;
pub use summary::{summarize, summarize_kept};
