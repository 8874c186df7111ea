//! Is it good enough? Limits and changes, judged.
//!
//! This room is pure: no I/O, no clock, no randomness, and no prose. A verdict is a value and never an error. Its
//! mathematics goes through `libm` and its output has six significant digits, so that a stored result gets the same
//! verdict on every machine.

mod availability;
mod case;
mod cautions;
mod change;
mod claims;
mod cold;
mod drift;
mod duet;
mod evidence;
mod forecast;
mod history;
mod judge;
mod limits;
mod model;
mod noise;
mod overload;
mod rate;
mod regression;
mod rule;
pub mod statistics;
mod suspicion;
mod validity;
mod wire;

pub use case::{Case, DRIFT_ALPHA, DUET_ALPHA, HISTORY_FROM, JOBS_ALPHA};
pub use claims::{Bond, Claims, LoadOf, PhaseChange, Recovered, Recovery, claims};
pub use duet::FEWEST_UNITS;
pub use evidence::{FEWEST_ERRORS, SMALLEST_SHARE, prior_sd};
pub use forecast::{CellForecast, Design, Expected, Forecast, LimitForecast, forecast};
pub use judge::judge;
pub use limits::requests_needed;
pub use model::{
    Caution, Change, ChangeCheck, Check, ColdGrowth, Comparison, Enough, Invalidity, KindGrowth,
    LimitCheck, Line, LineOutcome, Measure, NoComparison, Noise, NotJudged, Outage, Outcome,
    PartGrowth, Reference, Spread, Standing, Suspicion, Unfollowed, Verdict,
};

#[cfg(test)]
mod tests;
