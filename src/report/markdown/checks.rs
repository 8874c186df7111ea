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
    let noun = if shown.is_empty() {
        "check"
    } else {
        "more check"
    };
    let parts = [
        (!shown.is_empty()).then(|| row_table(view, &shown)),
        (!hidden.is_empty()).then(|| not_shown(view, &hidden, noun)),
        Some(notes(view, &shown)).filter(|notes| !notes.is_empty()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join("\n")
}

/// Whether every row stands unfolded.
pub(super) fn all_unfolded(view: &View) -> bool {
    let (shown, _) = split(view);
    view.told_rows().count() == shown.len()
}

/// The rows that are worth telling: those that stand unfolded, and the others. Of a gate that passed only what is worse or
/// needs a word stands unfolded.
fn split<'v, 'a>(view: &'v View<'a>) -> (Vec<&'v CheckRow<'a>>, Vec<&'v CheckRow<'a>>) {
    let all = worth_telling(view);
    if view.verdict.outcome != Outcome::Passed {
        // All that did not pass, within reason.
        let unpassed = all.iter().filter(|row| row.status < Status::Passed).count();
        let most = all.len().min(ROWS.max(unpassed.min(3 * ROWS)));
        let (shown, hidden) = all.split_at(most);
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
fn worth_telling<'v, 'a>(view: &'v View<'a>) -> Vec<&'v CheckRow<'a>> {
    let rows = view.told_rows();
    rows.filter(|row| row.is_gated() || row.status == Status::Worse)
        .collect()
}

/// What the rows came to that are not shown: `51 more checks: 2 failed, 49 passed.`
fn not_shown(view: &View, hidden: &[&CheckRow], noun: &str) -> String {
    let mut statuses: Vec<Status> = hidden.iter().map(|row| row.status).collect();
    statuses.dedup();
    let more = numbers::counted(hidden.len() as u64, noun);
    if let [only] = statuses.as_slice() {
        return format!("{more} {}.\n", view.word(*only));
    }
    let counts = statuses.iter().map(|status| {
        let rows = hidden.iter().filter(|row| row.status == *status);
        format!(
            "{} {}",
            numbers::count(rows.count() as u64),
            view.word(*status)
        )
    });
    let counts: Vec<String> = counts.collect();
    format!("{more}: {}.\n", counts.join(", "))
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
    let heads = columns.iter().filter(|(.., is_shown)| *is_shown);
    let heads: Vec<(&str, Align)> = heads.map(|(head, align, _)| (*head, *align)).collect();
    let cells = rows.iter().map(|row| {
        let cells = row_cells(view, row).into_iter().zip(&columns);
        let shown = cells.filter(|(_, (.., is_shown))| *is_shown);
        shown.map(|(cell, _)| cell).collect()
    });
    table(&heads, &cells.collect::<Vec<_>>())
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
        row.value(row.before()),
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
    let notes = rows.iter();
    let notes = notes.filter_map(|row| Some(format!("- {}\n", note(view, row)?)));
    notes.collect()
}

/// Why rows were not judged, of a gate that passed all the same.
pub(super) fn why_not_judged(view: &View) -> String {
    let all = worth_telling(view).into_iter();
    let unjudged = all.filter(|row| row.status == Status::NotJudged);
    notes(view, &unjudged.take(ROWS).collect::<Vec<_>>())
}

/// What a row needs in words beside its figures, with its name.
fn note(view: &View, row: &CheckRow) -> Option<String> {
    let notes = Some(row.notes(view)).filter(|notes| !notes.is_empty())?;
    // A limit's note has a colon of its own.
    let colon = if row.limit_notes(view).is_empty() {
        ":"
    } else {
        ","
    };
    let name = text!("{} {}{}", row.subject_text(), row.measure_text(), colon);
    Some(markdown(&text!("{} {}.", name, Text::join(notes, "; "))))
}

/// The notes of a gate that passed all the same: a broken limit that only warns, a change that was accepted.
pub(super) fn notes_of_passed(view: &View) -> Vec<String> {
    let rows = view.rows();
    let listed = rows.iter().filter(|row| {
        row.status == Status::Warned
            || row.passes_by_exception(view) && row.status == Status::Passed
    });
    listed
        .take(ROWS)
        .filter_map(|row| note(view, row))
        .collect()
}
