//! Units: what a verdict counts as one independent observation.
//!
//! Requests of one instant share their fate, so an interval drawn from single requests is far too narrow. The unit is
//! the slice (in a repeated phase the pass, in a duet the pair), and slices that hold too few requests for a quantile
//! are merged with their neighbours of the same phase until they hold enough.

use std::borrow::Cow;
use std::ops::Range;

use super::{SliceRecord, Throughput};
use crate::measurement::{LatencyHistogram, RequestStats};
use crate::metric::{Metric, MetricKind, StartFilter};

/// Requests that must lie beyond the quantile in every unit, so that its quantile is one.
const UNIT_TAIL: f64 = 10.0;
/// Requests that must lie beyond the quantile in a whole job.
const TOTAL_TAIL: f64 = 30.0;
/// Requests beyond the quantile from which on a job's quantile is as near to normal as the test of a history takes it to
/// be; and the requests that a rate needs.
const AMPLE_TAIL: f64 = 100.0;

/// The requests of one name, or of all names, in one or more slices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Aggregate {
    /// Requests.
    pub requests: u64,
    /// Failed requests.
    pub failures: u64,
    /// Length of the windows in which they became due, in seconds.
    pub seconds: f64,
    /// Responses that came in those windows, and the time that they took.
    pub throughput: Throughput,
    /// Latencies that quantiles are taken of.
    pub latencies: LatencyHistogram,
    /// Those of them that a cold start delayed.
    pub cold: LatencyHistogram,
}

impl Aggregate {
    /// The requests of one name, or of all names where none, in these slices.
    pub fn from_slices(slices: &[&SliceRecord], request: Option<usize>) -> Self {
        let cells = slices.iter().flat_map(|slice| slice.of_request(request));
        let cells: Vec<&RequestStats> = cells.collect();
        let latencies = cells
            .iter()
            .flat_map(|cell| [&cell.succeeded, &cell.censored]);
        Self {
            requests: cells.iter().map(|cell| cell.requests()).sum(),
            failures: cells.iter().map(|cell| cell.failures()).sum(),
            // Of nothing the sum would be minus zero.
            seconds: 0.0 + slices.iter().map(|slice| slice.length_s).sum::<f64>(),
            throughput: slices.iter().fold(Throughput::default(), |mut sum, slice| {
                sum.add(slice.throughput(request));
                sum
            }),
            latencies: LatencyHistogram::sum(latencies),
            cold: LatencyHistogram::sum(cells.iter().map(|cell| &cell.cold)),
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.seconds += other.seconds;
        self.throughput.add(other.throughput);
        self.latencies.merge(&other.latencies);
        self.cold.merge(&other.cold);
    }

    /// The latencies that a metric is taken of.
    pub fn latencies_of(&self, metric: Metric) -> Cow<'_, LatencyHistogram> {
        match metric.starts() {
            StartFilter::Cold => Cow::Borrowed(&self.cold),
            StartFilter::Warm if !self.cold.is_empty() => {
                Cow::Owned(self.latencies.without(&self.cold))
            }
            StartFilter::All | StartFilter::Warm => Cow::Borrowed(&self.latencies),
        }
    }

    /// Those that a share counts, and of how many: failures of all requests, cold starts of all that succeeded.
    pub fn share(&self, metric: Metric) -> (u64, u64) {
        if metric == Metric::ColdShare {
            (
                self.cold.count(),
                self.requests.saturating_sub(self.failures),
            )
        } else {
            (self.failures, self.requests)
        }
    }

    /// Requests that bear on a metric: for a latency those that have one, else all.
    pub fn count(&self, metric: Metric) -> u64 {
        match metric.kind() {
            MetricKind::Quantile(_) => match metric.starts() {
                StartFilter::All => self.latencies.count(),
                StartFilter::Cold => self.cold.count(),
                StartFilter::Warm => self.latencies.count().saturating_sub(self.cold.count()),
            },
            MetricKind::Share => self.share(metric).1,
            MetricKind::Rate => self.requests,
        }
    }

    /// The natural logarithm of a quantile in seconds or of the requests per second; none where nothing was measured.
    fn log_value(&self, metric: Metric) -> Option<f64> {
        let value = match metric.kind() {
            MetricKind::Quantile(q) => self.latencies_of(metric).quantile(q)?,
            MetricKind::Rate => self.throughput.per_second()?,
            MetricKind::Share => return None,
        };
        Some(libm::log(value)).filter(|log| log.is_finite())
    }
}

/// Requests that a unit must hold for a metric: n (1 - q) >= 10.
pub fn needed_per_unit(metric: Metric) -> u64 {
    needed(metric, UNIT_TAIL)
}

/// Requests that a job must hold for a metric: n (1 - q) >= 30, and 100 for a rate.
pub fn needed_in_all(metric: Metric) -> u64 {
    match metric.kind() {
        MetricKind::Quantile(_) => needed(metric, TOTAL_TAIL),
        MetricKind::Rate | MetricKind::Share => needed(metric, AMPLE_TAIL),
    }
}

