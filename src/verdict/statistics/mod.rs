//! The arithmetic of verdicts: functions from numbers to numbers, that know no request and no threshold.

mod distribution;
mod estimate;
mod holm;
mod share;

pub use distribution::Distribution;
pub use estimate::{Estimate, PRIOR_WEIGHT};
pub use holm::holm;
pub use share::{Count, Dispersion, ShareChange, newcombe_lower, wilson};
