//! The requests of one name in one slice: latencies by how they ended, and failures by kind.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::totals::add_counts;
use super::{FailureKind, LatencyHistogram, Totals};
use crate::metric::StartFilter;

/// The latencies and failures of one request name in one slice.
///
/// The first three histograms are disjoint: their counts add up to the number of requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestStats {
    /// Requests that succeeded.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub succeeded: LatencyHistogram,
    /// Timeouts and unfinished requests, with the time that had passed (a lower bound).
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub censored: LatencyHistogram,
    /// All other failures; kept apart, since fast errors would flatter the quantiles.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub failed: LatencyHistogram,
    /// Successes that a cold start delayed. All other requests count as warm.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub cold: LatencyHistogram,
    /// Failures by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<FailureKind, u64>,
}

/// The mark of a response that says whether a cold start delayed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ColdStartMark {
    /// Nothing: the scenario knows of no mark.
    #[default]
    Untracked,
    /// Nothing: it has no mark, and counts as warm.
    NoHeader,
    /// That there was none.
    Warm,
    /// That there was one.
    Cold,
}

impl RequestStats {
    /// Counts one request; `latency` runs from the instant it was due.
    pub fn record(&mut self, latency: Duration, failure: Option<FailureKind>) {
        let Some(kind) = failure else {
            self.succeeded.record(latency);
            return;
        };
        *self.errors.entry(kind).or_default() += 1;
        if kind.is_censored() {
            self.censored.record(latency);
        } else {
            self.failed.record(latency);
        }
    }

    /// Counts one request that succeeded after a cold start.
    pub fn record_cold(&mut self, latency: Duration) {
        self.record(latency, None);
        self.cold.record(latency);
    }

    /// Adds all requests of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.succeeded.merge(&other.succeeded);
        self.cold.merge(&other.cold);
        self.censored.merge(&other.censored);
        self.failed.merge(&other.failed);
        add_counts(&mut self.errors, &other.errors);
    }

    /// All requests of several: as merging one after the other, and quicker.
    pub fn sum(cells: &[&Self]) -> Self {
        let of = |latencies: fn(&Self) -> &LatencyHistogram| {
            LatencyHistogram::sum(cells.iter().map(|cell| latencies(cell)))
        };
        Self {
            succeeded: of(|cell| &cell.succeeded),
            censored: of(|cell| &cell.censored),
            failed: of(|cell| &cell.failed),
            cold: of(|cell| &cell.cold),
            errors: Totals::from_stats(cells.iter().copied()).failures,
        }
    }

    /// Keeps the cell in little memory; see [`LatencyHistogram::compact`].
    pub fn compact(&mut self) {
        for latencies in [
            &mut self.succeeded,
            &mut self.censored,
            &mut self.failed,
            &mut self.cold,
        ] {
            latencies.compact();
        }
    }

    /// Takes the cell in its compact form and leaves an empty one that keeps its memory.
    #[must_use]
    pub fn take_compact(&mut self) -> Self {
        Self {
            succeeded: self.succeeded.take_compact(),
            censored: self.censored.take_compact(),
            failed: self.failed.take_compact(),
            cold: self.cold.take_compact(),
            errors: std::mem::take(&mut self.errors),
        }
    }

    /// Requests counted.
    pub fn requests(&self) -> u64 {
        self.succeeded.count() + self.censored.count() + self.failed.count()
    }

    /// Requests that failed.
    pub fn failures(&self) -> u64 {
        self.censored.count() + self.failed.count()
    }

    /// The latencies that quantiles are taken of: successes, and censored ones at their elapsed time.
    pub fn latencies(&self) -> LatencyHistogram {
        let mut latencies = self.succeeded.clone();
        latencies.merge(&self.censored);
        latencies
    }

    /// Requests of some starts.
    pub fn requests_of(&self, starts: StartFilter) -> u64 {
        match starts {
            StartFilter::All => self.requests(),
            StartFilter::Cold => self.cold.count(),
            StartFilter::Warm => self.requests().saturating_sub(self.cold.count()),
        }
    }

    /// Requests of some starts over a latency limit in seconds; every failure is warm, and counts as over any limit.
    pub fn over(&self, starts: StartFilter, limit: f64) -> u64 {
        let all = || self.succeeded.count_over(limit) + self.failures();
        match starts {
            StartFilter::All => all(),
            StartFilter::Cold => self.cold.count_over(limit),
            StartFilter::Warm => all().saturating_sub(self.cold.count_over(limit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_failures_do_not_flatter_the_quantiles() {
        let mut cell = RequestStats::default();
        for _ in 0..10 {
            cell.record(Duration::from_millis(100), None);
        }
        for _ in 0..90 {
            cell.record(Duration::from_millis(1), Some(FailureKind::Status(429)));
        }
        assert!(cell.latencies().quantile(0.5).unwrap() > 0.09);
        assert_eq!((cell.requests(), cell.failures()), (100, 90));
    }

    #[test]
    fn every_failure_is_over_any_limit() {
        let mut cell = RequestStats::default();
        cell.record(Duration::from_millis(1), None);
        cell.record(Duration::from_millis(1), Some(FailureKind::Reset));
        cell.record(Duration::from_secs(30), Some(FailureKind::Timeout));
        assert_eq!(cell.over(StartFilter::All, 60.0), 2);
    }

    #[test]
    fn every_request_is_cold_or_warm_and_a_failure_is_never_cold() {
        let mut cell = RequestStats::default();
        cell.record(Duration::from_millis(10), None);
        cell.record_cold(Duration::from_millis(500));
        cell.record_cold(Duration::from_millis(900));
        cell.record(Duration::from_millis(1), Some(FailureKind::Status(503)));
        for (starts, requests, over) in [
            (StartFilter::All, 4, 2),
            (StartFilter::Cold, 2, 1),
            (StartFilter::Warm, 2, 1),
        ] {
            assert_eq!(cell.requests_of(starts), requests, "{starts:?}");
            assert_eq!(cell.over(starts, 0.6), over, "{starts:?}");
        }
        let warm = cell.latencies().without(&cell.cold);
        assert_eq!(warm.count(), 1);
        assert!(warm.max().unwrap() < 0.011);
    }

    #[test]
    fn a_timeout_counts_at_the_time_that_passed() {
        let mut cell = RequestStats::default();
        cell.record(Duration::from_secs(30), Some(FailureKind::Timeout));
        assert!(cell.latencies().quantile(0.5).unwrap() > 29.9);
    }
}
