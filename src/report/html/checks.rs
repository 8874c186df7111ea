//! The checks: those that decide with their intervals drawn, and all of them in a table that can be sorted.

use maud::{Markup, html};

use super::interval::{self, Bars};
use super::{class, subject, title};
use crate::report::text::{Text, numbers};
use crate::report::view::{CheckRow, Status, View};
use crate::thresholds::Subject;
use crate::verdict::EstimatedChange;

/// Checks that stand unfolded where they passed; all that did not pass stand in any case, within reason.
const PASSED: usize = 12;
const OTHERS: usize = 60;

/// The rows that may fail the gate, worst first, and how many of them are left to the table of all.
fn gated<'v, 'a>(view: &'v View<'a>) -> (Vec<&'v CheckRow<'a>>, usize) {
    let all = view.told_rows().filter(|row| row.is_gated());
    let is_passed = |row: &&CheckRow| row.status >= Status::Passed;
    let others = all.clone().filter(|row| !is_passed(row)).take(OTHERS);
    let passed = all.clone().filter(is_passed).take(PASSED);
    let shown: Vec<&CheckRow> = others.chain(passed).collect();
    let hidden = all.count() - shown.len();
    (shown, hidden)
}

pub(super) fn lines(view: &View) -> Markup {
    let (shown, hidden) = gated(view);
    if shown.is_empty() {
        return html! { p { "No check was judged." } };
    }
    let bars = Bars::new(view, &shown);
    let is_compared = shown.iter().any(|row| row.estimated().is_some());
    let heads = HEADS.iter().filter(|(.., alone)| is_compared || *alone);
    html! {
        table.lines role="table" aria-labelledby="gated" aria-describedby="lines-key" {
            thead role="rowgroup" {
                tr role="row" {
                    @for (head, class, _) in heads.clone() {
                        th scope="col" role="columnheader" class=(class) {
                            (if *head == BEFORE_NOW && !is_compared { "now" } else { head })
                        }
                    }
                }
            }
            tbody role="rowgroup" { @for row in &shown { (line(view, row, &bars, heads.clone().count())) } }
        }
        p.key id="lines-key" { (elsewhere(view.rows(), hidden)) (interval::key(view, &shown)) }
    }
}

/// What the table of all checks tells beside these.
fn elsewhere(rows: &[CheckRow], hidden: usize) -> Markup {
    let worse = rows.iter().filter(|row| row.status == Status::Worse);
    let worse = worse.count();
    let link = html! { a href="#checks" { "all checks" } };
    html! {
        @if hidden > 0 {
            (numbers::counted(hidden as u64, "more check")) " that may fail the gate: see " (link) ". "
        }
        @if worse > 0 {
            "Not gated and worse: " (numbers::counted(worse as u64, "check")) ", see " (link) ". "
        }
    }
}

/// The heads with their class, and whether they are of use if nothing was compared.
const HEADS: [(&str, &str, bool); 7] = [
    ("check", "words", true),
    ("came to", "words", true),
    (BEFORE_NOW, "", true),
    ("change [95 %]", "", false),
    ("drawn", "words", true),
    ("limit", "", true),
    ("would have caught", "", false),
];
const BEFORE_NOW: &str = "before → now";

fn line(view: &View, row: &CheckRow, bars: &Bars, columns: usize) -> Markup {
    let notes = row.notes(view);
    let class = class(view.tone(row.status));
    let bar = bars.draw(row, class);
    let is_compared = columns == HEADS.len();
    html! {
        tr role="row" class=(if notes.is_empty() { "" } else { "noted" }) {
            th.whole scope="row" role="rowheader" { (title(row.line())) }
            td.words.whole role="cell" { span class=(format!("status {class}")) { (view.status_text(row.status)) } }
            (cell("", row.figures_text()))
            @if is_compared { (cell("", row.change_text())) }
            td.bar role="cell" { @if let Some(bar) = bar { (bar) } }
            (cell("limit", Some(row.limit_text()).filter(|text| text != numbers::NONE)))
            @if is_compared { (cell("would have caught", row.caught_text())) }
        }
        @if !notes.is_empty() {
            tr.note role="row" { td colspan=(columns) role="cell" { (Text::join(notes, "; ")) } }
        }
    }
}

fn cell(label: &str, text: Option<String>) -> Markup {
    html! {
        @match text {
            Some(text) => td role="cell" data-label=(label) { (super::words::together(&text)) },
            None => td.none role="cell" { (numbers::NONE) },
        }
    }
}

pub(super) fn all(view: &View) -> Markup {
    html! {
        .scroll tabindex="0" role="group" aria-label="All checks" {
            table data-sort {
                caption { "Every check, worst first." }
                thead {
                    tr {
                        th.words scope="col" { "request" }
                        th.words scope="col" { "metric" }
                        th.words scope="col" { "came to" }
                        @for head in ["before", "now", "change", "lower", "upper", "limit", "would have caught", "requests"] {
                            th scope="col" { (head) }
                        }
                    }
                }
                tbody { @for row in view.told_rows() { (table_row(view, row)) } }
            }
        }
    }
}

fn table_row(view: &View, row: &CheckRow) -> Markup {
    let measure = row.measure();
    let caught = row.change.and_then(|(_, check)| check.min_detectable);
    let value = |value: Option<f64>| number(value, value.map(|it| numbers::value(measure, it)));
    let change = |end: fn(&EstimatedChange) -> f64| {
        let change = row.estimated().as_ref().map(end);
        number(
            change,
            change.map(|change| numbers::change(measure, change)),
        )
    };
    html! {
        tr {
            th scope="row" data-v=[(row.line().subject == Subject::Overall).then_some("")] { (subject(&row.line().subject)) }
            td.words { (row.measure_text().to_string()) }
            td.words data-v=(row.status as u8) { span class=(class(view.tone(row.status))) { (view.status_text(row.status)) } }
            (value(row.before())) (value(row.now()))
            (change(|it| it.estimate)) (change(|it| it.lower)) (change(|it| it.upper))
            (number(row.limits.first().map(|(_, limit)| limit.bound), Some(row.limit_text())))
            (number(caught, row.caught_text()))
            (number(Some(row.line().requests as f64), Some(numbers::count(row.line().requests))))
        }
    }
}

/// A cell with the number that it is sorted by.
pub(super) fn number(value: Option<f64>, text: Option<String>) -> Markup {
    let sorted = value
        .filter(|value| value.is_finite())
        .map_or_else(|| "NaN".to_owned(), |value| format!("{value:.6e}"));
    html! { td data-v=(sorted) { (numbers::or_none(text)) } }
}
