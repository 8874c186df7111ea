//! What was measured, per request name: the figures beside the verdict, over the measured phases.

use std::collections::BTreeMap;

use super::ReportInput;
use super::wording::Medium;
use crate::measurement::{FailureKind, LatencyHistogram, RequestStats, Totals};
use crate::record::{LoadRate, LoadSeconds, RunRecord, SliceRecord, Throughput};

/// The figures of one request name, or of all together.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    /// The name; none for all requests together.
    pub(super) request: Option<String>,
    /// Requests.
    pub(super) requests: u64,
    /// Failed requests.
    pub(super) failures: u64,
    /// Failures by kind.
    pub(super) kinds: BTreeMap<FailureKind, u64>,
    /// Latencies of successes and of requests that ran into their timeout.
    pub(super) latencies: LatencyHistogram,
    /// Those of them that a cold start delayed.
    pub(super) cold: LatencyHistogram,
    /// Seconds in which requests became due.
    pub(super) seconds: f64,
    /// Responses that came in that time.
    pub(super) completed: Throughput,
}

impl Figures {
    /// Failed requests over all; none where there were no requests.
    pub(super) fn error_ratio(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.failures as f64 / self.requests as f64)
    }

    /// Responses per second; none where no time passed.
    pub(super) fn per_second(&self) -> Option<f64> {
        self.completed.per_second()
    }

    /// Requests that were never sent.
    pub(super) fn unsent(&self) -> u64 {
        let kinds = self.kinds.iter().filter(|(kind, _)| kind.is_unsent());
        kinds.map(|(_, failures)| failures).sum()
    }

    /// Requests that were sent.
    pub(super) fn sent(&self) -> u64 {
        self.requests.saturating_sub(self.unsent())
    }

    /// The name as a reader sees it.
    pub(super) fn name(&self, medium: Medium) -> String {
        self.request
            .as_ref()
            .map_or_else(|| "overall".to_owned(), |name| medium.untrusted(name))
    }
}

/// All requests together, then each name in the scenario's order, over all candidates.
pub(super) fn figures(story: &ReportInput) -> Vec<Figures> {
    let mut names: Vec<&str> = Vec::new();
    for name in story.records().flat_map(|record| &record.requests) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let each = names.into_iter().map(Some);
    std::iter::once(None)
        .chain(each)
        .map(|request| gather(story.records(), request, RunRecord::is_measured))
        .collect()
}

/// All requests together, over all candidates.
pub(super) fn overall(story: &ReportInput) -> Figures {
    gather(story.records(), None, RunRecord::is_measured)
}

/// All requests together, over all candidates, counted without adding up their latencies.
pub(super) fn counts(story: &ReportInput) -> Figures {
    let slices = story.records().flat_map(|record| {
        let slices = record.slices.iter();
        slices.filter(|slice| record.is_measured(slice))
    });
    let cells = slices.flat_map(|slice| &slice.cells);
    let totals = Totals::from_stats(cells.map(|cell| &cell.cell));
    Figures {
        requests: totals.requests,
        failures: totals.failures.values().sum(),
        kinds: totals.failures,
        ..Figures::default()
    }
}

/// The figures of one name (none for all together) in the slices that `keep` picks.
pub(super) fn gather<'r>(
    records: impl Iterator<Item = &'r RunRecord>,
    request: Option<&str>,
    keep: impl Fn(&RunRecord, &SliceRecord) -> bool,
) -> Figures {
    let mut cell = RequestStats::default();
    let mut seconds = LoadSeconds::default();
    let mut rate = LoadRate::default();
    for record in records {
        let kept = |slice: &SliceRecord| keep(record, slice);
        let index = request.and_then(|name| record.requests.iter().position(|own| own == name));
        for slice in record.slices.iter().filter(|slice| kept(slice)) {
            let phase = &record.phases[slice.phase];
            seconds.add(phase, slice.length_s);
            if request.is_none() || index.is_some() {
                rate.add(phase, slice.throughput(index));
            }
        }
        if request.is_none() || index.is_some() {
            cell.merge(&record.pooled(index, kept));
        }
    }
    Figures {
        request: request.map(str::to_owned),
        requests: cell.requests(),
        failures: cell.failures(),
        latencies: cell.latencies(),
        cold: cell.cold,
        kinds: cell.errors,
        seconds: seconds.value(),
        completed: rate.value(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Metric;
    use crate::report::samples::silent_between;
    use crate::verdict::Measure;

    #[test]
    fn every_report_counts_requests_per_second_over_the_seconds_of_load_as_its_limit_does() {
        let sample = silent_between();
        let told = sample.story();
        assert_eq!(overall(&told).per_second(), Some(900.0));
        let mut lines = sample.verdict.checks.iter();
        let rate = Measure::Metric(Metric::RequestsPerSecond);
        let limit = lines.find(|line| line.measure == rate).unwrap();
        assert_eq!(limit.current, Some(900.0));
        // Of an idle phase by itself there is no other time.
        let idle = gather(told.records(), None, |record, slice| {
            record.phases[slice.phase].idle
        });
        assert_eq!((idle.seconds, idle.requests), (9.0, 0));
    }
}
