//! The level of a metric in one job: one number, and the spread within the job.

use super::units::{Aggregate, log_units, needed_in_all, needed_per_unit};
use crate::metric::Metric;

/// Where a metric lay in one job, as a natural logarithm (of seconds, or of requests per second).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// The mean over phases of the median over that phase's units. Every phase weighs the same: a median over pooled
    /// phases would miss a regression in one of three.
    pub log: f64,
    /// Standard deviation of the units about the mean of their phase; 0 where every phase is one unit.
    pub spread: f64,
}

/// Fewer requests than a metric needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Requests that there are.
    pub have: u64,
    /// Requests that there would have to be.
    pub need: u64,
}

/// The level of a metric over phases, each given as its slices (or passes) in order.
///
/// A phase in which nothing was sent does not count, and every other one must fill a unit: were one left out in some
/// jobs and not in others, the jobs would speak of different phases.
pub fn level(phases: &[Vec<[Aggregate; 1]>], metric: Metric) -> Result<Level, Shortage> {
    let held = |phase: &Vec<[Aggregate; 1]>| -> u64 {
        phase.iter().map(|[sample]| sample.count(metric)).sum()
    };
    let (have, need) = (phases.iter().map(held).sum(), needed_in_all(metric));
    if have < need {
        return Err(Shortage { have, need });
    }
    let sent = phases
        .iter()
        .filter(|phase| phase.iter().any(|[sample]| sample.requests > 0));
    let mut by_phase = Vec::new();
    for phase in sent {
        let units: Vec<f64> = log_units(phase, metric).iter().map(|[log]| *log).collect();
        if units.is_empty() {
            return Err(Shortage {
                have: held(phase),
                need: needed_per_unit(metric),
            });
        }
        by_phase.push(units);
    }
    Ok(Level {
        log: mean_of_medians(&by_phase),
        spread: spread(&by_phase),
    })
}

/// The mean over phases of the median over their units; NaN where no phase has any.
pub fn mean_of_medians(phases: &[Vec<f64>]) -> f64 {
    let filled = || phases.iter().filter(|units| !units.is_empty());
    filled().map(|units| median(units)).sum::<f64>() / filled().count() as f64
}

/// The median; NaN of nothing.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => f64::NAN,
        (odd, middle) if odd % 2 == 1 => sorted[middle],
        (_, middle) => 0.5 * (sorted[middle - 1] + sorted[middle]),
    }
}

fn spread(phases: &[Vec<f64>]) -> f64 {
    let (mut squares, mut df) = (0.0, 0.0);
    for units in phases {
        let mean = units.iter().sum::<f64>() / units.len() as f64;
        squares += units.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
        df += units.len() as f64 - 1.0;
    }
    if df < 1.0 {
        return 0.0;
    }
    libm::sqrt(squares / df)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::LatencyHistogram;
    use crate::record::Throughput;

    /// `count` requests of `millis` each in one second.
    fn sample(count: u64, millis: u64) -> [Aggregate; 1] {
        let mut latencies = LatencyHistogram::new();
        for _ in 0..count {
            latencies.record_micros(millis * 1000);
        }
        [Aggregate {
            requests: count,
            failures: 0,
            seconds: 1.0,
            throughput: Throughput {
                responses: count,
                seconds: 1.0,
            },
            latencies,
            ..Aggregate::default()
        }]
    }

    #[test]
    fn every_phase_weighs_the_same() {
        let phases = [
            vec![sample(400, 10), sample(400, 10), sample(400, 90)],
            vec![sample(1000, 40)],
        ];
        let level = level(&phases, Metric::P95).unwrap();
        // The medians are 10 ms and 40 ms, their geometric mean is 20 ms.
        assert!(
            (libm::exp(level.log) / 0.02 - 1.0).abs() < 2e-3,
            "{level:?}"
        );
    }

    #[test]
    fn a_regression_in_one_of_three_phases_is_seen() {
        let of = |last| [10, 10, last].map(|millis| vec![sample(700, millis); 3]);
        let (before, after) = (
            level(&of(10), Metric::P95).unwrap(),
            level(&of(40), Metric::P95).unwrap(),
        );
        assert!(after.log - before.log > 0.4);
    }

    #[test]
    fn a_phase_with_too_few_requests_leaves_the_metric_out() {
        let short = [vec![sample(5000, 10)], vec![sample(199, 10)]];
        assert_eq!(
            level(&short, Metric::P95),
            Err(Shortage {
                have: 199,
                need: 200
            })
        );
        let unsent = [vec![sample(5000, 10)], vec![sample(0, 10)]];
        assert!(level(&unsent, Metric::P95).is_ok());
        assert_eq!(
            level(&[vec![sample(599, 10)]], Metric::P95),
            Err(Shortage {
                have: 599,
                need: 600
            })
        );
    }

    #[test]
    fn rates_are_levels_too() {
        let phases = [vec![sample(90, 1), sample(100, 1), sample(120, 1)]];
        let level = level(&phases, Metric::RequestsPerSecond).unwrap();
        assert!((libm::exp(level.log) - 100.0).abs() < 1e-9);
        assert!(level.spread > 0.1);
    }

    #[test]
    fn equal_units_have_no_spread() {
        let level = level(&[vec![sample(700, 10); 4]], Metric::P95).unwrap();
        assert!(level.spread.abs() < 1e-12);
    }

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-12);
        assert!(median(&[]).is_nan());
    }
}
