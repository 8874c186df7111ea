//! What was measured, added up once by name, phase and arm: every plot and table takes its part of it.
//!
//! Adding up is the dearest step of a page, since every slice keeps its histograms packed.

use std::collections::BTreeMap;

use crate::measurement::{Arm, LatencyHistogram, Parts, RequestStats};
use crate::record::{LoadRate, PhaseRecord, RunRecord, Throughput};
use crate::report::ReportInput;

/// Index of the phase, arm, and index of the request name.
type Key = (usize, Arm, usize);

/// All candidates' measurements.
pub(super) struct Aggregates<'a> {
    /// Request names, in the scenario's order.
    pub(super) names: Vec<&'a str>,
    /// Phases, repeats pooled.
    pub(super) phases: &'a [PhaseRecord],
    cells: BTreeMap<Key, RequestStats>,
    /// By phase, arm and name; none for all of them together.
    completed: BTreeMap<(usize, Arm, Option<usize>), Throughput>,
    parts: BTreeMap<(Arm, usize), Parts>,
    by_phase: BTreeMap<Key, Parts>,
}

/// Requests of some name, phases and arm.
#[derive(Default)]
pub(super) struct Pool {
    pub(super) cell: RequestStats,
    /// Responses, and the time that they took.
    pub(super) completed: Throughput,
}

impl<'a> Aggregates<'a> {
    /// Adds up a story's records.
    pub(super) fn of(story: &ReportInput<'a>) -> Self {
        let mut pools = Self {
            names: Vec::new(),
            phases: &story.record.phases,
            cells: BTreeMap::new(),
            completed: BTreeMap::new(),
            parts: BTreeMap::new(),
            by_phase: BTreeMap::new(),
        };
        let mut cells = BTreeMap::new();
        for record in story.records() {
            pools.add(record, &mut cells);
        }
        let cells = cells.into_iter();
        pools.cells = cells
            .map(|(key, cells)| (key, RequestStats::sum(&cells)))
            .collect();
        pools
    }

    fn add(&mut self, record: &'a RunRecord, cells: &mut BTreeMap<Key, Vec<&'a RequestStats>>) {
        let names: Vec<usize> = record.requests.iter().map(|name| self.name(name)).collect();
        for slice in &record.slices {
            for request in std::iter::once(None).chain((0..names.len()).map(Some)) {
                let name = request.map(|request| names[request]);
                let completed = self.completed.entry((slice.phase, slice.arm, name));
                completed.or_default().add(slice.throughput(request));
            }
            for cell in &slice.cells {
                let key = (slice.phase, slice.arm, names[cell.request]);
                cells.entry(key).or_default().push(&cell.cell);
            }
        }
        for of in &record.parts {
            let Some(request) = names.get(of.request).copied() else {
                continue;
            };
            let phase = self.by_phase.entry((of.phase, of.arm, request));
            phase.or_default().merge(&of.parts);
            if self.is_measured(of.phase) {
                let all = self.parts.entry((of.arm, request)).or_default();
                all.merge(&of.parts);
            }
        }
    }

