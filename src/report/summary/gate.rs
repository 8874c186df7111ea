//! One gate's part of the summary.

use super::blocks::{Block, Need};
use super::{MEDIUM, changes, details, full_sentence};
use crate::baseline::Mismatch;
use crate::report::Story;
use crate::report::markdown::{Align, fenced, link, table};
use crate::report::numbers;
use crate::report::rows::{Row, Status, rows};
use crate::report::words::{
    caution, comparison, generator, invalidity, load, no_comparison, provenance, short_commit,
};
use crate::verdict::{Comparison, NoComparison, Outcome};

/// Rows that stand unfolded: what failed, and some of what did not.
const ROWS: usize = 16;

/// All of one gate below its headline and above the last line.
pub(super) fn blocks(story: &Story) -> Vec<Block> {
    let rows = rows(story);
    let mut blocks = vec![
        Block::new(Need::Finding, invalidities(story)),
        Block::new(Need::Finding, rests_on(story)),
        Block::new(Need::Finding, gated(story, &rows)),
        Block::new(Need::Finding, cautions(story)),
        Block::new(Need::Advice, changes::diff(story, &rows)),
        Block::new(Need::Advice, changes::wanted(story, &rows)),
        Block::new(Need::Advice, reproduce(story)),
        Block::new(Need::Detail, scenario_diff(story)),
    ];
    blocks.extend(details::blocks(story, &rows));
    blocks
}

/// Why the run could not be judged, and what to do about it.
fn invalidities(story: &Story) -> String {
    let reasons = story.verdict.invalid.iter().map(|why| {
        let reason = invalidity(story, why, MEDIUM);
        let what = full_sentence(&reason.what);
        format!("- {what} **To mend it:** {}", full_sentence(&reason.mend))
    });
    let lines: Vec<String> = reasons.collect();
    lines.join("\n")
}

/// What the comparison rests on: mode, versions, load, generator.
fn rests_on(story: &Story) -> String {
    let mut told = vec![full_sentence(&format!(
        "**Compared:** {}",
        comparison(story, MEDIUM)
    ))];
    if let Some(provenance) = provenance(story, MEDIUM) {
        told.push(full_sentence(&provenance));
    }
    if let Comparison::None(why) = &story.verdict.comparison
        && story.verdict.outcome != Outcome::Invalid
    {
        told.push(full_sentence(&no_comparison(story, why, MEDIUM).mend));
    }
    if !story.record.slices.is_empty() {
        told.push(full_sentence(&load(story)));
        told.push(full_sentence(&generator(story)));
    }
    told.join(" ")
}

/// The rows that may fail the gate, worst first.
fn gated(story: &Story, rows: &[Row]) -> String {
    let shown: Vec<&Row> = rows
        .iter()
        .filter(|row| row.is_gated() || row.status == Status::Worse)
        .filter(|row| !row.is_empty_comparison())
        .collect();
    if shown.is_empty() {
        return String::new();
    }
    let must: usize = shown
        .iter()
        .filter(|row| row.status < Status::Passed)
        .count();
    let count = shown.len().min(ROWS.max(must.min(3 * ROWS)));
    let mut told = row_table(&shown[..count]);
    if shown.len() > count {
        let more = numbers::counted((shown.len() - count) as u64, "more row");
        told += &format!("\n{more} under \"All checks\".\n");
    }
    let notes = notes(story, &shown[..count]);
    if !notes.is_empty() {
        told += &format!("\n{notes}");
    }
    told
}

/// Rows as a table.
pub(super) fn row_table(rows: &[&Row]) -> String {
    let columns = [
        ("", Align::Left),
        ("request", Align::Left),
        ("metric", Align::Left),
        ("baseline", Align::Right),
        ("current", Align::Right),
        ("change [95 %]", Align::Right),
        ("limit", Align::Right),
        ("would have caught", Align::Right),
    ];
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row_cells(row)).collect();
    table(&columns, &cells)
}

