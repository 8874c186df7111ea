//! The terminal: latencies by name, the checks with the worst first, what to know, and the verdict as the last line.

use super::Story;
use super::figures::figures;
use super::layout::{hanging, table, wrap};
use super::numbers::{self, count};
use super::rows::{Row, Status, rows};
use super::words::{
    Medium, caution, comparison, generator, headline, invalidity, load, no_comparison, provenance,
};
use crate::units::Latency;
use crate::verdict::{Comparison, Outcome};

const MEDIUM: Medium = Medium::Plain;

/// Columns of the status and its mark, before a check's text.
const STATUS_COLUMNS: usize = 20;

/// No terminal is narrower; below it lines may be longer than asked for.
const NARROWEST: usize = 40;

/// Whether escape sequences for colours are written. Nothing is told by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// They are.
    Always,
    /// They are not.
    Never,
}

/// One gate, told for a terminal of so many columns.
pub fn terminal(story: &Story, columns: usize, colour: Colour) -> String {
    let columns = columns.max(NARROWEST);
    let paragraphs = [
        context(story, columns, colour),
        latencies(story, columns),
        checks(story, columns, colour),
        cautions(story, columns),
        files(story, columns),
        verdict(story, columns, colour),
    ];
    let told: Vec<String> = paragraphs
        .into_iter()
        .filter(|lines| !lines.is_empty())
        .map(|lines| lines.join("\n"))
        .collect();
    inert(&(told.join("\n\n") + "\n"))
}

/// The verdict alone.
pub fn verdict_line(story: &Story, columns: usize, colour: Colour) -> String {
    inert(&(verdict(story, columns.max(NARROWEST), colour).join("\n") + "\n"))
}

/// A text no line of which is a command to the CI system that logs it.
fn inert(text: &str) -> String {
    text.lines()
        .map(|line| super::text::inert(line) + "\n")
        .collect()
}

fn context(story: &Story, columns: usize, colour: Colour) -> Vec<String> {
    let record = story.record;
    let title = format!(
        "{} on {}",
        MEDIUM.foreign(story.gate()),
        MEDIUM.foreign(&record.target.url)
    );
    let mut lines: Vec<String> = wrap(&title, columns)
        .iter()
        .map(|line| paint(line, Style::Bold, colour))
        .collect();
    let compared = match provenance(story, MEDIUM) {
        Some(provenance) => format!("{}; {provenance}", comparison(story, MEDIUM)),
        None => comparison(story, MEDIUM),
    };
    lines.extend(wrap(&compared, columns));
    if let Comparison::None(why) = &story.verdict.comparison
        && story.verdict.outcome != Outcome::Invalid
    {
        lines.extend(wrap(&no_comparison(story, why, MEDIUM).mend, columns));
    }
    if !record.slices.is_empty() {
        let sent = format!(
            "{}; {}; seed {}",
            load(story),
            generator(story),
            record.run.seed
        );
        lines.extend(wrap(&sent, columns));
    }
    lines
}

fn latencies(story: &Story, columns: usize) -> Vec<String> {
    let figures = figures(story);
    if figures.iter().all(|figures| figures.requests == 0) {
        return Vec::new();
    }
    let heads = ["requests", "errors", "P50", "P95", "P99", "max"];
    let mut lines = vec![("latency".to_owned(), heads.map(str::to_owned).to_vec())];
    for figures in &figures {
        let latency = |seconds: Option<f64>| {
            seconds.map_or_else(|| numbers::NONE.to_owned(), |s| Latency(s).to_string())
        };
        let quantile = |q| latency(figures.latencies.quantile(q));
        lines.push((
            figures.name(MEDIUM),
            vec![
                count(figures.requests),
                count(figures.failures),
                quantile(0.5),
                quantile(0.95),
                quantile(0.99),
                latency(figures.latencies.max()),
            ],
        ));
    }
    table(&lines, columns)
}

fn checks(story: &Story, columns: usize, colour: Colour) -> Vec<String> {
    let rows = rows(story);
    let mut lines = Vec::new();
    for row in &rows {
        if row.status == Status::Reported || row.is_empty_comparison() {
            continue;
        }
        let label = format!("{} {}", mark(row.status), row.status.word());
        let told = hanging(&label, STATUS_COLUMNS, &check(story, row), columns);
        for line in told {
            lines.push(match line.strip_prefix(&label) {
                Some(rest) => paint(&label, style(row.status), colour) + rest,
                None => line,
            });
        }
    }
    let reported = rows
        .iter()
        .filter(|row| row.status == Status::Reported)
        .count();
    if reported > 0 && !lines.is_empty() {
        let more = format!(
            "{} not gated, listed in summary.md",
            numbers::counted(reported as u64, "more line")
        );
        lines.extend(hanging("·", STATUS_COLUMNS, &more, columns));
    }
    lines
}

