//! One run boiled down to a few numbers per request name: what a baseline keeps of a job.

use std::collections::BTreeMap;

use super::model::{Job, PhaseScope, RequestSummary, VALUE_DIGITS};
use super::reported::ReportedRow;
use crate::measurement::Arm;
use crate::metric::{Metric, MetricKind};
use crate::record::{Aggregate, Breakdown, Level, PhaseRecord, RunRecord, SliceFilter, level};
use crate::units::rounded;

/// Digits of a stored spread, which is shown and never tested.
const SPREAD_DIGITS: usize = 2;

impl PhaseScope {
    /// What a run is summarized by: its steady phases, where it has any, and each other measured phase by itself.
    pub fn all(phases: &[PhaseRecord]) -> Vec<Self> {
        let measured = || phases.iter().filter(|phase| phase.is_measured_load());
        let steady = measured().any(|phase| phase.steady).then_some(Self::Steady);
        let others = measured()
            .filter(|phase| !phase.steady)
            .map(|phase| Self::Phase(phase.name.clone()));
        steady.into_iter().chain(others).collect()
    }

    /// The indices of its phases.
    pub fn phases(&self, phases: &[PhaseRecord]) -> Vec<usize> {
        let phases = phases.iter().enumerate();
        phases
            .filter(|(_, phase)| match self {
                Self::Steady => phase.steady && phase.measured,
                Self::Phase(name) => phase.name == *name,
            })
            .map(|(index, _)| index)
            .collect()
    }

    /// By phase, the units of the deployment under test that `filter` keeps: its slices, or passes where not steady.
    pub fn samples(
        &self,
        record: &RunRecord,
        filter: &SliceFilter,
        request: Option<usize>,
    ) -> Vec<Vec<[Aggregate; 1]>> {
        let phases = self.phases(&record.phases).into_iter();
        phases
            .map(|phase| filter.units(record, phase, Arm::Target, request))
            .collect()
    }
}

impl Job {
    /// The job that a baseline keeps of a run, with the histograms and figures that only the newest job has.
    pub fn from_record(record: &RunRecord, accepted_worse: bool) -> Self {
        let filter = SliceFilter::new(record, || None);
        let mut cells = summarize_kept(record, &filter);
        for cell in &mut cells {
            let request = cell.request.as_ref();
            let request =
                request.and_then(|name| record.requests.iter().position(|own| own == name));
            let phases = cell.scope.phases(&record.phases);
            let parts = record.parts_of(Arm::Target, &phases, request);
            let breakdown = Breakdown::from_parts(&parts)
                .with_metrics(|metric| cell.metrics.contains_key(&metric));
            cell.breakdown = Some(breakdown).filter(|all| *all != Breakdown::default());
            // Stored for all requests together only.
            if cell.request.is_some() {
                cell.metrics
                    .values_mut()
                    .for_each(|(_, spread)| *spread = 0.0);
            } else {
                cell.kinds = filter.totals(record, &phases, Arm::Target, None).failures;
            }
            if cell.scope != PhaseScope::Steady {
                continue;
            }
            let mut pooled = Aggregate::default();
            for [sample] in cell
                .scope
                .samples(record, &filter, request)
                .iter()
                .flatten()
            {
                pooled.merge(sample);
            }
            cell.latencies = Some(pooled.latencies.to_coarse()).filter(|all| !all.is_empty());
        }
        Self {
            id: record.run.id.clone(),
            commit: record.run.commit.clone(),
            started: record.run.started,
            counting: record.counting,
            accepted_worse,
            counts_responses: record.counts_responses(),
            loopback: record.target.loopback,
            labels: record.labels.clone(),
            environment: record.environment.clone(),
            cells,
            reported_rows: ReportedRow::from_record(record),
            late: Some(filter.drop_count())
                .filter(|drop_count| !drop_count.is_whole())
                .unwrap_or_default(),
            reference: record.reference.clone(),
            cost: record.cost().cloned(),
        }
    }
}

/// The numbers of the deployment under test: by scope, all requests together first and then name by name.
pub fn summarize(record: &RunRecord) -> Vec<RequestSummary> {
    summarize_kept(record, &SliceFilter::new(record, || None))
}

