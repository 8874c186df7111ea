//! The figures of a request name from before the change: on the base of a duet, or in the newest job of the baseline.

use super::{Aggregates, Figures, View};
use crate::baseline::{Job, PhaseScope, ReportedRow, RequestSummary};
use crate::measurement::{Arm, LatencyHistogram};
use crate::metric::Metric;
use crate::record::PhaseRecord;

/// The quantiles that a table of latencies has.
pub(crate) const QUANTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];

/// The heads of what [`LatencyRow::latencies`] gives.
pub(crate) const LATENCIES: [&str; 7] = ["average", "P50", "P90", "P95", "P99", "P99.9", "max"];

/// One row of a table of latencies: what is known of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LatencyRow {
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    pub(crate) per_second: Option<f64>,
    pub(crate) average: Option<f64>,
    /// By [`QUANTILES`], in seconds.
    pub(crate) quantiles: [Option<f64>; 5],
    pub(crate) max: Option<f64>,
    /// Requests in flight on average, where a job of the baseline tells.
    pub(crate) in_flight: Option<f64>,
}

impl LatencyRow {
    /// From the average to the highest, in seconds.
    pub(crate) fn latencies(&self) -> [Option<f64>; 7] {
        let [p50, p90, p95, p99, p999] = self.quantiles;
        [self.average, p50, p90, p95, p99, p999, self.max]
    }

    /// Failed requests over all; none where there were no requests.
    pub(crate) fn error_ratio(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.failures as f64 / self.requests as f64)
    }

    fn with(self, latencies: &LatencyHistogram) -> Self {
        Self {
            average: latencies.mean(),
            quantiles: QUANTILES.map(|q| latencies.quantile(q)),
            max: latencies.max(),
            ..self
        }
    }
}

impl From<&Figures> for LatencyRow {
    fn from(figures: &Figures) -> Self {
        let counts = Self {
            requests: figures.requests,
            failures: figures.failures,
            per_second: figures.per_second(),
            ..Self::default()
        };
        counts.with(&figures.latencies)
    }
}

impl From<&ReportedRow> for LatencyRow {
    fn from(row: &ReportedRow) -> Self {
        let seconds = Some(row.seconds).filter(|seconds| *seconds > 0.0);
        Self {
            requests: row.requests,
            failures: row.failures,
            per_second: row
                .per_second
                .or_else(|| seconds.map(|seconds| row.requests as f64 / seconds)),
            average: row.latencies.average,
            quantiles: row.latencies.quantiles,
            max: row.latencies.max,
            in_flight: row.in_flight,
        }
    }
}

impl From<&RequestSummary> for LatencyRow {
    fn from(cell: &RequestSummary) -> Self {
        let counts = Self {
            requests: cell.n,
            failures: cell.errors,
            per_second: cell.value(Metric::RequestsPerSecond),
            ..Self::default()
        };
        match &cell.latencies {
            Some(latencies) => counts.with(latencies),
            None => Self {
                quantiles: Metric::QUANTILES.map(|metric| cell.value(metric)),
                ..counts
            },
        }
    }
}

/// Where the figures before come from.
pub(crate) enum PreviousFigures<'v, 'a> {
    Base(&'v Aggregates<'a>),
    /// The newest job of the baseline; only a newest job keeps figures by phase.
    Job {
        job: &'a Job,
        phases: &'a [PhaseRecord],
        /// Whether the run was recorded after it.
        was_followed: bool,
    },
    Nothing,
}

impl<'a> View<'a> {
    /// Figures from before the change.
    pub(crate) fn previous(&self) -> PreviousFigures<'_, 'a> {
        if self.record.base.is_some() {
            return PreviousFigures::Base(self.aggregates());
        }
        let newest = self.jobs_before().last().copied();
        newest.map_or(PreviousFigures::Nothing, |job| PreviousFigures::Job {
            job,
            phases: &self.record.phases,
            was_followed: self.baseline.is_some_and(|baseline| baseline.is_cut),
        })
    }
}

