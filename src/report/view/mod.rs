//! Everything that reports derive from a gate, each computed once: check rows, figures, previous figures, insights.
//!
//! Only this folder pools slices. It holds values and no sentences, and every format reads it.

mod aggregates;
mod checks;
mod cold_starts;
mod curves;
mod failures;
mod outcome;
mod pairs;
mod phases;
mod previous;
mod responses;
mod time_buckets;
mod time_series;
mod worst;

use std::cell::OnceCell;
use std::ops::Deref;

use crate::baseline::Job;
use crate::measurement::{Arm, FailureKind, Totals};
use crate::report::ReportInput;
use crate::verdict::{Insights, insights};

pub(crate) use aggregates::{Aggregates, Figures, Starts};
pub(crate) use checks::{
    CheckRow, Status, is_not_compared, job_value, margin_factor, must_be_ruled_out,
};
pub(crate) use cold_starts::ColdStarts;
pub(crate) use curves::{Curve, Curves};
pub(crate) use failures::FirstFailure;
pub(crate) use outcome::{OutcomeStyle, Tone};
pub(crate) use pairs::pairs;
pub(crate) use phases::PhaseFigures;
pub(crate) use previous::{LATENCIES, LatencyRow, PreviousFigures};
pub(crate) use responses::Responses;
pub(crate) use time_buckets::TimeBucket;
pub(crate) use time_series::{By, Point, TimeSeries};

/// One gate as every format shows it: its input, and what is derived from it.
#[derive(Debug)]
pub struct View<'a> {
    input: ReportInput<'a>,
    derived: Derived<'a>,
}

/// Everything that is derived, computed when it is first asked for.
#[derive(Debug, Default)]
struct Derived<'a> {
    rows: OnceCell<Vec<CheckRow<'a>>>,
    jobs_before: OnceCell<Vec<&'a Job>>,
    aggregates: OnceCell<Aggregates<'a>>,
    figures: OnceCell<Vec<Figures>>,
    totals_before: OnceCell<Option<Totals>>,
    phases: OnceCell<Vec<PhaseFigures>>,
    cold_starts: OnceCell<Option<ColdStarts>>,
    insights: OnceCell<Insights>,
    time_series: OnceCell<TimeSeries>,
    curves: OnceCell<Curves>,
    time_buckets: OnceCell<(Vec<TimeBucket>, usize)>,
}

impl<'a> Deref for View<'a> {
    type Target = ReportInput<'a>;

    fn deref(&self) -> &ReportInput<'a> {
        &self.input
    }
}

impl<'a> View<'a> {
    /// A view in which nothing is computed yet.
    pub fn new(input: ReportInput<'a>) -> Self {
        Self {
            input,
            derived: Derived::default(),
        }
    }

    /// The checks as rows: failed first, then inconclusive and so on; overall before names.
    pub(crate) fn rows(&self) -> &[CheckRow<'a>] {
        let rows = &self.derived.rows;
        rows.get_or_init(|| checks::rows(&self.input))
    }

    /// The jobs that the run is compared with, newest last; of a comparison the older result.
    pub(crate) fn jobs_before(&self) -> &[&'a Job] {
        let jobs = &self.derived.jobs_before;
        jobs.get_or_init(|| self.input.jobs_before())
    }

    /// What was measured, by name, phase and arm.
    pub(crate) fn aggregates(&self) -> &Aggregates<'a> {
        let aggregates = &self.derived.aggregates;
        aggregates.get_or_init(|| Aggregates::new(self.records()))
    }

    /// The measured phases of the target: all requests together, then each name in the scenario's order.
    pub(crate) fn figures(&self) -> &[Figures] {
        self.derived.figures.get_or_init(|| {
            let all = self.aggregates();
            let names = (0..all.names.len()).map(Some);
            let names = std::iter::once(None).chain(names);
            names.map(|name| all.measured(name, Arm::Target)).collect()
        })
    }

    /// All requests together in the measured phases of the target.
    pub(crate) fn overall(&self) -> &Figures {
        &self.figures()[0]
    }

    /// Figures from before the change.
    pub(crate) fn previous(&self) -> PreviousFigures<'_, 'a> {
        PreviousFigures::new(self)
    }

    /// Requests and failures by kind from before the change; none if nothing was compared.
    pub(crate) fn totals_before(&self) -> Option<&Totals> {
        let totals = &self.derived.totals_before;
        totals.get_or_init(|| failures::before(self)).as_ref()
    }

    /// When a kind of failure first appeared on the target; none if the record does not know.
    pub(crate) fn first_failure(&self, kind: FailureKind) -> Option<FirstFailure> {
        failures::first(self.record, kind)
    }

    /// The measured phases in their order; in a duet each of the base right below that of the target.
    pub(crate) fn phases(&self) -> &[PhaseFigures] {
        self.derived.phases.get_or_init(|| phases::phases(self))
    }

    /// The phases that are not measured, or in which no load is sent.
    pub(crate) fn unmeasured_phases(&self) -> Vec<PhaseFigures> {
        phases::unmeasured(self)
    }

    /// Cold starts; none if the scenario does not name their header.
    pub(crate) fn cold_starts(&self) -> Option<&ColdStarts> {
        let cold = &self.derived.cold_starts;
        cold.get_or_init(|| cold_starts::cold_starts(self)).as_ref()
    }

    /// What the run shows beside its verdict.
    pub(crate) fn insights(&self) -> &Insights {
        let regression = &self.thresholds.regression;
        let found = &self.derived.insights;
        found.get_or_init(|| insights(self.record, regression))
    }

    /// The run second by second, or slice by slice for a duet of short slices.
    pub(crate) fn time_series(&self) -> &TimeSeries {
        let series = &self.derived.time_series;
        series.get_or_init(|| self.time_series_of(usize::MAX))
    }

    /// The same in at most so many points.
    pub(crate) fn time_series_of(&self, most: usize) -> TimeSeries {
        time_series::time_series(self.record, most)
    }

    /// The time series as curves of the target; none if it is too short.
    pub(crate) fn curves(&self) -> &Curves {
        self.derived.curves.get_or_init(|| Curves::new(self))
    }

    /// The target over time in few buckets, and how many more there are.
    pub(crate) fn time_buckets(&self) -> &(Vec<TimeBucket>, usize) {
        let buckets = &self.derived.time_buckets;
        buckets.get_or_init(|| time_buckets::time_buckets(self.record))
    }
}
