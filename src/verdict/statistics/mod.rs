//! The arithmetic of verdicts: functions from numbers to numbers, that know no request and no threshold.

mod distribution;
mod estimate;
mod holm;
mod share;
mod tail_rank;

pub use distribution::Distribution;
pub use estimate::{Estimate, MOST_PAIRS, PRIOR_WEIGHT, sum_of_squares};
pub use holm::holm;
pub use share::{Count, Dispersion, ShareChange, newcombe_lower, stratified_p, wilson};
pub use tail_rank::{
    ExpectedTailRank, FEWEST_UNITS, Latencies, Pair, ProcessEffect, TailRank, TooFew,
    requests_needed, requests_per_unit, steepness, usual_steepness,
};
