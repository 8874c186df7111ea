//! What was measured, added up once by name, phase and arm; every figure of a report is a part of it.
//!
//! Adding up is the most expensive step of a report, since every slice keeps its histograms packed.

use std::collections::BTreeMap;

use crate::measurement::{Arm, FailureKind, LatencyHistogram, Parts, RequestStats};
use crate::record::{LoadRate, LoadSeconds, PhaseRecord, RunRecord, SliceRecord, Throughput};

/// Index of the phase, arm, and index of the request name.
type Key = (usize, Arm, usize);

#[derive(Debug, Default)]
pub(crate) struct Aggregates<'a> {
    /// Request names, in the scenario's order.
    pub(crate) names: Vec<&'a str>,
    /// Phases, repeats pooled.
    pub(crate) phases: Vec<&'a PhaseRecord>,
    stats: BTreeMap<Key, RequestStats>,
    /// By phase, arm and name; none for all names together.
    completed: BTreeMap<(usize, Arm, Option<usize>), Throughput>,
    seconds: BTreeMap<(usize, Arm), f64>,
    /// Likewise; without a name those of a name that the record does not list.
    parts: BTreeMap<(usize, Arm, Option<usize>), Parts>,
}

/// The figures of one request name, or of all together, in some phases of one arm.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// The name; none for all requests together.
    pub(crate) request: Option<String>,
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    pub(crate) kinds: BTreeMap<FailureKind, u64>,
    /// Latencies of successes and of requests that ran into their timeout.
    pub(crate) latencies: LatencyHistogram,
    /// Those of them that a cold start delayed.
    pub(crate) cold: LatencyHistogram,
    /// Seconds in which requests became due.
    pub(crate) seconds: f64,
    /// Responses that came in that time.
    pub(crate) completed: Throughput,
}

impl Figures {
    /// The figures of some slices of a record, all names and arms together.
    pub(crate) fn of_slices(record: &RunRecord, slices: &[&SliceRecord]) -> Self {
        let mut aggregates = Aggregates::default();
        aggregates.add(record, slices.iter().copied());
        aggregates.pool(None, |_, _| true)
    }

    /// Failed requests over all; none if there were no requests.
    pub(crate) fn error_ratio(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.failures as f64 / self.requests as f64)
    }

    /// Responses that succeeded.
    pub(crate) fn successes(&self) -> u64 {
        self.requests.saturating_sub(self.failures)
    }

    /// The share of them that a cold start delayed.
    pub(crate) fn cold_share(&self) -> f64 {
        self.cold.count() as f64 / self.successes().max(1) as f64
    }

    pub(crate) fn per_second(&self) -> Option<f64> {
        self.completed.per_second()
    }

    /// Failures per second in which requests became due; none if no time passed.
    pub(crate) fn failures_per_second(&self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.failures as f64 / self.seconds)
    }

    pub(crate) fn unsent(&self) -> u64 {
        let kinds = self.kinds.iter().filter(|(kind, _)| kind.is_unsent());
        kinds.map(|(_, failures)| failures).sum()
    }

    pub(crate) fn sent(&self) -> u64 {
        self.requests.saturating_sub(self.unsent())
    }
}

/// Latencies of responses that a cold start delayed, and of those that none did.
#[derive(Debug, Default)]
pub(crate) struct Starts {
    pub(crate) cold: LatencyHistogram,
    pub(crate) warm: LatencyHistogram,
}

impl Starts {
    /// All responses that say which they are.
    pub(crate) fn count(&self) -> u64 {
        self.cold.count() + self.warm.count()
    }

    /// The share of cold starts; none if no response says which it is.
    pub(crate) fn share(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.cold.count() as f64 / self.count() as f64)
    }
}

impl<'a> Aggregates<'a> {
    pub(crate) fn new(records: impl Iterator<Item = &'a RunRecord>) -> Self {
        let mut aggregates = Self::default();
        for record in records {
            aggregates.add(record, &record.slices);
            aggregates.add_parts(record);
        }
        aggregates
    }

