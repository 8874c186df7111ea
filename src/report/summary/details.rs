//! What is folded away: all checks, latencies by name, errors by kind.

use super::blocks::{Block, Priority};
use super::checks::{all_unfolded, row_table};
use super::{MEDIUM, answers, full_sentence};
use crate::report::ReportInput;
use crate::report::answers::{LatencyRow, Past, totals_before};
use crate::report::figures::{Figures, figures};
use crate::report::markdown::{Align, details, fenced, html_code, table};
use crate::report::numbers::{self, count, latency, number, share};
use crate::report::responses::Responses;
use crate::report::rows::CheckRow;
use crate::report::spark::{Curve, Curves, curves, sparkline};
use crate::report::text::capitalized;
use crate::report::wording::{failing_names, failure_kind, first_told, two_figures};
use crate::units::rounded;

/// Letters of a sparkline, and points of a chart.
const LETTERS: usize = 60;
const POINTS: usize = 60;

/// Begins the title of the block that lists all checks.
const ALL_CHECKS: &str = "All checks";

/// What stands above the folded blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfolded {
    /// The checks that matter.
    Checks,
    /// No check.
    Nothing,
}

/// The folded blocks, the most useful first.
pub(super) fn blocks(story: &ReportInput, rows: &[CheckRow], above: Unfolded) -> Vec<Block> {
    let figures = figures(story);
    let repeats = above == Unfolded::Checks && all_unfolded(story, rows);
    let first = [
        all_checks(story, rows).filter(|_| !repeats),
        latencies(story, &figures),
        course(story),
        errors(story, &figures),
        statuses(story, &figures),
    ];
    first
        .into_iter()
        .flatten()
        .chain(answers::folded(story, &figures))
        .map(|text| Block::new(Priority::Detail, text))
        .collect()
}

pub(super) fn titled(story: &ReportInput, title: &str) -> String {
    format!("{title} of {}", html_code(story.gate()))
}

/// Whether a block lists all checks.
pub(super) fn is_all_checks(block: &Block) -> bool {
    let begins = format!("<details><summary>{ALL_CHECKS} (");
    block.text().starts_with(&begins)
}

fn all_checks(story: &ReportInput, rows: &[CheckRow]) -> Option<String> {
    let rows = rows.iter().filter(|row| !row.is_empty_comparison());
    let rows: Vec<&CheckRow> = rows.collect();
    if rows.is_empty() {
        return None;
    }
    let title = format!("{ALL_CHECKS} ({})", count(rows.len() as u64));
    Some(details(&titled(story, &title), &row_table(story, &rows)))
}

fn latencies(story: &ReportInput, figures: &[Figures]) -> Option<String> {
    if figures.iter().all(|figures| figures.requests == 0) {
        return None;
    }
    let past = Past::of(story);
    let rows = latency_rows(figures, &past, |request| past.measured(request));
    let gap = past.gap().map(|gap| format!("\n{}\n", full_sentence(&gap)));
    let why = format!("\n{}\n", full_sentence(&two_figures(story)));
    Some(details(
        &titled(story, "Latency by request"),
        &(latency_table(&rows) + &gap.unwrap_or_default() + &why),
    ))
}

/// A row for each name, and right below it one for what it was before, where that is known.
pub(super) fn latency_rows(
    figures: &[Figures],
    past: &Past,
    before: impl Fn(Option<&str>) -> Option<LatencyRow>,
) -> Vec<(String, LatencyRow)> {
    let rows = figures.iter().flat_map(|figures| {
        let name = figures.name(MEDIUM);
        let before = before(figures.request.as_deref());
        let before = before.map(|known| (format!("{name} ({})", past.called()), known));
        [Some((name, LatencyRow::from(figures))), before]
    });
    rows.flatten().collect()
}

/// Figures as a table that a person can scan.
pub(super) fn latency_table(rows: &[(String, LatencyRow)]) -> String {
    let mut columns = vec![("request", Align::Left)];
    let heads = [
        "requests",
        "requests/s",
        "error rate",
        "average",
        "P50",
        "P90",
        "P95",
        "P99",
        "P99.9",
        "max",
    ];
    columns.extend(heads.map(|head| (head, Align::Right)));
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|(name, known)| {
            let mut cells = vec![name.clone(), count(known.requests)];
            cells.extend(known_cells(known));
            cells
        })
        .collect();
    table(&columns, &rows)
}