/// Whether a job with so many requests has a wild quantile, so that a history tests it at a stricter level.
pub fn has_small_tail(metric: Metric, requests: u64) -> bool {
    metric.quantile().is_some() && requests < needed(metric, AMPLE_TAIL)
}

fn needed(metric: Metric, beyond: f64) -> u64 {
    let tail = match metric.kind() {
        MetricKind::Quantile(q) => 1.0 - q,
        // A rate has no tail: every request is counted.
        MetricKind::Rate | MetricKind::Share => 1.0,
    };
    // 1 - 0.9 is a little less than 0.1, which must not ask for one request more.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 10 and 100,000"
    )]
    let requests = libm::ceil(beyond / tail - 1e-6) as u64;
    requests
}

/// The logarithms of a metric in the units of one phase, given its slices (or pairs, or passes) in order, in every arm.
///
/// Empty where the phase does not fill one unit.
pub fn log_units<const ARMS: usize>(
    samples: &[[Aggregate; ARMS]],
    metric: Metric,
) -> Vec<[f64; ARMS]> {
    let counts: Vec<[u64; ARMS]> = samples
        .iter()
        .map(|arms| arms.each_ref().map(|sample| sample.count(metric)))
        .collect();
    merged(&counts, needed_per_unit(metric))
        .into_iter()
        .filter_map(|range| log_unit(&samples[range], metric))
        .collect()
}

fn log_unit<const ARMS: usize>(
    samples: &[[Aggregate; ARMS]],
    metric: Metric,
) -> Option<[f64; ARMS]> {
    let logs: [Option<f64>; ARMS] = std::array::from_fn(|arm| match samples {
        // Most units are one slice, which need not be copied.
        [only] => only[arm].log_value(metric),
        several => {
            let mut pooled = Aggregate::default();
            for arms in several {
                pooled.merge(&arms[arm]);
            }
            pooled.log_value(metric)
        }
    });
    // A window of no length has no rate, and a unit without a value tells nothing.
    let complete = logs.iter().all(Option::is_some);
    complete.then(|| logs.map(Option::unwrap_or_default))
}

/// Ranges of neighbours that hold `need` in every arm; a remainder that is too small joins the last.
fn merged<const ARMS: usize>(counts: &[[u64; ARMS]], need: u64) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let (mut start, mut held) = (0, [0; ARMS]);
    for (index, arms) in counts.iter().enumerate() {
        for (held, count) in held.iter_mut().zip(arms) {
            *held += count;
        }
        if held.iter().all(|held| *held >= need) {
            ranges.push(start..index + 1);
            (start, held) = (index + 1, [0; ARMS]);
        }
    }
    if let Some(last) = ranges.last_mut() {
        last.end = counts.len();
    }
    ranges
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_unit_holds_ten_and_a_job_thirty_beyond_the_quantile() {
        for (metric, unit, all) in [
            (Metric::P50, 20, 60),
            (Metric::P90, 100, 300),
            (Metric::P95, 200, 600),
            (Metric::P99, 1_000, 3_000),
            (Metric::P999, 10_000, 30_000),
            (Metric::RequestsPerSecond, 10, 100),
        ] {
            assert_eq!(needed_per_unit(metric), unit, "{metric}");
            assert_eq!(needed_in_all(metric), all, "{metric}");
        }
    }

    #[test]
    fn small_slices_are_merged_with_their_neighbours() {
        let counts = [[10], [10], [25], [3], [16], [19]];
        assert_eq!(merged(&counts, 20), [0..2, 2..3, 3..6]);
        assert!(merged(&[[5], [5]], 20).is_empty());
        assert!(merged::<1>(&[], 20).is_empty());
    }

    #[test]
    fn a_pair_is_filled_when_both_arms_are() {
        assert_eq!(merged(&[[30, 10], [1, 10], [20, 20]], 20), [0..2, 2..3]);
    }

    #[test]
    fn a_slice_without_requests_joins_its_neighbour() {
        let ranges = merged(&[[0], [20], [0]], 20);
        assert_eq!((ranges.len(), ranges[0].clone()), (1, 0..3));
    }

    proptest! {
        #[test]
        fn units_cover_all_slices_once_and_are_filled(counts in prop::collection::vec((0u64..30, 0u64..30), 0..30)) {
            let counts: Vec<[u64; 2]> = counts.into_iter().map(|(a, b)| [a, b]).collect();
            let ranges = merged(&counts, 20);
            let mut next = 0;
            for range in &ranges {
                prop_assert_eq!(range.start, next);
                next = range.end;
                for arm in 0..2 {
                    prop_assert!(counts[range.clone()].iter().map(|arms| arms[arm]).sum::<u64>() >= 20);
                }
            }
            prop_assert!(ranges.is_empty() || next == counts.len());
        }
    }
}
