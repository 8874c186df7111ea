//! What do we promise? The thresholds file, parsed and checked.
//!
//! This module is pure: text in, `Thresholds` out. It must not know how anything is measured or judged.

mod aws;
mod limits;
mod metrics;
mod misplaced;
mod model;
mod names;
mod parse;
mod regression;
mod source;
#[cfg(test)]
mod tests;
mod values;

/// Why thresholds cannot be used.
pub use crate::yaml::Error;

pub use model::{
    Abort, Acceptance, Availability, AwsLimit, AwsMetric, BaseSource, Bound, COMMIT_VARIABLE,
    Checkout, FailureSet, Instances, Limit, MissingBaseline, Mode, Precision, ReferenceService,
    ReferenceSource, Regression, RequestRule, Severity, Subject, Thresholds,
};
pub use names::{Names, PhaseName};
pub use parse::{parse, schema};
