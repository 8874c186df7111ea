//! The figures of a request name as they were before: on the base of a duet, or in the newest job of the baseline.

use crate::baseline::{CellSummary, Job, Matching, Scope, Setting, matching};
use crate::measurement::{Arm, Cell, Latencies};
use crate::metric::Metric;
use crate::record::{PhaseRecord, RunRecord};
use crate::report::Story;
use crate::report::figures::{Figures, gather};

/// The quantiles that a table of latencies has.
pub(in crate::report) const QUANTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];

/// One row of a table of latencies: what is known of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::report) struct Known {
    /// Requests.
    pub(in crate::report) requests: u64,
    /// Failed requests.
    pub(in crate::report) failures: u64,
    /// Requests per second.
    pub(in crate::report) per_second: Option<f64>,
    /// Mean latency in seconds.
    pub(in crate::report) average: Option<f64>,
    /// By [`QUANTILES`], in seconds.
    pub(in crate::report) quantiles: [Option<f64>; 5],
    /// Highest latency in seconds.
    pub(in crate::report) max: Option<f64>,
}

impl Known {
    /// Failed requests over all; none where there were no requests.
    pub(in crate::report) fn error_ratio(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.failures as f64 / self.requests as f64)
    }

    /// What was measured in so many seconds.
    pub(in crate::report) fn new(cell: &Cell, seconds: f64) -> Self {
        let requests = cell.requests();
        let counts = Self {
            requests,
            failures: cell.failures(),
            per_second: (seconds > 0.0).then(|| requests as f64 / seconds),
            ..Self::default()
        };
        counts.with(&cell.latencies())
    }

    fn with(self, latencies: &Latencies) -> Self {
        Self {
            average: latencies.mean(),
            quantiles: QUANTILES.map(|q| latencies.quantile(q)),
            max: latencies.max(),
            ..self
        }
    }
}

impl From<&Figures> for Known {
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

impl From<&CellSummary> for Known {
    fn from(cell: &CellSummary) -> Self {
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

/// Where a story's figures before come from, found once.
pub(in crate::report) enum Past<'a> {
    /// The base arm of each record.
    Base(Vec<&'a RunRecord>),
    /// The newest job of the baseline.
    Job(&'a Job, &'a [PhaseRecord]),
    /// Nothing was compared.
    Nothing,
}

impl<'a> Past<'a> {
    /// That of a story.
    pub(in crate::report) fn of(story: &Story<'a>) -> Self {
        if story.record.base.is_some() {
            return Self::Base(story.records().collect());
        }
        match matching(story.baseline, &Setting::from(story.record)) {
            Matching::Jobs(jobs) => jobs
                .last()
                .map_or(Self::Nothing, |job| Self::Job(job, &story.record.phases)),
            Matching::None(_) => Self::Nothing,
        }
    }

    /// What a row of the past is called; none where there is no past.
    pub(in crate::report) fn called(&self) -> &'static str {
        match self {
            Self::Base(_) => "base",
            Self::Job(..) | Self::Nothing => "before",
        }
    }

    /// A request name (all together where none) over all measured phases.
    pub(in crate::report) fn measured(&self, request: Option<&str>) -> Option<Known> {
        match self {
            Self::Base(records) => base(records, request, |phase| phase.measured),
            Self::Job(_, phases) => self.stored(request, &|phase| phase.measured, phases),
            Self::Nothing => None,
        }
    }

    /// A request name (all together where none) in one phase.
    pub(in crate::report) fn in_phase(&self, request: Option<&str>, name: &str) -> Option<Known> {
        match self {
            Self::Base(records) => base(records, request, |phase| phase.name == name),
            Self::Job(_, phases) => self.stored(request, &|phase| phase.name == name, phases),
            Self::Nothing => None,
        }
    }

    /// A job keeps its steady phases together, and each other one by itself: only where just these are asked for does it
    /// know them.
    fn stored(
        &self,
        request: Option<&str>,
        is_asked: &dyn Fn(&PhaseRecord) -> bool,
        phases: &[PhaseRecord],
    ) -> Option<Known> {
        let Self::Job(job, _) = self else { return None };
        let measured = |phase: &&PhaseRecord| phase.measured && !phase.idle;
        let asked: Vec<&PhaseRecord> = phases
            .iter()
            .filter(measured)
            .filter(|phase| is_asked(phase))
            .collect();
        let steady = phases.iter().filter(measured).filter(|phase| phase.steady);
        let scope = match asked.as_slice() {
            [] => return None,
            [one] if !one.steady => Scope::Phase(one.name.clone()),
            all if all.iter().all(|phase| phase.steady) && all.len() == steady.count() => {
                Scope::Steady
            }
            _ => return None,
        };
        job.cell(&scope, request).map(Known::from)
    }
}

fn base(
    records: &[&RunRecord],
    request: Option<&str>,
    is_asked: impl Fn(&PhaseRecord) -> bool,
) -> Option<Known> {
    let figures = gather(records.iter().copied(), request, |record, slice| {
        slice.arm == Arm::Base && is_asked(&record.phases[slice.phase])
    });
    (figures.requests > 0).then(|| Known::from(&figures))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{RecordBuilder, record, traffic};

    fn run(millis: f64) -> RunRecord {
        let of = |run: RecordBuilder| run.slices(4, &[traffic("GET /a", 700, millis)]);
        let run = of(record().steady("warm")).repeated("burst");
        of(run).build()
    }

    #[test]
    fn a_job_answers_for_the_phases_that_it_keeps_by_themselves_and_for_no_others() {
        let (before, now) = (Job::of(&run(40.0), false), run(50.0));
        let past = Past::Job(&before, &now.phases);
        for request in [None, Some("GET /a")] {
            let warm = past.in_phase(request, "warm").unwrap();
            assert_eq!((warm.requests, warm.failures), (2800, 0));
            assert!(warm.average.is_some() && warm.max.is_some());
            assert!(warm.quantiles.iter().all(Option::is_some));
            let burst = past.in_phase(request, "burst").unwrap();
            assert_eq!(burst.requests, 2800);
            assert!(burst.quantiles[2].is_some());
            // Steady and repeated phases are never pooled in a job.
            assert_eq!(past.measured(request), None);
        }
        assert_eq!(past.in_phase(Some("GET /b"), "warm"), None);
        assert_eq!(past.in_phase(None, "peak"), None);
    }
}