    fn add<'s>(
        &mut self,
        record: &'a RunRecord,
        slices: impl IntoIterator<Item = &'s SliceRecord>,
    ) {
        let (names, phases) = self.indices(record);
        let mut stats: BTreeMap<Key, Vec<&RequestStats>> = BTreeMap::new();
        for slice in slices {
            let (phase, arm) = (phases[slice.phase], slice.arm);
            *self.seconds.entry((phase, arm)).or_default() += slice.length_s;
            for request in std::iter::once(None).chain((0..names.len()).map(Some)) {
                let name = request.map(|request| names[request]);
                let completed = self.completed.entry((phase, arm, name));
                completed.or_default().add(slice.throughput(request));
            }
            for cell in &slice.cells {
                let key = (phase, arm, names[cell.request]);
                stats.entry(key).or_default().push(&cell.cell);
            }
        }
        for (key, cells) in stats {
            let sum = RequestStats::sum(&cells);
            match self.stats.get_mut(&key) {
                Some(stats) => stats.merge(&sum),
                None => drop(self.stats.insert(key, sum)),
            }
        }
    }

    fn add_parts(&mut self, record: &'a RunRecord) {
        let (names, phases) = self.indices(record);
        for part in &record.parts {
            if let Some(phase) = phases.get(part.phase) {
                let key = (*phase, part.arm, names.get(part.request).copied());
                self.parts.entry(key).or_default().merge(&part.parts);
            }
        }
    }

    /// The indices here of a record's names and phases.
    fn indices(&mut self, record: &'a RunRecord) -> (Vec<usize>, Vec<usize>) {
        let names = record.requests.iter();
        let names = names.map(|name| index_in(&mut self.names, name, |known| *known == name));
        let phases = record
            .phases
            .iter()
            .map(|phase| index_in(&mut self.phases, phase, |known| known.name == phase.name));
        (names.collect(), phases.collect())
    }

    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| *known == name)
    }

    pub(crate) fn phase(&self, name: &str) -> Option<usize> {
        self.phases.iter().position(|phase| phase.name == name)
    }

    /// One name (all if none) in one phase (all measured ones if none) of an arm.
    pub(crate) fn figures(
        &self,
        request: Option<usize>,
        phase: Option<usize>,
        arm: Arm,
    ) -> Figures {
        self.pool(request, |own, of| of == arm && self.is_in(own, phase))
    }

    /// Whether a phase is this one, or measured if none is named.
    fn is_in(&self, own: usize, phase: Option<usize>) -> bool {
        phase.map_or(self.phases[own].measured, |phase| phase == own)
    }

    /// All together in the measured phases of an arm, then each name in the scenario's order.
    pub(crate) fn by_name(&self, arm: Arm) -> Vec<Figures> {
        let names = std::iter::once(None).chain((0..self.names.len()).map(Some));
        names.map(|name| self.figures(name, None, arm)).collect()
    }

    /// One name (all if none) in the phases that regression compares, if there are any, else in all measured ones.
    pub(crate) fn compared(&self, request: Option<usize>, arm: Arm) -> Figures {
        let steady = |phase: usize| self.phases[phase].measured && self.phases[phase].steady;
        if (0..self.phases.len()).any(steady) {
            return self.pool(request, |phase, of| of == arm && steady(phase));
        }
        self.figures(request, None, arm)
    }

    /// One name (all if none) in the phases and arms that `keep` picks.
    fn pool(&self, request: Option<usize>, keep: impl Fn(usize, Arm) -> bool) -> Figures {
        let stats = self.stats.iter().filter(|((phase, arm, name), _)| {
            keep(*phase, *arm) && request.is_none_or(|request| request == *name)
        });
        let stats: Vec<&RequestStats> = stats.map(|(_, stats)| stats).collect();
        let stats = RequestStats::sum(&stats);
        let mut rate = LoadRate::default();
        for ((phase, arm, name), completed) in &self.completed {
            if *name == request && keep(*phase, *arm) {
                rate.add(self.phases[*phase], *completed);
            }
        }
        let mut seconds = LoadSeconds::default();
        for ((phase, arm), length) in &self.seconds {
            if keep(*phase, *arm) {
                seconds.add(self.phases[*phase], *length);
            }
        }
        Figures {
            request: request.map(|request| self.names[request].to_owned()),
            requests: stats.requests(),
            failures: stats.failures(),
            latencies: stats.latencies(),
            cold: stats.cold,
            kinds: stats.errors,
            seconds: seconds.value(),
            completed: rate.value(),
        }
    }

    /// The parts of one name (all if none) in one phase (all measured ones if none) of an arm.
    pub(crate) fn parts(
        &self,
        request: Option<usize>,
        phase: Option<usize>,
        arm: Arm,
    ) -> impl Iterator<Item = &Parts> {
        let parts = self.parts.iter().filter(move |((own, of, name), _)| {
            let is_of_name = request.is_none_or(|request| Some(request) == *name);
            *of == arm && is_of_name && self.is_in(*own, phase)
        });
        parts.map(|(_, parts)| parts)
    }

    /// Cold and warm responses of one name (all if none) in one phase (all measured ones if none) of an arm.
    pub(crate) fn starts(&self, request: Option<usize>, phase: Option<usize>, arm: Arm) -> Starts {
        let mut starts = Starts::default();
        for parts in self.parts(request, phase, arm) {
            starts.cold.merge(&parts.cold);
            starts.warm.merge(&parts.warm);
        }
        starts
    }

    /// The parts of one name in the measured phases of an arm, added up; none if the record has none.
    pub(crate) fn merged_parts(&self, request: usize, arm: Arm) -> Option<Parts> {
        let parts = self.parts(Some(request), None, arm).cloned();
        parts.reduce(|mut all, parts| {
            all.merge(&parts);
            all
        })
    }
}

/// The index of an item, which is added where none is the same.
fn index_in<T>(all: &mut Vec<T>, item: T, is_same: impl Fn(&T) -> bool) -> usize {
    all.iter().position(is_same).unwrap_or_else(|| {
        all.push(item);
        all.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Metric;
    use crate::report::samples::{silent_between, story};
    use crate::verdict::Measure;

    #[test]
    fn only_steady_phases_are_compared() {
        let view = story("phases").story();
        let all = view.aggregates();
        let steady = all.compared(None, Arm::Target).requests;
        assert_eq!(steady, all.figures(None, Some(0), Arm::Target).requests);
        assert_eq!(all.figures(None, None, Arm::Base).requests, 0);
    }

    #[test]
    fn reports_count_rates_over_the_seconds_of_load_like_limits() {
        let sample = silent_between();
        let view = sample.story();
        assert_eq!(view.overall().per_second(), Some(900.0));
        let mut lines = sample.verdict.checks.iter();
        let rate = Measure::Metric(Metric::RequestsPerSecond);
        let limit = lines.find(|line| line.measure == rate).unwrap();
        assert_eq!(limit.current, Some(900.0));
        // Of an idle phase by itself there is no other time.
        let all = view.aggregates();
        let idle = all.phases.iter().position(|phase| phase.idle).unwrap();
        let idle = all.figures(None, Some(idle), Arm::Target);
        assert_eq!((idle.seconds, idle.requests), (9.0, 0));
    }
}
