//! The noise of a run, compared with that of the jobs of the baseline.

use super::input::{CandidateRun, JudgeInput};
use super::regression::gated_metrics;
use crate::baseline::{Matching, PhaseScope};
use crate::measurement::Arm;
use crate::metric::Metric;
use crate::record::{level, median};
use crate::units::six_digits;

/// A run is called noisy whose slices vary so many times as much as the baseline's did.
const NOISY: f64 = 2.0;
/// Fewer jobs than this do not say what is usual.
const FEWEST_JOBS: usize = 3;
/// Slices that vary by less are quiet, whatever the baseline's did.
const QUIET: f64 = 0.05;

/// The variation of a latency from slice to slice, which is the machine's and the network's doing as long as nothing is
/// deployed in between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Which latency, over all requests of the steady phases.
    pub metric: Metric,
    /// Which deployment's slices: the base's in a duet, since nothing in it is new.
    pub arm: Arm,
    /// Standard deviation of the natural logarithm over slices: 0.03 is 3 %.
    pub spread: f64,
    /// The same in the jobs of the baseline: their median; none where there are none.
    pub usual_spread: Option<f64>,
}

/// The noise of the noisiest of the runs, by the first latency that is gated.
pub(super) fn noise(input: &JudgeInput<'_>, runs: &[CandidateRun<'_>]) -> Option<Noise> {
    let mut gated = gated_metrics(&input.thresholds.regression);
    let metric = gated
        .find(|metric| metric.quantile().is_some())
        .unwrap_or(Metric::P95);
    let (arm, spread) = runs
        .iter()
        .filter_map(|run| spread(run, metric))
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(Noise {
        metric,
        arm,
        spread: six_digits(spread),
        usual_spread: usual(input, metric).map(six_digits),
    })
}

impl Noise {
    /// Whether the run was far noisier than the jobs of the baseline.
    pub fn is_unusual(&self) -> bool {
        let usual = self.usual_spread.map(|usual| usual.max(QUIET));
        usual.is_some_and(|usual| self.spread > NOISY * usual)
    }
}

/// How much a latency varies over the slices of what is not new in a run: the base of a duet, else the only target.
fn spread(run: &CandidateRun<'_>, metric: Metric) -> Option<(Arm, f64)> {
    let arm = if run.record.base.is_some() {
        Arm::Base
    } else {
        Arm::Target
    };
    let phases = PhaseScope::Steady.phases(&run.record.phases).into_iter();
    let phases = phases.map(|phase| run.filter.units(run.record, phase, arm, None));
    let level = level(&phases.collect::<Vec<_>>(), metric).ok()?;
    Some((arm, level.spread))
}

/// The median over the matching jobs of a baseline, which a duet may have beside its base.
fn usual(input: &JudgeInput<'_>, metric: Metric) -> Option<f64> {
    let Matching::Jobs(jobs) = &input.matching else {
        return None;
    };
    let spreads: Vec<f64> = jobs
        .iter()
        .filter_map(|job| job.cell(&PhaseScope::Steady, None)?.metrics.get(&metric))
        .map(|(_, spread)| *spread)
        .collect();
    (spreads.len() >= FEWEST_JOBS).then(|| median(&spreads))
}
