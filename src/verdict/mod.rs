//! Is it good enough? Limits and changes, judged.
//!
//! This module is pure: no I/O, no clock, no randomness, and no prose. A verdict is a value and never an error. Its
//! mathematics goes through `libm` and its output has six significant digits, so that a stored result gets the same
//! verdict on every machine.

mod attribution;
mod availability;
mod aws;
mod case;
mod change;
mod check;
mod cold;
mod drift;
mod duet;
mod evidence;
mod forecast;
mod history;
mod input;
mod insights;
mod judge;
mod limits;
mod looks;
mod model;
mod noise;
mod planned_load;
mod rate;
mod reference;
mod regression;
mod rule;
mod settled;
mod silence;
pub mod statistics;
mod throttling;
mod validity;
mod variants;
mod warnings;

pub use attribution::{Attribution, ChangeLocation, ColdGrowth, KindGrowth, PartGrowth};
pub use check::{
    ChangeCheck, Check, CheckKind, CheckOutcome, Enforcement, EstimatedChange, LimitCheck, Measure,
    NotJudged, Outage, Reference,
};
pub use evidence::{FEWEST_ERRORS, SMALLEST_SHARE, prior_sd};
pub use forecast::{CheckForecast, Design, Forecast, LimitForecast, forecast};
pub use input::{DRIFT_ALPHA, HISTORY_FROM, JOBS_ALPHA, JudgeInput};
pub use insights::{
    Insights, LoadCorrelation, LoadUnit, PhaseChange, Recovery, RecoveryOutcome, insights,
};
pub use judge::judge;
pub use limits::requests_needed;
pub use looks::DUET_ALPHA;
pub use model::{Comparison, NoComparison, Outcome, Verdict};
pub use noise::Noise;
pub use planned_load::PlannedLoad;
pub use reference::ReferenceUse;
pub use rule::margin_factor;
pub use validity::InvalidReason;
pub use variants::{Figure, Gap, Variant, direction, variants};
pub use warnings::{SampleSizeAdvice, UnfollowedRedirects, Warning};

#[cfg(test)]
mod tests;
