//! The base version of a duet: what is loaded beside the target.

use std::time::Duration;

use super::interleave::{self, Interleave};
use super::{Error, ManagedServers, Options};
use crate::load::{DuetTurns, Interleaving, Origin};
use crate::record::LOOKS;
use crate::scenario::{Phase, Scenario};
use crate::thresholds::{Precision, Thresholds};

/// Pairs of each steady phase.
const PAIRS: u32 = 15;
/// Pairs where `precision: high` is asked for, judged once: an early pass would miss what it is for.
const PAIRS_OF_HIGH_PRECISION: u32 = 24;
/// Fewer pairs are no basis for a verdict.
const FEWEST_PAIRS: u32 = 5;
/// More pairs of the usual slices would take a day.
const MOST_PAIRS: u32 = 5_000;
const SLICE: Duration = Duration::from_secs(5);
const SHORT_SLICE: Duration = Duration::from_secs(1);
/// So many pairs of short slices take the time of one of usual ones.
const SHORT_PAIRS: u32 = 5;
/// In a shorter slice the start and the end are all that there is.
const SHORTEST_SLICE: Duration = Duration::from_millis(250);
const GUARD: Duration = Duration::from_millis(300);
const SHORT_GUARD: Duration = Duration::from_millis(100);
/// Pairs that a steady phase of a mixed duet is cut into: as many units as a verdict can use.
const MIXED_PAIRS: u32 = 60;
/// A pair of a mixed duet is not shorter, unless more pairs are asked for.
const MIXED_PAIR: Duration = Duration::from_secs(1);

/// The base version of a duet.
#[derive(Debug)]
pub struct Against {
    /// The scenario with the values that the base needs.
    pub scenario: Scenario,
    /// Where the base is.
    pub target: Origin,
    /// The commit or revision that it is, where that is known.
    pub commit: Option<String>,
    /// How target and base share the run.
    pub turns: DuetTurns,
    /// The same in a word; `auto` for slices of a length of their own.
    pub interleave: Interleave,
    /// Why it was chosen; none if it was asked for.
    pub why: Option<&'static str>,
}

/// The base version, loaded as the arguments and the thresholds say it.
pub(super) fn against(
    options: &Options,
    serving: &ManagedServers,
    thresholds: &Thresholds,
    (scenario, target): (Scenario, Origin),
) -> Result<Against, Error> {
    interleave::reject_unfit(options, serving, thresholds)?;
    let (interleave, why) = match options.interleave {
        Interleave::Auto => {
            let is_here = target.is_loopback();
            let chosen = interleave::choose(options, serving, &scenario, thresholds, is_here);
            (chosen.0, Some(chosen.1))
        }
        given @ (Interleave::Mixed | Interleave::OneSecond | Interleave::FiveSeconds) => {
            (given, None)
        }
    };
    Ok(Against {
        turns: turns(options, thresholds, &scenario, interleave)?,
        scenario,
        target,
        commit: None,
        interleave,
        why,
    })
}

/// How a base version would be loaded with the target, where none is given.
pub(super) fn usual_turns(
    serving: &ManagedServers,
    thresholds: &Thresholds,
    scenario: &Scenario,
    is_on_this_machine: bool,
) -> Result<DuetTurns, Error> {
    let options = Options::default();
    let (interleave, _) =
        interleave::choose(&options, serving, scenario, thresholds, is_on_this_machine);
    turns(&options, thresholds, scenario, interleave)
}

fn turns(
    options: &Options,
    thresholds: &Thresholds,
    scenario: &Scenario,
    interleave: Interleave,
) -> Result<DuetTurns, Error> {
    let is_precise = thresholds.regression.precision == Precision::High;
    let usual = if is_precise {
        PAIRS_OF_HIGH_PRECISION
    } else {
        PAIRS
    };
    let (usual, slice, guard) = match interleave {
        Interleave::Auto | Interleave::FiveSeconds | Interleave::Mixed => (usual, SLICE, GUARD),
        Interleave::OneSecond => (usual * SHORT_PAIRS, SHORT_SLICE, SHORT_GUARD),
    };
    let slice = options.slice.unwrap_or(slice);
    if slice < SHORTEST_SLICE {
        return Err(Error::ShortSlice(SHORTEST_SLICE));
    }
    // As many of the usual pairs as fit, and shorter ones if those are too few.
    let fitting = |length: Duration| (length.as_nanos() / (slice * 2).as_nanos()).try_into();
    let fitting = options
        .duration
        .map(|length| fitting(length).unwrap_or(usual));
    let fitting = fitting.map(|pairs| pairs.clamp(FEWEST_PAIRS, usual));
    let pairs = options.pairs.or(fitting).unwrap_or(usual);
    if !(FEWEST_PAIRS..=MOST_PAIRS).contains(&pairs) {
        return Err(Error::Pairs {
            pairs,
            fewest: FEWEST_PAIRS,
            most: MOST_PAIRS,
        });
    }
    let slice = match (options.slice, options.duration) {
        (None, Some(length)) => length / (pairs * 2),
        (Some(_), _) | (None, None) => slice,
    };
    if slice < SHORTEST_SLICE {
        return Err(Error::ShortDuet(SHORTEST_SLICE * pairs * 2));
    }
    let turns = DuetTurns {
        interleaving: Interleaving::Turns,
        pairs,
        slice,
        guard: options.guard.unwrap_or(guard),
        looks: 1,
    };
    let turns = match interleave {
        Interleave::Auto | Interleave::OneSecond | Interleave::FiveSeconds => turns,
        Interleave::Mixed => mixed(turns),
    };
    let may_end_early = !options.no_early_stop
        && !is_precise
        && turns.pairs >= LOOKS * FEWEST_PAIRS
        && scenario.load.iter().any(Phase::is_steady);
    let looks = if may_end_early { LOOKS } else { 1 };
    Ok(DuetTurns { looks, ..turns })
}

