//! The checks as a table: those that matter unfolded, with what they need in words.

use crate::report::markdown::syntax::{Align, markdown, table};
use crate::report::text::{Text, numbers, text};
use crate::report::view::{CheckRow, Status, View};
use crate::verdict::{Comparison, Outcome};

/// Rows that stand unfolded: what failed, and some of what did not.
const ROWS: usize = 16;

/// The rows that may fail the gate, worst first.
pub(super) fn unfolded(view: &View) -> String {
    let (shown, hidden) = split(view);
    let mut text = String::new();
    if !shown.is_empty() {
        text += &row_table(view, &shown);
    }
    if !hidden.is_empty() {
        let (gap, noun) = if shown.is_empty() {
            ("", "check")
        } else {
            ("\n", "more check")
        };
        text += &format!("{gap}{}\n", not_shown(view, &hidden, noun));
    }
    let notes = notes(view, &shown);
    if !notes.is_empty() {
        text += &format!("\n{notes}");
    }
    text
}

/// Whether every row stands unfolded.
pub(super) fn all_unfolded(view: &View) -> bool {
    let (shown, _) = split(view);
    let others = view.rows().iter().filter(|row| !row.is_empty_comparison());
    others.count() == shown.len()
}

/// The rows that are worth telling: those that stand unfolded, and the others. Of a gate that passed only what is worse or
/// needs a word stands unfolded.
fn split<'v, 'a>(view: &'v View<'a>) -> (Vec<&'v CheckRow<'a>>, Vec<&'v CheckRow<'a>>) {
    let all = worth_telling(view.rows());
    if view.verdict.outcome != Outcome::Passed {
        let (shown, hidden) = all.split_at(shown(&all));
        return (shown.to_vec(), hidden.to_vec());
    }
    let mut left = ROWS;
    all.into_iter().partition(|row| {
        let is_worse = match row.status {
            Status::Failed | Status::Inconclusive | Status::Warned | Status::Worse => true,
            Status::NotJudged | Status::Reported => false,
            Status::Passed => row.passes_by_exception(view),
        };
        let is_shown = is_worse && left > 0;
        left -= usize::from(is_shown);
        is_shown
    })
}

/// The rows that may fail the gate, and those that got worse.
fn worth_telling<'r, 'a>(rows: &'r [CheckRow<'a>]) -> Vec<&'r CheckRow<'a>> {
    rows.iter()
        .filter(|row| row.is_gated() || row.status == Status::Worse)
        .filter(|row| !row.is_empty_comparison())
        .collect()
}

/// How many of them stand unfolded: all that did not pass, within reason.
fn shown(all: &[&CheckRow]) -> usize {
    let must = all.iter().filter(|row| row.status < Status::Passed).count();
    all.len().min(ROWS.max(must.min(3 * ROWS)))
}

/// What the rows came to that are not shown: `51 more checks: 2 failed, 49 passed.`
fn not_shown(view: &View, hidden: &[&CheckRow], noun: &str) -> String {
    let mut statuses: Vec<Status> = hidden.iter().map(|row| row.status).collect();
    statuses.dedup();
    let counts: Vec<String> = statuses
        .iter()
        .map(|status| {
            let rows = hidden.iter().filter(|row| row.status == *status);
            let count = numbers::count(rows.count() as u64);
            format!("{count} {}", view.word(*status))
        })
        .collect();
    let more = numbers::counted(hidden.len() as u64, noun);
    match statuses.as_slice() {
        [only] => format!("{more} {}.", view.word(*only)),
        _ => format!("{more}: {}.", counts.join(", ")),
    }
}

/// Rows as a table. Where nothing was compared, there is nothing to show of a comparison.
pub(super) fn row_table(view: &View, rows: &[&CheckRow]) -> String {
    let before = if view.is_duet() { "base" } else { "baseline" };
    let is_compared = !matches!(view.verdict.comparison, Comparison::None(_));
    let columns = [
        ("", Align::Left, true),
        ("request", Align::Left, true),
        ("metric", Align::Left, true),
        (before, Align::Right, is_compared),
        ("current", Align::Right, true),
        ("change [95 %]", Align::Right, is_compared),
        ("limit", Align::Right, true),
        ("would have caught", Align::Right, is_compared),
    ];
    let heads: Vec<(&str, Align)> = columns
        .iter()
        .filter(|(_, _, is_shown)| *is_shown)
        .map(|(head, align, _)| (*head, *align))
        .collect();
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let cells = row_cells(view, row).into_iter().zip(&columns);
            let shown = cells.filter(|(_, (_, _, is_shown))| *is_shown);
            shown.map(|(cell, _)| cell).collect()
        })
        .collect();
    table(&heads, &cells)
}

fn row_cells(view: &View, row: &CheckRow) -> [String; 8] {
    let measure = row.measure();
    let stars = if row.status == Status::Failed {
        "**"
    } else {
        ""
    };
    let strong = |text: String| format!("{stars}{text}{stars}");
    let change = row.estimated().map(|change| {
        let estimate = strong(numbers::change(measure, change.estimate));
        format!("{estimate} {}", numbers::interval(measure, &change))
    });
    let now = row.now().map(|now| strong(numbers::value(measure, now)));
    [
        status_text(view, row.status),
        markdown(&row.subject_text()),
        markdown(&row.measure_text()),
        numbers::value_or_none(measure, row.before()),
        numbers::or_none(now),
        numbers::or_none(change),
        row.limit_text(),
        numbers::or_none(row.caught_text()),
    ]
}

/// A mark and a word. Where nothing may fail, nothing looks like a failure.
fn status_text(view: &View, status: Status) -> String {
    let word = view.word(status);
    match status {
        Status::Failed if view.verdict.observed => format!("⚠️ **{word}**"),
        Status::Failed => format!("❌ **{word}**"),
        Status::Inconclusive | Status::Warned | Status::Worse => format!("⚠️ {word}"),
        Status::Passed => format!("✅ {word}"),
        Status::NotJudged | Status::Reported => word.to_owned(),
    }
}

/// What rows need in words beside their figures.
fn notes(view: &View, rows: &[&CheckRow]) -> String {
    let noted = rows
        .iter()
        .filter_map(|row| Some(format!("- {}.\n", note(view, row)?)));
    noted.collect()
}

/// Why rows were not judged, of a gate that passed all the same.
pub(super) fn why_not_judged(view: &View) -> String {
    let all = worth_telling(view.rows()).into_iter();
    let unjudged = all.filter(|row| row.status == Status::NotJudged);
    notes(view, &unjudged.take(ROWS).collect::<Vec<_>>())
}

/// What a row needs in words beside its figures, with its name.
fn note(view: &View, row: &CheckRow) -> Option<String> {
    let notes = row.notes(view);
    if notes.is_empty() {
        return None;
    }
    // A limit's note has a colon of its own.
    let colon = if row.limit_notes(view).is_empty() {
        ":"
    } else {
        ","
    };
    let (measure, subject) = (row.measure_text(), row.subject_text());
    let notes = Text::join(notes, "; ");
    Some(markdown(&text!(
        "{} {}{} {}",
        subject,
        measure,
        colon,
        notes
    )))
}

/// The notes of a gate that passed all the same: a broken limit that only warns, a change that was accepted.
pub(super) fn notes_of_passed(view: &View) -> Vec<String> {
    let rows = view.rows();
    let listed = rows.iter().filter(|row| {
        row.status == Status::Warned
            || row.passes_by_exception(view) && row.status == Status::Passed
    });
    let notes = listed.take(ROWS).filter_map(|row| note(view, row));
    notes.map(|note| note + ".").collect()
}