    fn name(&mut self, name: &'a str) -> usize {
        let known = self.names.iter().position(|known| *known == name);
        known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        })
    }

    /// Whether limits and regression look at a phase.
    pub(super) fn is_measured(&self, phase: usize) -> bool {
        self.phases.get(phase).is_some_and(|phase| phase.measured)
    }

    /// The requests of one name (all where none) in the measured phases of an arm.
    pub(super) fn measured(&self, request: Option<usize>, arm: Arm) -> Pool {
        self.gather(request, arm, |phase| self.is_measured(phase))
    }

    /// The requests of one name (all where none) in the phases that regression compares, where there are any, else in
    /// all measured ones.
    pub(super) fn compared(&self, request: Option<usize>, arm: Arm) -> Pool {
        let steady = |phase: usize| self.is_measured(phase) && self.phases[phase].steady;
        if (0..self.phases.len()).any(steady) {
            return self.gather(request, arm, steady);
        }
        self.measured(request, arm)
    }

    /// The requests of one name (all where none) in one phase of an arm.
    pub(super) fn in_phase(&self, request: Option<usize>, arm: Arm, phase: usize) -> Pool {
        self.gather(request, arm, |own| own == phase)
    }

    fn gather(&self, request: Option<usize>, arm: Arm, keep: impl Fn(usize) -> bool) -> Pool {
        let cells = self.cells.iter().filter(|((phase, own, name), _)| {
            *own == arm && keep(*phase) && request.is_none_or(|request| request == *name)
        });
        let cells: Vec<&RequestStats> = cells.map(|(_, cell)| cell).collect();
        let mut rate = LoadRate::default();
        for ((phase, own, name), completed) in &self.completed {
            if *own == arm
                && *name == request
                && keep(*phase)
                && let Some(phase) = self.phases.get(*phase)
            {
                rate.add(phase, *completed);
            }
        }
        Pool {
            cell: RequestStats::sum(&cells),
            completed: rate.value(),
        }
    }

    /// Where the time of one name went, in the measured phases of an arm.
    pub(super) fn parts(&self, request: usize, arm: Arm) -> Option<&Parts> {
        self.parts.get(&(arm, request))
    }

    /// Latencies of cold and warm answers of an arm: of one name (all where none), in one phase (all measured ones where
    /// none).
    pub(super) fn starts(
        &self,
        request: Option<usize>,
        phase: Option<usize>,
        arm: Arm,
    ) -> (LatencyHistogram, LatencyHistogram) {
        let (mut cold, mut warm) = (LatencyHistogram::new(), LatencyHistogram::new());
        for ((own_phase, own_arm, name), parts) in &self.by_phase {
            let in_phase = phase.map_or_else(|| self.is_measured(*own_phase), |p| p == *own_phase);
            if in_phase && *own_arm == arm && request.is_none_or(|request| request == *name) {
                cold.merge(&parts.cold);
                warm.merge(&parts.warm);
            }
        }
        (cold, warm)
    }
}

/// Latencies by rank: asked for many quantiles, they are read once.
pub(super) struct QuantileTable(Vec<(f64, u64)>);

impl QuantileTable {
    /// The latencies in order, each with how many are no longer.
    pub(super) fn of(latencies: &LatencyHistogram) -> Self {
        let mut so_far = 0;
        let ranked = latencies.buckets().map(|(seconds, count)| {
            so_far += count;
            (seconds, so_far)
        });
        Self(ranked.collect())
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.0.last().map_or(0, |(_, count)| *count)
    }

    /// The latency in seconds below which a share `q` lies.
    pub(super) fn quantile(&self, q: f64) -> Option<f64> {
        let rank = (q * self.count() as f64).max(1.0);
        let index = self
            .0
            .partition_point(|(_, count)| (*count as f64) < rank - 1e-9);
        self.0
            .get(index.min(self.0.len().checked_sub(1)?))
            .map(|(seconds, _)| *seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::answers::LatencyRow;
    use crate::report::samples::{silent_between, story};

    #[test]
    fn what_is_added_up_is_what_the_figures_say() {
        for sample in [story("phases"), &silent_between()] {
            let told = sample.story();
            let pools = Aggregates::of(&told);
            let figures = crate::report::figures::figures(&told);
            for (index, figures) in figures.iter().enumerate() {
                let pool = pools.measured(index.checked_sub(1), Arm::Target);
                assert_eq!(pool.cell.requests(), figures.requests);
                assert_eq!(pool.cell.latencies(), figures.latencies);
                assert_eq!(
                    LatencyRow::new(&pool.cell, pool.completed),
                    LatencyRow::from(figures)
                );
            }
        }
        let sample = story("phases");
        let pools = Aggregates::of(&sample.story());
        let steady = pools.compared(None, Arm::Target).cell.requests();
        assert_eq!(steady, pools.in_phase(None, Arm::Target, 0).cell.requests());
        assert_eq!(pools.measured(None, Arm::Base).cell.requests(), 0);
    }

    #[test]
    fn ranks_give_the_histograms_own_quantiles() {
        let mut latencies = LatencyHistogram::new();
        (1..=1000).for_each(|k| latencies.record_micros(k * 1000));
        let ranks = QuantileTable::of(&latencies);
        for q in [0.0, 0.001, 0.5, 0.95, 0.999, 1.0] {
            assert_eq!(ranks.quantile(q), latencies.quantile(q), "{q}");
        }
        assert_eq!(
            QuantileTable::of(&LatencyHistogram::new()).quantile(0.5),
            None
        );
    }
}