/// A mixed duet that loads as long as one in turns does, cut into pairs that a verdict can use.
fn mixed(turns: DuetTurns) -> DuetTurns {
    let length = turns.slice * turns.pairs;
    let most = (length * 2).as_nanos() / MIXED_PAIR.as_nanos();
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let pairs = most.max(turns.pairs).min(MIXED_PAIRS);
    DuetTurns {
        interleaving: Interleaving::Mixed,
        pairs,
        slice: length / pairs,
        guard: Duration::ZERO,
        ..turns
    }
}

/// Refuses what only a duet has a use for.
pub(super) fn reject_without_base(options: &Options) -> Result<(), Error> {
    let given = [
        ("--interleave", options.interleave != Interleave::Auto),
        ("--pairs", options.pairs.is_some()),
        ("--slice", options.slice.is_some()),
        ("--guard", options.guard.is_some()),
        ("--no-early-stop", options.no_early_stop),
        ("--against-set", !options.against_set.is_empty()),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => Err(Error::OnlyInDuet(flag)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{self, Inputs};
    use crate::thresholds::{self, Names};

    fn turns(pairs: u32, slice_ms: u64) -> DuetTurns {
        DuetTurns {
            interleaving: Interleaving::Turns,
            pairs,
            slice: Duration::from_millis(slice_ms),
            guard: GUARD,
            looks: 1,
        }
    }

    #[test]
    fn a_duet_of_a_given_length_has_as_many_pairs_as_fit() {
        let names = Names {
            requests: &[],
            phases: &[],
            cold_start: false,
            aws: false,
        };
        let thresholds = thresholds::parse("t", "", &names).unwrap();
        let text = "{ name: a, user_classes: [{ name: u, tasks: [{ steps: [{ get: / }] }] }], \
                    load: [{ phase: p, arrivals: 1/s, for: 1s }] }";
        let scenario = scenario::parse("s", text, &Inputs::default()).unwrap();
        let turns = |duration_ms: u64, interleave| {
            let options = Options {
                duration: Some(Duration::from_millis(duration_ms)),
                ..Options::default()
            };
            let turns = super::turns(&options, &thresholds, &scenario, interleave);
            turns.map(|turns| (turns.pairs, turns.slice.as_millis()))
        };
        for (duration_ms, interleave, expected) in [
            (150_000, Interleave::FiveSeconds, (15, 5_000)),
            (600_000, Interleave::FiveSeconds, (15, 20_000)),
            (70_000, Interleave::FiveSeconds, (7, 5_000)),
            (20_000, Interleave::FiveSeconds, (5, 2_000)),
            (20_000, Interleave::OneSecond, (10, 1_000)),
            (20_000, Interleave::Mixed, (20, 500)),
            (2_500, Interleave::OneSecond, (5, 250)),
        ] {
            assert_eq!(turns(duration_ms, interleave).unwrap(), expected);
        }
        let short = turns(2_000, Interleave::OneSecond).unwrap_err();
        assert!(matches!(short, Error::ShortDuet(least) if least.as_millis() == 2_500));
    }

    #[test]
    fn a_mixed_duet_loads_as_long_in_pairs_of_a_second_or_more() {
        for (pairs, slice_ms, mixed_pairs, mixed_slice_ms) in [
            (12, 5_000, 60, 1_000),
            (24, 5_000, 60, 2_000),
            (5, 5_000, 50, 500),
            (12, 250, 12, 250),
            (5_000, 5_000, 60, 416_666),
        ] {
            let mixed = mixed(turns(pairs, slice_ms));
            let expected = (mixed.pairs, mixed.slice.as_millis());
            assert_eq!(
                expected,
                (mixed_pairs, mixed_slice_ms),
                "{pairs} of {slice_ms} ms"
            );
            assert!(mixed.guard.is_zero());
        }
    }
}