impl<'a> PreviousFigures<'_, 'a> {
    /// What a row of these figures is called.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Base(_) => "base",
            Self::Job { .. } | Self::Nothing => "before",
        }
    }

    /// The job, if it has no figures by phase, so that rows may have none before; and whether the run was recorded after it.
    pub(crate) fn without_phases(&self) -> Option<(&'a Job, bool)> {
        let Self::Job {
            job,
            phases,
            was_followed,
        } = self
        else {
            return None;
        };
        let measured = phases.iter().filter(|phase| phase.is_measured_load());
        let has_gap = job.reported_rows.is_empty() && measured.count() > 1;
        has_gap.then_some((*job, *was_followed))
    }

    /// A request name (all together if none) in one phase (all measured ones if none).
    pub(crate) fn figures(&self, request: Option<&str>, phase: Option<&str>) -> Option<LatencyRow> {
        match self {
            Self::Base(all) => {
                let request = match request {
                    Some(name) => Some(all.index(name)?),
                    None => None,
                };
                let phase = match phase {
                    Some(name) => Some(all.phase(name)?),
                    None => None,
                };
                let figures = all.figures(request, phase, Arm::Base);
                (figures.requests > 0).then(|| LatencyRow::from(&figures))
            }
            Self::Job { job, phases, .. } => {
                let mut measured = phases.iter().filter(|phase| phase.is_measured_load());
                // Of one phase there is no more to know than of all.
                let is_only = matches!(
                    (measured.next(), measured.next()),
                    (Some(only), None) if phase == Some(&only.name)
                );
                let reported = job.reported(phase.filter(|_| !is_only), request);
                let reported = reported.map(LatencyRow::from);
                reported.or_else(|| stored(job, request, phase, phases))
            }
            Self::Nothing => None,
        }
    }
}

