//! What do we promise? The thresholds file, parsed and checked.
//!
//! This room is pure: text in, `Thresholds` out. It must not know how anything is measured or judged.

mod model;

pub use model::{
    Abort, Acceptance, Bound, FailureSet, Limit, MissingBaseline, Mode, Regression, RequestRule,
    Severity, Subject, Thresholds,
};