/// One row in a sentence: figure, change, limit, what would have been caught, and why.
fn check(story: &Story, row: &Row) -> String {
    let measure = row.measure();
    let name = match &row.line().phase {
        Some(phase) => format!("{} in {}", row.subject_text(MEDIUM), MEDIUM.foreign(phase)),
        None => row.subject_text(MEDIUM),
    };
    let mut figures = format!("{} {name}", super::words::measure_name(measure));
    match (row.before(), row.now()) {
        (Some(before), Some(now)) => {
            figures += &format!(" {}", numbers::from_to(measure, before, now));
        }
        (None, Some(now)) => figures += &format!(" {}", numbers::value(measure, now)),
        (None | Some(_), None) => {}
    }
    if let Some(change) = row.estimated() {
        figures += &format!(
            ", {} {}",
            numbers::change(measure, change.estimate),
            numbers::interval(measure, &change)
        );
    }
    let mut told = vec![figures];
    if !row.limits.is_empty() {
        told.push(format!("limit {}", row.limit_text()));
    }
    if row.status != Status::Passed {
        told.extend(row.notes(story, MEDIUM).into_iter().filter(|note| {
            // The figures stand in front already.
            !matches!((row.before(), row.now()), (Some(before), Some(now))
                if *note == numbers::from_to(measure, before, now))
        }));
    }
    if let Some(caught) = row.caught_text() {
        told.push(format!("would have caught {caught}"));
    }
    told.join("; ")
}

fn cautions(story: &Story, columns: usize) -> Vec<String> {
    let told = story.verdict.cautions.iter();
    told.flat_map(|told| hanging("note:", 6, &caution(story, told, MEDIUM), columns))
        .collect()
}

fn files(story: &Story, columns: usize) -> Vec<String> {
    if story.files.is_empty() {
        return Vec::new();
    }
    let files: Vec<String> = story
        .files
        .iter()
        .map(|file| MEDIUM.foreign(file))
        .collect();
    wrap(&format!("written: {}", files.join(", ")), columns)
}

/// The verdict, and for an invalid run what to mend; the verdict comes last, where a log is read first.
fn verdict(story: &Story, columns: usize, colour: Colour) -> Vec<String> {
    let mut lines = Vec::new();
    for why in &story.verdict.invalid {
        let reason = invalidity(story, why, MEDIUM);
        let told = format!(
            "{}. To mend it: {}.",
            super::text::capitalized(&reason.what),
            reason.mend
        );
        lines.extend(wrap(&told, columns));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    let (mark, style) = match story.verdict.outcome {
        Outcome::Passed => ("✓", Style::Green),
        Outcome::Failed => ("✗", Style::Red),
        Outcome::Inconclusive => ("?", Style::Yellow),
        Outcome::Invalid => ("!", Style::Red),
    };
    let told = format!("{} (exit {})", headline(story, MEDIUM), story.exit);
    let told = hanging(mark, 2, &told, columns);
    lines.extend(told.iter().map(|line| paint(line, style, colour)));
    lines
}

fn mark(status: Status) -> &'static str {
    match status {
        Status::Failed => "✗",
        Status::Inconclusive => "?",
        Status::Warned | Status::Worse => "!",
        Status::NotJudged => "-",
        Status::Passed => "✓",
        Status::Reported => "·",
    }
}

#[derive(Clone, Copy)]
enum Style {
    Bold,
    Green,
    Yellow,
    Red,
}

fn style(status: Status) -> Style {
    match status {
        Status::Failed => Style::Red,
        Status::Inconclusive | Status::Warned | Status::Worse | Status::NotJudged => Style::Yellow,
        Status::Passed | Status::Reported => Style::Green,
    }
}

fn paint(text: &str, style: Style, colour: Colour) -> String {
    let code = match style {
        Style::Bold => "1",
        Style::Green => "32",
        Style::Yellow => "33",
        Style::Red => "1;31",
    };
    match colour {
        Colour::Always => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        Colour::Never => text.to_owned(),
    }
}
