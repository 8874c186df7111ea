//! What a run answers beside its verdict: phases side by side, cold starts, errors, and how it went over time.
//!
//! Functions from records to figures; the words for them are in `words`, and what has to be tested is the verdict's.

mod before;
mod cold;
mod errors;
mod phases;
mod time;

pub(super) use before::{LatencyRow, Past};
pub(super) use cold::{ColdStarts, cold_starts};
pub(super) use errors::{first_seen, totals_before};
pub(super) use phases::{PhaseFigures, phases, side_by_side};
pub(super) use time::over_time;