fn row_cells(row: &Row) -> Vec<String> {
    let measure = row.measure();
    let strong = |text: String| match row.status {
        Status::Failed => format!("**{text}**"),
        Status::Inconclusive
        | Status::Warned
        | Status::NotJudged
        | Status::Worse
        | Status::Passed
        | Status::Reported => text,
    };
    let change = row.estimated().map_or_else(
        || numbers::NONE.to_owned(),
        |change| {
            let estimate = strong(numbers::change(measure, change.estimate));
            format!("{estimate} {}", numbers::interval(measure, &change))
        },
    );
    let now = match row.now() {
        Some(now) => strong(numbers::value(measure, now)),
        None => numbers::NONE.to_owned(),
    };
    vec![
        status_text(row.status),
        row.subject_text(MEDIUM),
        row.measure_text(MEDIUM),
        numbers::value_or_none(measure, row.before()),
        now,
        change,
        row.limit_text(),
        row.caught_text()
            .unwrap_or_else(|| numbers::NONE.to_owned()),
    ]
}

fn status_text(status: Status) -> String {
    let word = status.word();
    match status {
        Status::Failed => format!("❌ **{word}**"),
        Status::Inconclusive | Status::Warned | Status::Worse => format!("⚠️ {word}"),
        Status::Passed => format!("✅ {word}"),
        Status::NotJudged | Status::Reported => word.to_owned(),
    }
}

/// What rows need in words beside their figures.
fn notes(story: &Story, rows: &[&Row]) -> String {
    let mut told = String::new();
    for row in rows
        .iter()
        .filter(|row| row.status != Status::Passed || is_accepted(row))
    {
        let figures = match (row.before(), row.now()) {
            (Some(before), Some(now)) => numbers::from_to(row.measure(), before, now),
            (None | Some(_), _) => String::new(),
        };
        let mut notes = row.notes(story, MEDIUM);
        // The figures stand in the table already.
        notes.retain(|note| *note != figures);
        if !notes.is_empty() {
            let subject = row.subject_text(MEDIUM);
            let measure = row.measure_text(MEDIUM);
            told += &format!(
                "- {subject} {measure}, {}: {}.\n",
                row.status.word(),
                notes.join("; ")
            );
        }
    }
    told
}

fn is_accepted(row: &Row) -> bool {
    row.change
        .is_some_and(|(_, check)| check.accepted.is_some())
}

fn cautions(story: &Story) -> String {
    let told = story.verdict.cautions.iter();
    let lines: Vec<String> = told
        .map(|told| {
            format!(
                "- **Note:** {}",
                full_sentence(&caution(story, told, MEDIUM))
            )
        })
        .collect();
    lines.join("\n")
}

/// The command that runs the same again.
fn reproduce(story: &Story) -> String {
    let record = story.record;
    let mut words = vec![
        "loadgate".to_owned(),
        "run".to_owned(),
        quoted(story.gate_path),
        "--target".to_owned(),
        quoted(&record.target.url),
    ];
    if let Some(base) = &record.base {
        words.extend(["--against".to_owned(), quoted(&base.url)]);
    }
    for (name, value) in &record.labels {
        words.extend(["--label".to_owned(), quoted(&format!("{name}={value}"))]);
    }
    words.extend(["--seed".to_owned(), record.run.seed.to_string()]);
    format!("**Reproduce:**\n\n{}", fenced("sh", &words.join(" ")))
}

/// A word as a POSIX shell takes it whole.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn scenario_diff(story: &Story) -> String {
    match &story.verdict.comparison {
        Comparison::None(NoComparison::Baseline(Mismatch::ScenarioDiffers { diff })) => format!(
            "**How the scenario differs** from the baseline's:\n\n{}",
            fenced("diff", diff)
        ),
        Comparison::None(_)
        | Comparison::Duet { .. }
        | Comparison::History { .. }
        | Comparison::Single { .. } => String::new(),
    }
}

/// The last line: run, commit, date, seed, version.
pub(super) fn footer(story: &Story) -> String {
    let run = &story.record.run;
    let mut told = Vec::new();
    if let Some(url) = &run.url {
        let attempt = run
            .attempt
            .map_or_else(String::new, |n| format!(", attempt {n}"));
        told.push(link(&format!("CI run{attempt}"), url));
    }
    if let Some(commit) = &run.commit {
        told.push(format!("commit {}", MEDIUM.foreign(&short_commit(commit))));
    }
    told.push(run.started.strftime("%Y-%m-%d %H:%M UTC").to_string());
    told.push(format!("seed {}", run.seed));
    told.push(format!("loadgate {}", MEDIUM.foreign(&story.record.tool)));
    told.join(" · ")
}
