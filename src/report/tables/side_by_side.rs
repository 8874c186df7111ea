//! The table of results that differ in one label, each figure with its interval.

use super::{Cell, Column, Row, Table};
use crate::metric::Metric;
use crate::report::input::SideBySide;
use crate::report::text::{count, numbers, text, untrusted};
use crate::report::wording::{MARK, MARK_MEANS};
use crate::thresholds::AwsMetric;
use crate::verdict::{Figure, Measure, Variant};

/// The measure of dollars for a million requests.
pub(crate) const COST: Measure = Measure::Aws(AwsMetric::CostPerMillion);

/// A figure that each result has.
pub(crate) struct FigureColumn {
    pub(crate) name: &'static str,
    /// A measure whose values read as this figure's do.
    pub(crate) measure: Measure,
    pub(crate) figure: fn(&Variant) -> Option<Figure>,
}

/// The figures in the order of reports.
pub(crate) const FIGURES: [FigureColumn; 5] = [
    FigureColumn {
        name: "P50",
        measure: Measure::Metric(Metric::P50),
        figure: |it| it.p50,
    },
    FigureColumn {
        name: "P95",
        measure: numbers::P95,
        figure: |it| it.p95,
    },
    FigureColumn {
        name: "cold P50",
        measure: Measure::Metric(Metric::ColdP50),
        figure: |it| it.cold_p50,
    },
    FigureColumn {
        name: "billed",
        measure: Measure::Aws(AwsMetric::BilledP95),
        figure: |it| it.billed,
    },
    FigureColumn {
        name: "cost per million",
        measure: COST,
        figure: |it| it.cost,
    },
];

/// The results, a row for each.
pub(crate) fn side_by_side(view: &SideBySide) -> Table {
    let names = FIGURES.iter().map(|column| column.name);
    let numbers = names.map(|name| Column::Numbers(name.into()));
    let numbers = numbers.chain([Column::Words("memory used".into())]);
    let rows = view.variants.iter().map(|variant| {
        let figures = FIGURES.iter();
        let figures = figures.map(|it| Cell::Figure(it.measure, (it.figure)(variant)));
        let memory = variant
            .memory
            .map(|(used, of)| text!("{} of {} MB", count(used), count(of)));
        let memory = Cell::Words(memory.unwrap_or_else(|| numbers::NONE.into()));
        let label = untrusted(&variant.label);
        let is_marked = variant.is_beaten == Some(false);
        Row {
            name: if is_marked {
                text!("{} {}", MARK, label)
            } else {
                label
            },
            before: None,
            cells: figures.chain([memory]).collect(),
        }
    });
    let is_marked = view.variants.iter().any(|it| it.is_beaten == Some(false));
    Table {
        title: "With their 95 % intervals".into(),
        columns: std::iter::once(Column::Words(untrusted(view.label)))
            .chain(numbers)
            .collect(),
        rows: rows.collect(),
        more_rows: 0,
        note: is_marked.then(|| text!("{}: {}", MARK, MARK_MEANS)),
    }
}
