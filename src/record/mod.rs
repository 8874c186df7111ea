//! What do we keep? The versioned record of a run, from which everything later is computed.
//!
//! This module is pure: a `Measurement` and its circumstances in, a `RunRecord` out, and `RunRecord`s to JSON and back.
//! It must not know what is promised, what was measured before, or where files lie.

mod aws;
mod breakdown;
mod build;
mod json;
mod json_layout;
mod level;
mod model;
mod phase;
mod pooled;
#[cfg(test)]
pub(crate) mod samples;
mod seconds;
mod sent;
mod slice;
mod slice_filter;
mod units;
mod unsent;

pub use aws::{
    AwsFigures, AwsRecord, CostRecord, FunctionRecord, JoinRecord, PhaseReports, ReportsRecord,
    SeriesRecord, SliceReports, TraceParts, TracedRecord,
};
pub use breakdown::Breakdown;
pub use build::{RunDetails, build, phases};
pub use json::{DocumentKind, Error, detect_document};
pub use json_layout::{Position, lay_out};
pub use level::{Level, Shortage, level, mean_of_medians, median};
pub use model::{
    COUNTING, Deployment, DuetSettings, Ended, Environment, Health, LOOKS, PartsRecord,
    ReferenceRecord, RunInfo, RunRecord, SCHEMA, ScenarioIdentity, SecondRecord, UnsentRecord,
};
pub use phase::{LoadModel, PhaseRecord};
pub use seconds::{LoadRate, LoadSeconds};
pub use sent::{SentError, read_sent, write_sent};
pub use slice::{RequestRecord, SilenceRecord, SliceRecord, Throughput, quantiles_ms};
pub use slice_filter::{DropCount, SliceFilter};
pub use units::{Aggregate, has_small_tail, log_units, needed_in_all, needed_per_unit};
