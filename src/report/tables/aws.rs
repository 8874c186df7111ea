//! The tables of what AWS says: each function with its log, and its metrics minute by minute.

use super::{Cell, Row, Table};
use crate::record::{AwsFigures, FunctionRecord, ReportsRecord, SeriesRecord};
use crate::report::text::{Text, numbers, text, untrusted};
use crate::report::view::View;

/// Minutes that are shown of each metric, and metrics.
const MINUTES: usize = 30;
const METRICS: usize = 100;
/// Functions that are shown, and phases of each. A scenario names no more functions.
const FUNCTIONS: usize = 20;
const PHASES: usize = 30;

/// All of them; empty without figures.
pub(crate) fn aws(view: &View) -> Vec<Table> {
    let aws = view.record.aws.as_ref();
    let figures = aws.and_then(|aws| aws.figures.as_ref());
    figures.map_or_else(Vec::new, |figures| {
        let tables = [functions(view, figures), by_minute(figures)];
        tables.into_iter().flatten().collect()
    })
}

/// Each function, and below it its phases.
fn functions(view: &View, figures: &AwsFigures) -> Option<Table> {
    let heads = [
        "invocations",
        "errors",
        "throttles",
        "most at once",
        "cold starts",
        "pre-initialised",
        "init P50",
        "init P95",
        "billed P95",
        "memory used",
    ];
    let functions = figures.functions.iter().take(FUNCTIONS);
    let rows = functions.flat_map(|function| {
        let metrics = [
            function.invocations,
            function.errors,
            function.throttles,
            function.concurrency,
        ];
        let whole = row(
            untrusted(&function.name),
            metrics,
            function.reports.as_ref(),
        );
        std::iter::once(whole).chain(phases(view, function))
    });
    let table = Table::new("Lambda functions", &["function"], &heads).with(rows);
    table.map(|table| Table {
        note: Some(text!(
            "Invocations, errors, throttles and environments are CloudWatch's, by the minute; all others are from the log."
        )),
        ..table
    })
}

fn phases<'a>(view: &'a View, function: &'a FunctionRecord) -> impl Iterator<Item = Row> + 'a {
    let phases = function.phases.iter().take(PHASES);
    phases.filter_map(|of| {
        let phase = view.record.phases.get(of.phase)?;
        let name = text!(
            "{} in {}",
            untrusted(&function.name),
            untrusted(&phase.name)
        );
        let lines = of.reports.lines as f64;
        Some(row(
            name,
            [Some(lines), None, None, None],
            Some(&of.reports),
        ))
    })
}

fn row(name: Text, metrics: [Option<f64>; 4], reports: Option<&ReportsRecord>) -> Row {
    let seconds = |of: fn(&ReportsRecord) -> Option<f64>| {
        Cell::Latency(reports.and_then(of).map(|millis| millis / 1e3))
    };
    let number = |of: fn(&ReportsRecord) -> u64| whole(reports.map(|own| of(own) as f64));
    let used = reports.and_then(|own| own.memory_used_mb.zip(own.memory_mb));
    let mut cells: Vec<Cell> = metrics.map(whole).into();
    cells.extend([
        number(|own| own.cold),
        number(|own| own.pre_initialised),
        seconds(|own| own.init_p50_ms),
        seconds(|own| own.init_p95_ms),
        seconds(|own| own.billed_p95_ms),
        Cell::Words(match used {
            Some((used, of)) => text!("{} of {} MB", numbers::count(used), numbers::count(of)),
            None => numbers::NONE.into(),
        }),
    ]);
    Row::new(name, cells)
}

/// A count, if it is known.
fn whole(value: Option<f64>) -> Cell {
    value.map_or(Cell::Number(None), |value| {
        Cell::Count(numbers::whole(value))
    })
}

/// Every metric of AWS, a row each minute.
fn by_minute(figures: &AwsFigures) -> Option<Table> {
    let title = |one: &SeriesRecord| {
        text!(
            "{} {} ({})",
            untrusted(&one.resource),
            untrusted(&one.metric),
            untrusted(&one.statistic)
        )
    };
    let rows = figures.series.iter().take(METRICS).flat_map(|one| {
        let points = one.points.iter().take(MINUTES);
        points.map(move |(start, value)| {
            Row::new(
                title(one),
                vec![Cell::Start(*start), Cell::Number(Some(*value))],
            )
        })
    });
    Table::new("CloudWatch by the minute", &["metric"], &["from", "value"]).with(rows)
}
