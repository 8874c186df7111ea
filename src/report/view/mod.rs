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
use crate::measurement::{Arm, Totals};
use crate::report::ReportInput;
use crate::verdict::{Insights, insights};

pub(crate) use aggregates::{Aggregates, Figures, Starts};
pub(crate) use checks::{
    CheckRow, LARGEST_RATIO, SMALLEST_RATIO, Status, job_value, margin_factor,
};
pub(crate) use cold_starts::ColdStarts;
pub(crate) use curves::{Curve, Curves, NAME_COLUMNS};
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

impl<'a> Deref for View<'a> {
    type Target = ReportInput<'a>;

    fn deref(&self) -> &ReportInput<'a> {
        &self.input
    }
}

/// Everything that is derived, each computed when it is first asked for.
macro_rules! derived {
    ($($(#[$doc:meta])* $name:ident: $type:ty = |$view:ident| $compute:expr;)*) => {
        #[derive(Debug, Default)]
        struct Derived<'a> {
            $($name: OnceCell<$type>,)*
        }

        impl<'a> View<'a> {
            $($(#[$doc])* pub(crate) fn $name(&self) -> &$type {
                let $view = self;
                self.derived.$name.get_or_init(|| $compute)
            })*
        }
    };
}

derived! {
    /// The checks as rows: failed first, then inconclusive and so on; overall before names.
    rows: Vec<CheckRow<'a>> = |view| checks::rows(&view.input);
    /// The jobs that the run is compared with, newest last; of a comparison the older result.
    jobs_before: Vec<&'a Job> = |view| view.input.jobs_before();
    /// What was measured, by name, phase and arm.
    aggregates: Aggregates<'a> = |view| Aggregates::new(view.records());
    /// The measured phases of the target: all requests together, then each name in the scenario's order.
    figures: Vec<Figures> = |view| view.aggregates().by_name(Arm::Target);
    /// Requests and failures by kind from before the change; none if nothing was compared.
    totals_before: Option<Totals> = |view| failures::before(view);
    /// The measured phases in their order; in a duet each of the base right below that of the target.
    phases: Vec<PhaseFigures> = |view| phases::phases(view);
    /// Cold starts; none if the scenario does not name their header.
    cold_starts: Option<ColdStarts> = |view| cold_starts::cold_starts(view);
    /// What the run shows beside its verdict.
    insights: Insights = |view| insights(view.record, &view.thresholds.regression);
    /// The run second by second, or slice by slice for a duet of short slices.
    time_series: TimeSeries = |view| view.time_series_of(usize::MAX);
    /// The time series as curves of the target; none if it is too short.
    curves: Curves = |view| Curves::new(view);
    /// The target over time in few buckets, and how many more there are.
    time_buckets: (Vec<TimeBucket>, usize) = |view| time_buckets::time_buckets(view.record);
}

impl<'a> View<'a> {
    /// A view in which nothing is computed yet.
    pub fn new(input: ReportInput<'a>) -> Self {
        Self {
            input,
            derived: Derived::default(),
        }
    }

    /// All requests together in the measured phases of the target.
    pub(crate) fn overall(&self) -> &Figures {
        &self.figures()[0]
    }

    /// The run in the course of its time, in at most so many points.
    pub(crate) fn time_series_of(&self, most: usize) -> TimeSeries {
        time_series::time_series(self.record, most)
    }
}
