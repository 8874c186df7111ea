//! What is folded away: all checks, the run over time, and the tables of what was measured.

use super::blocks::{Block, Priority};
use super::checks::{all_unfolded, row_table};
use super::full_sentence;
use crate::report::markdown::syntax::{
    Align, details, fenced, html_code, html_title, markdown, table,
};
use crate::report::tables::{self, Column, Detail, Row, Table};
use crate::report::text::sparkline::sparkline;
use crate::report::text::{capitalized, count, counted};
use crate::report::view::{CheckRow, Curve, Curves, Responses, View};
use crate::report::wording::two_figures;
use crate::units::rounded;

/// Letters of a sparkline, and points of a chart.
const LETTERS: usize = 60;
const POINTS: usize = 60;

/// What stands above the folded blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfolded {
    /// The checks that matter.
    Checks,
    /// No check.
    Nothing,
}

/// The folded blocks, the most useful first.
pub(super) fn blocks(view: &View, above: Unfolded) -> Vec<Block> {
    let repeats = above == Unfolded::Checks && all_unfolded(view);
    let first = [
        all_checks(view).filter(|_| !repeats),
        latencies(view),
        course(view),
    ];
    let statuses = tables::statuses(view, Detail::Brief);
    let is_plain = Responses::new(view, None, None).is_plain();
    let tables = [
        tables::errors(view),
        statuses.filter(|_| !is_plain),
        tables::by_phase(view, Detail::Brief),
        tables::cold_starts(view),
        tables::over_time(view),
    ];
    let tables = tables.into_iter().flatten().chain(tables::aws(view));
    let in_phases = tables::by_request_in_phases(view, Detail::Brief);
    let tables = tables.chain(in_phases.map(|(_, table)| table));
    let tables = tables.map(|table| folded(view, &table));
    let texts = first.into_iter().flatten().chain(tables);
    texts
        .map(|text| Block::new(Priority::Detail, text))
        .collect()
}

pub(super) fn titled(view: &View, title: &str) -> String {
    format!("{title} of {}", html_code(view.gate()))
}

fn all_checks(view: &View) -> Option<String> {
    let rows: Vec<&CheckRow> = view.told_rows().collect();
    if rows.is_empty() {
        return None;
    }
    let title = format!("All checks ({})", count(rows.len() as u64));
    Some(details(&titled(view, &title), &row_table(view, &rows)))
}

fn latencies(view: &View) -> Option<String> {
    let mut table = tables::by_request(view, Detail::Brief)?;
    let gap = table.note.replace(two_figures(view).into());
    let gap = gap.map(|gap| format!("\n{}\n", full_sentence(gap)));
    Some(folded_after(view, &table, &gap.unwrap_or_default()))
}

/// A table, folded away.
fn folded(view: &View, table: &Table) -> String {
    folded_after(view, table, "")
}

/// A table with what stands between it and its note, folded away.
fn folded_after(view: &View, described: &Table, between: &str) -> String {
    let columns = described.columns.iter().map(|column| match column {
        Column::Words(head) => (markdown(head), Align::Left),
        Column::Numbers(head) | Column::Change(head) => (markdown(head), Align::Right),
    });
    let columns: Vec<(String, Align)> = columns.collect();
    let rows: Vec<Vec<String>> = described.rows.iter().map(cells).collect();
    let mut text = table(&columns, &rows) + between;
    if described.more_rows > 0 {
        text += &format!("\n{}.\n", counted(described.more_rows as u64, "more row"));
    }
    if let Some(note) = &described.note {
        text += &format!("\n{}\n", full_sentence(note.clone()));
    }
    details(&titled(view, &html_title(&described.title)), &text)
}

fn cells(row: &Row) -> Vec<String> {
    let before = row.before.map(|before| format!(" ({before})"));
    let name = markdown(&row.name) + &before.unwrap_or_default();
    let cells = row.cells.iter().map(|cell| markdown(&cell.text()));
    std::iter::once(name).chain(cells).collect()
}

/// The first curve of a run as a line of text; nothing where there is none.
pub(super) fn sparkline_of(view: &View) -> String {
    let curves = view.curves();
    curves.all.first().map_or_else(String::new, |curve| {
        let line = sparkline(&curve.values, LETTERS);
        format!("**{} {}:** `{line}` {}", curve.name, curves.by, curve.range)
    })
}

/// The run in the course of its time, where GitHub draws it, with lines of text for who does not.
fn course(view: &View) -> Option<String> {
    let curves = view.curves();
    let first = curves.all.first()?;
    let lines: Vec<String> = curves.all.iter().map(|curve| curve.line(LETTERS)).collect();
    let chart = chart(view, curves, first).unwrap_or_default();
    let lines = fenced("text", &lines.join("\n"));
    Some(details(
        &titled(view, &capitalized(curves.by)),
        &format!("{lines}\n{chart}"),
    ))
}

/// The latency as a chart.
fn chart(view: &View, curves: &Curves, curve: &Curve) -> Option<String> {
    let (name, range, values) = (curve.name, &curve.range, &curve.values);
    if name != "P95" {
        return None;
    }
    let width = values.len().div_ceil(POINTS).max(1);
    let points: Vec<String> = values
        .chunks(width)
        .map(|chunk| chunk.iter().flatten().copied().fold(0.0, f64::max) * 1e3)
        .map(|millis| rounded(millis, 3).to_string())
        .collect();
    let axis = if view.record.base.is_some() {
        format!("\"the target's turns\" 1 --> {}", values.len())
    } else {
        let length = rounded(curves.length, 3);
        format!("\"seconds since the start\" 0 --> {length}")
    };
    let chart = format!(
        "xychart-beta\n  title \"{name} {}, {range}\"\n  x-axis {axis}\n  y-axis \"ms\" 0\n  line [{}]",
        curves.by,
        points.join(", ")
    );
    Some(fenced("mermaid", &chart))
}
