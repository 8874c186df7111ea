//! Phases of one run against each other: what heavier load costs, and whether it leaves a mark.
//!
//! The unit is the slice, or the pass of a ramp or a repeated phase, so that an interval says what another stretch of
//! this run would have shown, and nothing of another day.

use super::{SURE, is_surely_more, share_change};
use crate::measurement::Arm;
use crate::metric::Metric;
use crate::record::{Aggregate, LoadModel, RunRecord, SliceFilter, log_units};
use crate::thresholds::Regression;
use crate::units::six_digits;
use crate::verdict::EstimatedChange;
use crate::verdict::evidence::prior_sd;
use crate::verdict::statistics::{Count, Estimate};

/// Units that the phase must have that another is held against: fewer show no spread.
const FEWEST_UNITS: usize = 3;

/// One phase against a lighter one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhaseChange {
    /// Index of the phase.
    pub phase: usize,
    /// Index of the one that it is held against.
    pub reference: usize,
    /// What is compared: P95, or the median where P95 has too few requests.
    pub metric: Metric,
    /// Seconds there.
    pub before: f64,
    /// Seconds here.
    pub now: f64,
    /// A ratio less one.
    pub change: EstimatedChange,
}

/// Whether a later phase got back to where an earlier one of the same load was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recovery {
    /// The latency of the later phase against the earlier one.
    pub latency: PhaseChange,
    /// Shares of failed requests there and here, where there are surely more.
    pub errors: Option<(f64, f64)>,
    /// The outcome.
    pub outcome: RecoveryOutcome,
}

/// The outcome of a recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryOutcome {
    /// It is back: even at worst it is slower by less than `must_detect`.
    Complete,
    /// It is not: surely slower by more than the tolerance, or failing more often.
    Incomplete,
    /// The run does not suffice to decide.
    Unclear,
}

/// Each measured phase against the lightest steady one.
pub(super) fn changes(record: &RunRecord, regression: &Regression) -> Vec<PhaseChange> {
    let phases = record.phases.iter().enumerate();
    let steady = phases.filter(|(_, phase)| phase.steady && phase.measured);
    let lightest = steady.min_by(|(_, a), (_, b)| a.peak_load.total_cmp(&b.peak_load));
    let Some((than, _)) = lightest else {
        return Vec::new();
    };
    let filter = SliceFilter::new(record, || None);
    let others = record.phases.iter().enumerate();
    others
        .filter(|(index, phase)| *index != than && phase.is_measured_load())
        .filter_map(|(index, _)| change(record, &filter, (than, index), regression))
        .collect()
}

/// The last steady phase against the first of the same load, with a heavier one between them.
pub(super) fn recovery(record: &RunRecord, regression: &Regression) -> Option<Recovery> {
    let phases = &record.phases;
    let load =
        |index: usize| -> (LoadModel, f64) { (phases[index].model, phases[index].peak_load) };
    let steady = || (0..phases.len()).filter(|index| phases[*index].steady);
    let (than, phase) = steady().find_map(|first| {
        let last = steady()
            .rev()
            .find(|last| *last > first && load(*last) == load(first))?;
        let heavier =
            (first + 1..last).any(|index| phases[index].peak_load > phases[first].peak_load);
        heavier.then_some((first, last))
    })?;
    let filter = SliceFilter::new(record, || None);
    let latency = change(record, &filter, (than, phase), regression)?;
    let errors = more_errors(record, &filter, (than, phase));
    let by = |ratio: f64| ratio * latency.before;
    let floor = regression.floor.as_secs_f64();
    // Either of two tests says that it is not back, so each is allowed half of the false alarms.
    let slower = latency.change.p <= SURE / 2.0 && by(latency.change.estimate) >= floor;
    let outcome = if slower || errors.is_some() {
        RecoveryOutcome::Incomplete
    } else if latency.change.upper < regression.must_detect || by(latency.change.upper) < floor {
        RecoveryOutcome::Complete
    } else {
        RecoveryOutcome::Unclear
    };
    Some(Recovery {
        latency,
        errors,
        outcome,
    })
}

/// The change from one phase to another, by P95 where both fill a unit of it.
fn change(
    record: &RunRecord,
    filter: &SliceFilter,
    (than, phase): (usize, usize),
    regression: &Regression,
) -> Option<PhaseChange> {
    let [before, now] = [than, phase].map(|index| filter.units(record, index, Arm::Target, None));
    [Metric::P95, Metric::P50].into_iter().find_map(|metric| {
        let logs = |samples: &[[Aggregate; 1]]| -> Vec<f64> {
            let units = log_units(samples, metric);
            units.iter().map(|[log]| *log).collect()
        };
        let (before, now) = (logs(&before), logs(&now));
        if before.len() < FEWEST_UNITS {
            return None;
        }
        let estimate = Estimate::from_groups(&before, &now, prior_sd(metric))?;
        let mean = |logs: &[f64]| {
            let sum: f64 = logs.iter().sum();
            six_digits(libm::exp(sum / logs.len() as f64))
        };
        Some(PhaseChange {
            phase,
            reference: than,
            metric,
            before: mean(&before),
            now: mean(&now),
            change: EstimatedChange::from_log_ratio(
                estimate,
                libm::log1p(regression.tolerance),
                before.len() + now.len(),
            ),
        })
    })
}

