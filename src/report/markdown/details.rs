//! What is folded away: all checks, latencies by name, errors by kind.

use super::blocks::{Block, Priority};
use super::checks::{all_unfolded, row_table};
use super::{full_sentence, measured};
use crate::report::markdown::syntax::{Align, details, fenced, html_code, markdown, table};
use crate::report::text::capitalized;
use crate::report::text::numbers::{self, count, latency, number, share};
use crate::report::text::sparkline::sparkline;
use crate::report::view::{
    CheckRow, Curve, Curves, Figures, LATENCIES, LatencyRow, PreviousFigures, Responses, View,
};
use crate::report::wording::{failing_names, failure_kind, figures_name, first_told, two_figures};
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
        errors(view),
        statuses(view),
    ];
    first
        .into_iter()
        .flatten()
        .chain(measured::folded(view))
        .map(|text| Block::new(Priority::Detail, text))
        .collect()
}

pub(super) fn titled(view: &View, title: &str) -> String {
    format!("{title} of {}", html_code(view.gate()))
}

fn all_checks(view: &View) -> Option<String> {
    let rows = view.rows().iter().filter(|row| !row.is_empty_comparison());
    let rows: Vec<&CheckRow> = rows.collect();
    if rows.is_empty() {
        return None;
    }
    let title = format!("All checks ({})", count(rows.len() as u64));
    Some(details(&titled(view, &title), &row_table(view, &rows)))
}

fn latencies(view: &View) -> Option<String> {
    let figures = view.figures();
    if figures.iter().all(|figures| figures.requests == 0) {
        return None;
    }
    let past = view.previous();
    let rows = latency_rows(figures, &past, |request| past.measured(request));
    let gap = past.gap().map(|gap| format!("\n{}\n", full_sentence(gap)));
    let why = format!("\n{}\n", full_sentence(two_figures(view)));
    Some(details(
        &titled(view, "Latency by request"),
        &(latency_table(&rows) + &gap.unwrap_or_default() + &why),
    ))
}

/// A row for each name, and right below it one for what it was before, where that is known.
pub(super) fn latency_rows(
    figures: &[Figures],
    past: &PreviousFigures,
    before: impl Fn(Option<&str>) -> Option<LatencyRow>,
) -> Vec<(String, LatencyRow)> {
    let rows = figures.iter().flat_map(|figures| {
        let name = markdown(&figures_name(figures));
        let before = before(figures.request.as_deref());
        let before = before.map(|known| (format!("{name} ({})", past.name()), known));
        [Some((name, LatencyRow::from(figures))), before]
    });
    rows.flatten().collect()
}

/// Figures as a table that a person can scan.
pub(super) fn latency_table(rows: &[(String, LatencyRow)]) -> String {
    let mut columns = vec![("request", Align::Left)];
    let heads = [&["requests", "requests/s", "error rate"][..], &LATENCIES].concat();
    columns.extend(heads.into_iter().map(|head| (head, Align::Right)));
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
    ];
    cells.extend(known.latencies().map(latency));
    cells
}

/// The first curve of a run as a line of text; nothing where there is none.
pub(super) fn sparkline_of(view: &View) -> String {
    let Curves { told, all, .. } = view.curves();
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
fn course(view: &View) -> Option<String> {
    let curves = view.curves();
    let first = curves.all.first()?;
    let line = |curve: &Curve| {
        let letters = sparkline(&curve.values, LETTERS);
        format!("{:<8}{letters}  {}", curve.name, curve.range)
    };
    let lines: Vec<String> = curves.all.iter().map(line).collect();
    let chart = chart(view, curves, first).unwrap_or_default();
    let lines = fenced("text", &lines.join("\n"));
    Some(details(
        &titled(view, &capitalized(curves.told)),
        &format!("{lines}\n{chart}"),
    ))
}

/// The latency as a chart.
fn chart(view: &View, curves: &Curves, curve: &Curve) -> Option<String> {
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
    let axis = if view.record.base.is_some() {
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
fn statuses(view: &View) -> Option<String> {
    if Responses::new(view, None, None).is_plain() {
        return None;
    }
    let rows = view
        .figures()
        .iter()
        .enumerate()
        .filter_map(|(index, figures)| {
            let responses = Responses::new(view, index.checked_sub(1), None);
            let any = !responses.statuses.is_empty();
            any.then(|| vec![markdown(&figures_name(figures)), responses.listed()])
        });
    Some(details(
        &titled(view, "Responses by status"),
        &table(
            &[("request", Align::Left), ("responses", Align::Left)],
            &rows.collect::<Vec<_>>(),
        ),
    ))
}

fn errors(view: &View) -> Option<String> {
    let (overall, named) = view.figures().split_first()?;
    if overall.kinds.is_empty() {
        return None;
    }
    // Told where there is anything to compare with.
    let before = view.totals_before();
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
                markdown(&failing_names(named, *kind)),
                first_told(view, *kind)
                    .map_or_else(|| numbers::NONE.to_owned(), |first| markdown(&first)),
            ]);
            cells
        })
        .collect();
    Some(details(
        &titled(view, "Errors by kind"),
        &table(&columns, &rows),
    ))
}