/// Requests per second, error rate and latencies, from the average to the highest.
pub(super) fn known_cells(known: &LatencyRow) -> Vec<String> {
    let ratio = known.error_ratio();
    let mut cells = vec![
        number(known.per_second),
        ratio.map_or_else(|| numbers::NONE.to_owned(), share),
        latency(known.average),
    ];
    cells.extend(known.quantiles.map(latency));
    cells.push(latency(known.max));
    cells
}

/// The first curve of a run as a line of text; nothing where there is none.
pub(super) fn sparkline_of(story: &ReportInput) -> String {
    let Curves { told, all, .. } = curves(story);
    all.first().map_or_else(String::new, |curve| {
        let Curve {
            name,
            values,
            range,
        } = curve;
        let line = sparkline(values, LETTERS);
        format!("**{name} {told}:** `{line}` {range}")
    })
}

/// The run in the course of its time, where GitHub draws it, with lines of text for who does not.
fn course(story: &ReportInput) -> Option<String> {
    let curves = curves(story);
    let first = curves.all.first()?;
    let line = |curve: &Curve| {
        let letters = sparkline(&curve.values, LETTERS);
        format!("{:<8}{letters}  {}", curve.name, curve.range)
    };
    let lines: Vec<String> = curves.all.iter().map(line).collect();
    let chart = chart(story, &curves, first).unwrap_or_default();
    let lines = fenced("text", &lines.join("\n"));
    Some(details(
        &titled(story, &capitalized(curves.told)),
        &format!("{lines}\n{chart}"),
    ))
}

/// The latency as a chart.
fn chart(story: &ReportInput, curves: &Curves, curve: &Curve) -> Option<String> {
    let Curve {
        name,
        values,
        range,
    } = curve;
    if *name != "P95" {
        return None;
    }
    let width = values.len().div_ceil(POINTS).max(1);
    let points: Vec<String> = values
        .chunks(width)
        .map(|chunk| chunk.iter().flatten().copied().fold(0.0, f64::max) * 1e3)
        .map(|millis| rounded(millis, 3).to_string())
        .collect();
    let axis = if story.record.base.is_some() {
        format!("\"the target's turns\" 1 --> {}", values.len())
    } else {
        let length = rounded(curves.length, 3);
        format!("\"seconds since the start\" 0 --> {length}")
    };
    let chart = format!(
        "xychart-beta\n  title \"{name} {}, {range}\"\n  x-axis {axis}\n  y-axis \"ms\" 0\n  line [{}]",
        curves.told,
        points.join(", ")
    );
    Some(fenced("mermaid", &chart))
}

/// The responses of each name by status, if any says that something is not as it should be.
fn statuses(story: &ReportInput, figures: &[Figures]) -> Option<String> {
    if Responses::gather(story, None, None).is_plain() {
        return None;
    }
    let rows = figures.iter().filter_map(|figures| {
        let request = figures.request.as_deref();
        let responses = Responses::gather(story, request, None);
        let any = !responses.statuses.is_empty();
        any.then(|| vec![figures.name(MEDIUM), responses.listed()])
    });
    Some(details(
        &titled(story, "Responses by status"),
        &table(
            &[("request", Align::Left), ("responses", Align::Left)],
            &rows.collect::<Vec<_>>(),
        ),
    ))
}

fn errors(story: &ReportInput, figures: &[Figures]) -> Option<String> {
    let (overall, named) = figures.split_first()?;
    if overall.kinds.is_empty() {
        return None;
    }
    // Told where there is anything to compare with.
    let before = totals_before(story);
    let mut columns = vec![
        ("kind", Align::Left),
        ("requests", Align::Right),
        ("share", Align::Right),
    ];
    columns.extend(before.is_some().then_some(("before", Align::Right)));
    columns.extend([("where", Align::Left), ("first seen", Align::Left)]);
    let rows: Vec<Vec<String>> = overall
        .kinds
        .iter()
        .map(|(kind, failures)| {
            let mut cells = vec![
                failure_kind(*kind),
                count(*failures),
                share(*failures as f64 / overall.requests.max(1) as f64),
            ];
            cells.extend(before.as_ref().map(|before| share(before.share(*kind))));
            cells.extend([
                failing_names(named, *kind, MEDIUM),
                first_told(story, *kind, MEDIUM).unwrap_or_else(|| numbers::NONE.to_owned()),
            ]);
            cells
        })
        .collect();
    Some(details(
        &titled(story, "Errors by kind"),
        &table(&columns, &rows),
    ))
}