/// What a job knows that does not tell figures phase by phase: an older loadgate kept steady phases together, and each
/// other one by itself, so that only where just these are asked for there is an answer.
fn stored(
    job: &Job,
    request: Option<&str>,
    phase: Option<&str>,
    phases: &[PhaseRecord],
) -> Option<LatencyRow> {
    let measured = phases.iter().filter(|phase| phase.is_measured_load());
    let steady = measured.clone().filter(|phase| phase.steady);
    let asked = measured.filter(|own| phase.is_none_or(|name| name == own.name));
    let asked: Vec<&PhaseRecord> = asked.collect();
    let scope = match asked.as_slice() {
        [] => return None,
        [one] if !one.steady => PhaseScope::Phase(one.name.clone()),
        all if all.iter().all(|phase| phase.steady) && all.len() == steady.count() => {
            PhaseScope::Steady
        }
        _ => return None,
    };
    job.cell(&scope, request).map(LatencyRow::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::{add, exclude_runs};
    use crate::measurement::Parts;
    use crate::record::samples::{RecordBuilder, record, traffic};
    use crate::record::{PartsRecord, RunRecord, ScenarioIdentity};
    use crate::report::samples::gate;
    use crate::report::wording::missing_figures;

    /// A run of two steady phases, a repeated one and an idle one in which stragglers fall due, which tells of the first how long requests took from being sent.
    fn run(millis: f64) -> RunRecord {
        let of = |run: RecordBuilder, factor: f64| {
            let names = [
                traffic("GET /a", 700, millis * factor),
                traffic("GET /b", 300, 20.0 * factor),
            ];
            run.slices(4, &names)
        };
        let run = of(record().unmeasured("warm-up"), 9.0).steady("warm");
        let run = of(of(run, 1.0).repeated("burst"), 3.0).next_pass();
        let run = of(of(run, 3.0).steady("peak"), 2.0).repeated("idle");
        let run = run
            .slices(1, &[traffic("GET /a", 3, millis)])
            .slices(29, &[]);
        let run = run.with(|run| run.phases[4].idle = true);
        let mut parts = Parts::default();
        parts.service.record_many(20_000, 4000);
        let parts = PartsRecord {
            phase: 1,
            arm: Arm::Target,
            request: 0,
            parts,
        };
        run.with(|run| run.parts.push(parts)).build()
    }

    fn of_newest<'a>(job: &'a Job, now: &'a RunRecord) -> PreviousFigures<'a, 'a> {
        PreviousFigures::Job {
            job,
            phases: &now.phases,
            was_followed: false,
        }
    }

    /// What the run's own tables say of a name in a phase, or in all measured ones.
    fn row(run: &RunRecord, request: Option<&str>, phase: Option<&str>) -> LatencyRow {
        let all = Aggregates::new(std::iter::once(run));
        let request = request.map(|name| all.index(name).unwrap());
        let phase = phase.map(|name| all.phase(name).unwrap());
        LatencyRow::from(&all.figures(request, phase, Arm::Target))
    }

    fn assert_same(before: &LatencyRow, row: &LatencyRow) {
        let close = |a: Option<f64>, b: Option<f64>| {
            let (a, b) = (a.unwrap(), b.unwrap());
            assert!((a / b - 1.0).abs() < 5e-4, "{before:?} is not {row:?}");
        };
        assert_eq!(
            (before.requests, before.failures),
            (row.requests, row.failures)
        );
        close(before.per_second, row.per_second);
        close(before.average, row.average);
        close(before.max, row.max);
        for (before, row) in before.quantiles.into_iter().zip(row.quantiles) {
            close(before, row);
        }
    }

    #[test]
    fn a_job_has_figures_of_every_name_in_every_measured_phase() {
        let before = run(40.0);
        let (job, now) = (Job::from_record(&before, false), run(50.0));
        let past = of_newest(&job, &now);
        for request in [None, Some("GET /a"), Some("GET /b")] {
            let all = past.figures(request, None).unwrap();
            assert_same(&all, &row(&before, request, None));
            for phase in ["warm", "burst", "peak"] {
                let one = past.figures(request, Some(phase)).unwrap();
                assert_same(&one, &row(&before, request, Some(phase)));
                assert_ne!(one.quantiles, all.quantiles);
            }
        }
        let all = past.figures(None, None).unwrap();
        assert_eq!(all.requests, 16_003, "those in the silence too");
        let rate = all.per_second.unwrap();
        assert!(
            (rate - 16_003.0 / 16.0).abs() < 1.0,
            "{rate} in the 16 s of load"
        );
        // By Little's law: 4,000 of 20 ms each in four seconds.
        let flight = past.figures(None, Some("warm")).unwrap().in_flight.unwrap();
        assert!((flight - 20.0).abs() < 0.05, "{flight}");
        assert_eq!(
            past.figures(Some("GET /a"), Some("warm"))
                .unwrap()
                .in_flight,
            None
        );
        assert_eq!(past.figures(None, Some("peak")).unwrap().in_flight, None);
        assert_eq!(past.figures(None, Some("warm-up")), None, "not measured");
        assert_eq!(past.figures(Some("GET /c"), None), None);
        assert_eq!(past.figures(None, Some("recovery")), None);
        assert!(past.without_phases().is_none());
    }

    #[test]
    fn a_recorded_run_says_why_rows_have_no_earlier_figures() {
        let scenario = ScenarioIdentity::default();
        let day = |number: i64, millis: f64| {
            let mut record = run(millis);
            record.run.id = format!("day-{number}");
            record.run.started += jiff::SignedDuration::from_hours(24 * number);
            record
        };
        let runs = [day(0, 40.0), day(1, 50.0)];
        let jobs = runs.iter().map(|run| Job::from_record(run, false));
        let mut held = jobs
            .fold(None, |held, job| Some(add(held, &scenario, job)))
            .unwrap();
        held.scenario = runs[1].scenario.clone();
        assert!(exclude_runs(&mut held, &runs[1..]));
        let sample = gate(runs[1].clone()).after(&held).judged_whole();
        let gap = missing_figures(&sample.story()).unwrap().to_string();
        let why = "this run was recorded after it, and only the newest job keeps them";
        assert!(gap.ends_with(why), "{gap}");
        // A run that the baseline does not hold takes nothing out.
        let mut held = held.clone();
        held.is_cut = false;
        assert!(!exclude_runs(&mut held, &runs[1..]));
        assert!(!held.is_cut);
    }

    #[test]
    fn a_job_of_an_older_loadgate_has_the_figures_that_it_kept() {
        let now = run(50.0);
        let mut job = Job::from_record(&run(40.0), false);
        job.reported_rows = Vec::new();
        let past = of_newest(&job, &now);
        let burst = past.figures(Some("GET /a"), Some("burst")).unwrap();
        assert_eq!(burst.requests, 5600);
        assert!(burst.quantiles[2].is_some());
        // Two steady phases were kept as one, and never with others.
        assert_eq!(past.figures(Some("GET /a"), Some("warm")), None);
        assert_eq!(past.figures(None, None), None);
        assert!(past.without_phases().is_some());
        let one = record()
            .steady("warm")
            .slices(4, &[traffic("GET /a", 700, 40.0)])
            .build();
        let mut job = Job::from_record(&one, false);
        assert_eq!(
            job.reported_rows.len(),
            2,
            "of one phase no more than of all"
        );
        let whole = of_newest(&job, &one).figures(None, Some("warm")).unwrap();
        job.reported_rows = Vec::new();
        let past = of_newest(&job, &one);
        for known in [past.figures(None, Some("warm")), past.figures(None, None)] {
            let known = known.unwrap();
            assert_eq!(known.requests, whole.requests);
            assert!(known.average.is_some() && known.max.is_some());
        }
        assert!(past.without_phases().is_none(), "nothing is missing");
    }
}
