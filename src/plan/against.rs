//! The base version of a duet: what is loaded in turns with the target.

use std::time::Duration;

use super::{Error, Options};
use crate::load::{DuetTurns, Origin};
use crate::scenario::Scenario;
use crate::thresholds::{Precision, Thresholds};

/// Pairs of each steady phase before a second look.
const PAIRS: u32 = 12;
/// Pairs where `precision: high` is asked for, judged once.
const PAIRS_OF_HIGH_PRECISION: u32 = 24;
/// Fewer pairs are no basis for a verdict.
const FEWEST_PAIRS: u32 = 5;
/// More pairs of the usual slices would take a day.
const MOST_PAIRS: u32 = 5_000;
const SLICE: Duration = Duration::from_secs(5);
/// In a shorter slice the start and the end are all that there is.
const SHORTEST_SLICE: Duration = Duration::from_millis(250);
const GUARD: Duration = Duration::from_millis(300);

/// The base version of a duet.
#[derive(Debug)]
pub struct Against {
    /// The scenario with the values that the base needs.
    pub scenario: Scenario,
    /// Where the base is.
    pub target: Origin,
    /// How target and base take turns.
    pub turns: DuetTurns,
}

/// How target and base take turns, as the arguments and the thresholds say it.
pub(super) fn turns(options: &Options, thresholds: &Thresholds) -> Result<DuetTurns, Error> {
    let is_precise = thresholds.regression.precision == Precision::High;
    let usual = if is_precise {
        PAIRS_OF_HIGH_PRECISION
    } else {
        PAIRS
    };
    let pairs = options.pairs.unwrap_or(usual);
    if !(FEWEST_PAIRS..=MOST_PAIRS).contains(&pairs) {
        return Err(Error::Pairs {
            pairs,
            fewest: FEWEST_PAIRS,
            most: MOST_PAIRS,
        });
    }
    let slice = options.slice.unwrap_or(SLICE);
    if slice < SHORTEST_SLICE {
        return Err(Error::ShortSlice(SHORTEST_SLICE));
    }
    Ok(DuetTurns {
        pairs,
        slice,
        guard: options.guard.unwrap_or(GUARD),
        second_look: !is_precise,
    })
}

/// Refuses what only a duet has a use for.
pub(super) fn reject_without_base(options: &Options) -> Result<(), Error> {
    let given = [
        ("--pairs", options.pairs.is_some()),
        ("--slice", options.slice.is_some()),
        ("--guard", options.guard.is_some()),
        ("--against-set", !options.against_set.is_empty()),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => Err(Error::OnlyInDuet(flag)),
        None => Ok(()),
    }
}