/// The shares of failures in two phases, where the second surely has more.
fn more_errors(
    record: &RunRecord,
    filter: &SliceFilter,
    (than, phase): (usize, usize),
) -> Option<(f64, f64)> {
    let [base, current] = [than, phase].map(|index| -> Vec<Count> {
        let samples = filter.units(record, index, Arm::Target, None);
        let counts = samples.iter().map(|[sample]| Count {
            hits: sample.failures,
            of: sample.requests,
        });
        counts.collect()
    });
    let change = share_change(&base, &current);
    let (before, now) = (change.base.share(), change.current.share());
    is_surely_more(change, SURE / 2.0).then(|| (six_digits(before), six_digits(now)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::FailureKind;
    use crate::record::samples::{Traffic, record, traffic};

    const NAME: &str = "GET /a";

    /// Twenty users, then a hundred, then twenty again, whose last phase is given.
    fn run(after: &[Traffic]) -> RunRecord {
        let jitter = [39.0, 40.0, 41.0, 40.5, 39.5, 40.0].map(|ms| [traffic(NAME, 600, ms)]);
        let warm = jitter
            .iter()
            .fold(record().steady("warm"), |run, slice| run.slice(slice));
        let peak = warm.steady("peak").slices(6, &[traffic(NAME, 900, 90.0)]);
        peak.steady("recovery")
            .slices(6, after)
            .with(|run| run.phases[1].peak_load = 100.0)
            .build()
    }

    fn outcome(after: Traffic) -> RecoveryOutcome {
        let claim = recovery(&run(&[after]), &Regression::default());
        claim.unwrap().outcome
    }

    #[test]
    fn a_recovery_is_back_slower_or_failing() {
        assert_eq!(outcome(traffic(NAME, 600, 40.2)), RecoveryOutcome::Complete);
        assert_eq!(
            outcome(traffic(NAME, 600, 60.0)),
            RecoveryOutcome::Incomplete
        );
        let failing = traffic(NAME, 600, 40.0).failing(FailureKind::Status(503), 12);
        assert_eq!(outcome(failing), RecoveryOutcome::Incomplete);
        // As slow on the whole, and now and then much slower: it may be so much that it must be detected.
        let swinging = [25.0, 66.0, 24.0, 70.0, 23.0, 68.0].map(|ms| [traffic(NAME, 600, ms)]);
        let mut open = run(&[traffic(NAME, 600, 40.0)]);
        let places = 12..18;
        for (place, slice) in places.zip(&swinging) {
            let found = record().steady("recovery").slice(slice).build();
            open.slices[place].cells = found.slices[0].cells.clone();
        }
        let claim = recovery(&open, &Regression::default()).unwrap();
        assert_eq!(claim.outcome, RecoveryOutcome::Unclear, "{claim:?}");
        assert!(claim.latency.change.lower < 0.0 && claim.latency.change.upper > 0.3);
    }

    #[test]
    fn without_a_heavier_phase_there_is_no_recovery() {
        let calm = run(&[traffic(NAME, 600, 60.0)]);
        let mut calm = calm;
        calm.phases[1].peak_load = 20.0;
        assert_eq!(recovery(&calm, &Regression::default()), None);
    }

    #[test]
    fn heavier_phases_are_held_against_the_lightest_steady_one() {
        let run = run(&[traffic(NAME, 600, 40.0)]);
        let found = changes(&run, &Regression::default());
        let phases: Vec<_> = found.iter().map(|it| (it.phase, it.reference)).collect();
        assert_eq!(phases, [(1, 0), (2, 0)]);
        let peak = found[0].change;
        assert!(peak.lower > 1.0 && peak.upper < 1.6, "{peak:?}");
        assert!(found[1].change.lower < 0.0 && found[1].change.upper > 0.0);
    }

    #[test]
    fn passes_are_the_units_of_a_burst_unless_requests_are_few() {
        let steady = record()
            .steady("warm")
            .slices(6, &[traffic(NAME, 600, 40.0)]);
        let burst = (0..3).fold(steady.repeated("burst"), |run, _| {
            run.slices(2, &[traffic(NAME, 300, 120.0)]).next_pass()
        });
        let found = changes(&burst.build(), &Regression::default());
        assert_eq!(found[0].change.units, 9);
        let few = record()
            .steady("warm")
            .slices(6, &[traffic(NAME, 9, 40.0)])
            .steady("peak")
            .slices(6, &[traffic(NAME, 9, 90.0)]);
        assert!(changes(&few.build(), &Regression::default()).is_empty());
    }
}
