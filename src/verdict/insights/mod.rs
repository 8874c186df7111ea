//! Insights: what a run shows besides being good enough, proved by its own slices and seconds.
//!
//! They decide no outcome. An insight is reported only if its test is sure.

mod load_correlation;
mod phases;

pub use load_correlation::{LoadCorrelation, LoadUnit};
pub use phases::{PhaseChange, Recovery, RecoveryOutcome};

use crate::record::RunRecord;
use crate::thresholds::Regression;
use crate::verdict::evidence::{FEWEST_ERRORS, SMALLEST_SHARE};
use crate::verdict::statistics::{Count, Dispersion, ShareChange};

/// Significance level of an insight.
const SURE: f64 = 0.01;

/// The insights of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Insights {
    /// Each further measured phase against the lightest steady one, in the order of the load.
    pub phases: Vec<PhaseChange>,
    /// Whether a later phase of the same load got back to where an earlier one was before a heavier one.
    pub recovery: Option<Recovery>,
    /// Whether errors follow the load.
    pub load_correlation: Option<LoadCorrelation>,
}

/// The change from one set of units to another.
fn share_change(base: &[Count], current: &[Count]) -> ShareChange {
    ShareChange {
        base: Count::total(base),
        current: Count::total(current),
        dispersion: Dispersion::estimate(&[base, current]),
        stratified_p: None,
    }
}

/// Whether the share rose by enough to matter, and not by chance at this level.
fn is_surely_more(change: ShareChange, level: f64) -> bool {
    let beyond = change.current.hits as f64 - change.base.share() * change.current.of as f64;
    change.difference() >= SMALLEST_SHARE && beyond >= FEWEST_ERRORS && change.p_above(0.0) <= level
}

/// Finds the insights of one run.
pub fn insights(record: &RunRecord, regression: &Regression) -> Insights {
    Insights {
        phases: phases::changes(record, regression),
        recovery: phases::recovery(record, regression),
        load_correlation: load_correlation::load_correlation(record),
    }
}