/// The same over the slices that `filter` keeps.
pub fn summarize_kept(record: &RunRecord, filter: &SliceFilter) -> Vec<RequestSummary> {
    let mut cells = Vec::new();
    for scope in PhaseScope::all(&record.phases) {
        for request in std::iter::once(None).chain((0..record.requests.len()).map(Some)) {
            let samples = scope.samples(record, filter, request);
            let is_told = record.marks_cold_starts();
            let units = || samples.iter().flatten().map(|[unit]| unit);
            let cold = units().map(|unit| unit.cold.count()).sum();
            let cell = RequestSummary {
                scope: scope.clone(),
                request: request.map(|index| record.requests[index].clone()),
                n: units().map(|unit| unit.requests).sum(),
                errors: units().map(|unit| unit.failures).sum(),
                cold: is_told.then_some(cold),
                metrics: metrics(&samples, cold),
                kinds: BTreeMap::new(),
                latencies: None,
                breakdown: None,
            };
            if cell.n > 0 {
                cells.push(cell);
            }
        }
    }
    cells
}

/// Every metric that has a level and enough requests for it.
fn metrics(phases: &[Vec<[Aggregate; 1]>], cold: u64) -> BTreeMap<Metric, (f64, f64)> {
    let mut metrics = BTreeMap::new();
    for metric in Metric::ALL {
        // A share has no level: it is counted beside. Without cold starts there is nothing to tell apart.
        if metric.kind() == MetricKind::Share || (metric.needs_marks() && cold == 0) {
            continue;
        }
        if let Ok(Level { log, spread }) = level(phases, metric) {
            let value = rounded(libm::exp(log), VALUE_DIGITS);
            metrics.insert(metric, (value, rounded(spread, SPREAD_DIGITS)));
        }
    }
    metrics
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::FailureKind;
    use crate::record::samples::{record, traffic};

    fn cell<'a>(cells: &'a [RequestSummary], request: Option<&str>) -> &'a RequestSummary {
        cells
            .iter()
            .find(|cell| cell.request.as_deref() == request)
            .unwrap()
    }

    #[test]
    fn a_summary_holds_the_median_over_slices_and_counts() {
        let run = record()
            .steady("warm")
            .slices(
                3,
                &[traffic("GET /a", 700, 100.0), traffic("GET /b", 100, 50.0)],
            )
            .slice(&[traffic("GET /a", 700, 900.0).failing(FailureKind::Status(500), 7)])
            .build();
        let cells = summarize(&run);
        let a = cell(&cells, Some("GET /a"));
        assert_eq!((a.n, a.errors), (2800, 7));
        let (p95, spread) = a.metrics[&Metric::P95];
        assert!((p95 / 0.145 - 1.0).abs() < 5e-3, "{p95}");
        assert!(spread > 0.5, "{spread}");
        assert!((a.metrics[&Metric::RequestsPerSecond].0 - 700.0).abs() < 1e-9);
        assert!(!a.metrics.contains_key(&Metric::P99));
        assert!(
            !cell(&cells, Some("GET /b"))
                .metrics
                .contains_key(&Metric::P95)
        );
        assert_eq!(cell(&cells, None).n, 3100);
    }

    #[test]
    fn measured_phases_are_summarized_and_repeats_apart() {
        let run = record()
            .unmeasured("warm-up")
            .slices(2, &[traffic("GET /a", 5000, 1.0)])
            .steady("warm")
            .slices(4, &[traffic("GET /a", 700, 100.0)])
            .repeated("burst")
            .slices(2, &[traffic("GET /a", 600, 200.0)])
            .next_pass()
            .slices(2, &[traffic("GET /a", 600, 200.0)])
            .build();
        let cells = summarize(&run);
        let scopes: Vec<&PhaseScope> = cells.iter().map(|cell| &cell.scope).collect();
        let burst = PhaseScope::Phase("burst".to_owned());
        assert_eq!(
            scopes,
            [&PhaseScope::Steady, &PhaseScope::Steady, &burst, &burst]
        );
        assert_eq!((cells[0].n, cells[2].n), (2800, 2400));
    }

    #[test]
    fn late_slices_are_left_out() {
        let run = record()
            .steady("warm")
            .slices(4, &[traffic("GET /a", 700, 10.0)])
            .late(0.006)
            .build();
        assert_eq!(summarize(&run)[0].n, 2100);
    }

    #[test]
    fn a_job_has_small_histograms_of_its_steady_phases() {
        let run = record()
            .steady("warm")
            .slices(4, &[traffic("GET /a", 700, 100.0)])
            .build();
        let job = Job::from_record(&run, true);
        assert!(job.accepted_worse && job.loopback);
        let cell = job.cell(&PhaseScope::Steady, Some("GET /a")).unwrap();
        let latencies = cell.latencies.as_ref().unwrap();
        assert_eq!(latencies.count(), 2800);
        assert!(latencies.to_text().len() < 1500);
    }
}
