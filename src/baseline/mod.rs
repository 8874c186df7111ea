//! What was it before? Accepted jobs, stored as `baseline.json`.
//!
//! This room reads and writes its one file and nothing else. It must not know how a change is judged.

mod matching;
mod model;
mod outlier;
mod ring;
pub mod store;
mod stored;
mod summary;
mod told;

pub use matching::{
    Difference, Matching, Mismatch, Setting, anchor, differences, matching, scenario_diff,
};
pub use model::{Baseline, CellSummary, Job, RING, SCHEMA, Scope};
pub use outlier::{outliers, p95};
pub use ring::{DropError, add, forget, holds, remove, set_anchor};
pub use store::StoreError;
pub use summary::{summarize, summarize_kept};
pub use told::{ToldLatencies, ToldRow};
