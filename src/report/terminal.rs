//! The terminal: latencies by name, the checks with the worst first, what to know, and the verdict as the last line.

use super::Story;
use super::answers::{phases, share_before};
use super::figures::{Figures, figures};
use super::layout::{hanging, table, wrap};
use super::numbers::{self, count};
use super::rows::{Row, Status, rows};
use super::spark::{BAR, Bars, courses, sparkline};
use super::summary::lists_every_check;
use super::text::{capitalized, inert};
use super::words::{
    Medium, advice, caution, change_figures, compared, failing_names, failure_kind, first_told,
    generator, headline, invalidity, load, measure_name, ordinary_noise, showed, since,
    told_cautions,
};
use unicode_width::UnicodeWidthStr as _;

use crate::measurement::Arm;
use crate::verdict::{LineOutcome, Outcome};

const MEDIUM: Medium = Medium::Plain;

/// Columns of the status and its mark, before a check's text.
const STATUS_COLUMNS: usize = 20;

/// Checks that passed and are told one by one; of more of them, a log would hide those that did not.
const PASSED: usize = 16;

/// Columns of a word before a sparkline.
const COURSE_COLUMNS: usize = 8;

/// Kinds of failure that are told; a broken target has one or two.
const KINDS: usize = 6;

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
    let figures = figures(story);
    let told = [
        context(story, columns, colour),
        latencies(&figures, columns),
        failures(story, &figures, columns),
        course(story, columns),
        side_by_side(story, columns),
        answers(story, columns),
        checks(story, columns, colour),
        cautions(story, columns),
        files(story, columns),
        next(story, columns),
        verdict(story, columns, colour),
    ];
    joined(told)
}

/// The verdict alone, and for an invalid run what to mend.
pub fn verdict_line(story: &Story, columns: usize, colour: Colour) -> String {
    let columns = columns.max(NARROWEST);
    let reasons = match story.verdict.outcome {
        Outcome::Invalid => next(story, columns),
        Outcome::Passed | Outcome::Failed | Outcome::Inconclusive => Vec::new(),
    };
    joined([reasons, verdict(story, columns, colour)])
}

/// Paragraphs with an empty line between them, no line of which is a command to the CI system that logs it.
fn joined<const N: usize>(paragraphs: [Vec<String>; N]) -> String {
    let told: Vec<String> = paragraphs
        .into_iter()
        .filter(|lines| !lines.is_empty())
        .map(|lines| {
            let lines: Vec<String> = lines.iter().map(|line| inert(line)).collect();
            lines.join("\n")
        })
        .collect();
    told.join("\n\n") + "\n"
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
    let (label, sentences) = compared(story, MEDIUM);
    if !sentences.is_empty() {
        let told = format!("{label}: {}", sentences.join("; "));
        lines.extend(wrap(&told, columns));
    }
    if !record.slices.is_empty() {
        let sent = format!(
            "{}; {}; seed {}",
            load(story),
            generator(story),
            record.run.seed
        );
        lines.extend(wrap(&sent, columns));
        let noise = ordinary_noise(story);
        lines.extend(noise.iter().flat_map(|told| wrap(told, columns)));
    }
    lines
}

fn latencies(figures: &[Figures], columns: usize) -> Vec<String> {
    if figures.iter().all(|figures| figures.requests == 0) {
        return Vec::new();
    }
    let heads = ["requests", "errors", "P50", "P95", "P99", "max"];
    let mut lines = vec![("latency".to_owned(), heads.map(str::to_owned).to_vec())];
    for figures in figures {
        let quantile = |q| numbers::latency(figures.latencies.quantile(q));
        lines.push((
            figures.name(MEDIUM),
            vec![
                count(figures.requests),
                count(figures.failures),
                quantile(0.5),
                quantile(0.95),
                quantile(0.99),
                numbers::latency(figures.latencies.max()),
            ],
        ));
    }
    table(&lines, columns)
}

/// The failures by kind, where there are any.
fn failures(story: &Story, figures: &[Figures], columns: usize) -> Vec<String> {
    let Some((overall, named)) = figures.split_first() else {
        return Vec::new();
    };
    let kinds = overall.kinds.iter().take(KINDS);
    let mut lines: Vec<String> = kinds
        .flat_map(|(kind, failures)| {
            let of = failing_names(named, *kind, MEDIUM);
            let first = first_told(story, *kind, MEDIUM);
            let first = first.map_or_else(String::new, |first| format!("; first at {first}"));
            let before = share_before(story, *kind).map_or_else(String::new, |before| {
                let now = *failures as f64 / overall.requests.max(1) as f64;
                format!(
                    "; {}, before {}",
                    numbers::share(now),
                    numbers::share(before)
                )
            });
            let kind = failure_kind(*kind);
            let told = format!("{} × {kind} ({of}){before}{first}", count(*failures));
            hanging("errors:", 8, &told, columns)
        })
        .collect();
    if let more @ 1.. = overall.kinds.len().saturating_sub(KINDS) {
        let told = format!("{} of failure", numbers::counted(more as u64, "more kind"));
        lines.extend(hanging("errors:", 8, &told, columns));
    }
    lines
}

/// The phases side by side, where there are several.
fn side_by_side(story: &Story, columns: usize) -> Vec<String> {
    let phases = phases(story);
    if phases.len() < 2 {
        return Vec::new();
    }
    let heads = ["req/s", "errors", "P50", "P95", "P99", "in flight"];
    let mut lines = vec![("phase".to_owned(), heads.map(str::to_owned).to_vec())];
    for of in &phases {
        let latency = |q| numbers::latency(of.figures.latencies.quantile(q));
        let base = match of.arm {
            Arm::Target => "",
            Arm::Base => ", base",
        };
        let ratio = of.figures.error_ratio();
        lines.push((
            format!(
                "{} ({}{base})",
                MEDIUM.foreign(&of.name),
                MEDIUM.foreign_load(&of.load)
            ),
            vec![
                numbers::number(of.figures.per_second()),
                ratio.map_or_else(|| numbers::NONE.to_owned(), numbers::share),
                latency(0.5),
                latency(0.95),
                latency(0.99),
                numbers::number(of.in_flight()),
            ],
        ));
    }
    table(&lines, columns)
}

/// What the run showed of itself.
fn answers(story: &Story, columns: usize) -> Vec<String> {
    let told = showed(story, MEDIUM);
    told.iter()
        .flat_map(|told| hanging("·", 2, told, columns))
        .collect()
}

/// The run second by second, each figure in one line.
fn course(story: &Story, columns: usize) -> Vec<String> {
    let told = courses(story);
    let widest = told.iter().map(|(_, _, range)| range.width()).max();
    let room = columns.saturating_sub(COURSE_COLUMNS + 2 + widest.unwrap_or(0));
    told.iter()
        .map(|(name, values, range)| {
            format!(
                "{name:<COURSE_COLUMNS$}{}  {range}",
                sparkline(values, room)
            )
        })
        .collect()
}

fn checks(story: &Story, columns: usize, colour: Colour) -> Vec<String> {
    let rows = rows(story);
    let told: Vec<&Row> = rows
        .iter()
        .filter(|row| row.status != Status::Reported && !row.is_empty_comparison())
        .collect();
    let passed = told.iter().filter(|row| row.status == Status::Passed);
    let hidden = passed.count().saturating_sub(PASSED);
    let shown = &told[..told.len() - hidden];
    let bars = Bars::of(story, shown);
    let mut lines: Vec<String> = shown
        .iter()
        .flat_map(|row| {
            let label = format!("{} {}", mark(story, row.status), row.status.word_in(story));
            let mut lines = hanging(&label, STATUS_COLUMNS, &check(story, row), columns);
            draw_below(&mut lines, bars.draw(row), row.status);
            lines
                .into_iter()
                .map(move |line| match line.strip_prefix(&label) {
                    Some(rest) => paint(&label, style(story, row.status), colour) + rest,
                    None => line,
                })
        })
        .collect();
    if shown.iter().any(|row| row.estimated().is_some()) {
        lines.extend(hanging("·", STATUS_COLUMNS, &bars.key(), columns));
    }
    let reported = rows.iter().filter(|row| row.status == Status::Reported);
    let (hidden, reported) = (hidden as u64, reported.count() as u64);
    if lines.is_empty() {
        return lines;
    }
    if hidden > 0 {
        let told = format!("{} passed", numbers::counted(hidden, "more check"));
        let told = told + listed_in(story, "junit.xml");
        lines.extend(hanging("·", STATUS_COLUMNS, &told, columns));
    }
    if reported > 0 {
        let told = format!("{} not gated", numbers::counted(reported, "more check"));
        let told = told + listed_in(story, "summary.md");
        lines.extend(hanging("·", STATUS_COLUMNS, &told, columns));
    }
    lines
}

/// Draws a bar below the status, where there is room; what passed gets no line of its own for it.
fn draw_below(lines: &mut Vec<String>, bar: Option<String>, status: Status) {
    let Some(bar) = bar else { return };
    let pad = " ".repeat(STATUS_COLUMNS - BAR);
    match lines.get_mut(1) {
        Some(second) => *second = format!("{bar}{pad}{}", second.trim_start()),
        None if status < Status::Passed => lines.push(bar.trim_end().to_owned()),
        None => {}
    }
}

/// Where checks can be read that are not told here, if they can.
fn listed_in(story: &Story, file: &str) -> &'static str {
    match file {
        "junit.xml" if story.has_file(file) => ", listed in junit.xml",
        "summary.md" if story.has_file(file) && lists_every_check(story) => {
            ", listed in summary.md"
        }
        _ => "",
    }
}

/// One row in a sentence: figure, change, limits, why it came to that, and what would have been caught.
fn check(story: &Story, row: &Row) -> String {
    let name = match &row.line().phase {
        Some(phase) => format!("{} in {}", row.subject_text(MEDIUM), MEDIUM.foreign(phase)),
        None => row.subject_text(MEDIUM),
    };
    let mut figures = format!(
        "{} {name}{}",
        measure_name(row.measure()),
        since(row.line())
    );
    match (row.change, row.now()) {
        (Some((line, check)), _) => figures += &change_figures(line, check),
        (None, Some(now)) => figures += &format!(" {}", numbers::value(row.measure(), now)),
        (None, None) => {}
    }
    let mut told = vec![figures];
    // Where something else failed, it is no matter of course that a limit holds.
    let holds = if row.status == Status::Passed {
        ""
    } else {
        " holds"
    };
    for (line, limit) in &row.limits {
        if line.outcome == LineOutcome::Passed {
            told.push(format!("limit {}{holds}", row.promise(line, limit)));
        }
    }
    told.extend(row.limit_notes(story, MEDIUM));
    if row.status != Status::Passed || row.is_excused(story) {
        told.extend(row.change_note(story, MEDIUM));
    }
    if let Some(caught) = row.caught_text() {
        told.push(format!("would have caught {caught}"));
    }
    told.join("; ")
}

fn cautions(story: &Story, columns: usize) -> Vec<String> {
    told_cautions(story)
        .flat_map(|told| hanging("note:", 6, &caution(story, told, MEDIUM), columns))
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

/// What to do next.
fn next(story: &Story, columns: usize) -> Vec<String> {
    let reasons: Vec<_> = story
        .verdict
        .invalid
        .iter()
        .map(|why| invalidity(story, why, MEDIUM))
        .collect();
    // One reason is the verdict's own words.
    if let [only] = reasons.as_slice() {
        return wrap(&format!("To mend it: {}.", only.mend), columns);
    }
    let reasons = reasons.iter().flat_map(|reason| {
        let (what, mend) = (capitalized(&reason.what), &reason.mend);
        wrap(&format!("{what}. To mend it: {mend}."), columns)
    });
    let advice = advice(story, MEDIUM);
    let wanted = wanted(story);
    let advice = advice.iter().chain(&wanted);
    reasons
        .chain(advice.flat_map(|told| wrap(told, columns)))
        .collect()
}

/// How to accept a change that is wanted, where the summary says it in full.
fn wanted(story: &Story) -> Option<String> {
    let failed = |row: &Row| {
        !row.is_drift()
            && row
                .change
                .is_some_and(|(line, _)| Status::of(line) == Status::Failed)
    };
    if story.verdict.outcome != Outcome::Failed || !rows(story).iter().any(failed) {
        return None;
    }
    let lines = if story.has_file("summary.md") {
        "; summary.md has the lines to add"
    } else {
        ""
    };
    let path = MEDIUM.foreign(story.thresholds_path);
    Some(format!(
        "If the change is wanted, accept it in {path}{lines}."
    ))
}

/// The verdict, which comes last, where a log is read first.
fn verdict(story: &Story, columns: usize, colour: Colour) -> Vec<String> {
    let (mark, style) = match (story.verdict.outcome, story.verdict.observed) {
        (Outcome::Passed, _) => ("✓", Style::Green),
        (Outcome::Failed, false) => ("✗", Style::Red),
        (Outcome::Invalid, false) => ("!", Style::Red),
        (Outcome::Failed | Outcome::Invalid, true) => ("!", Style::Yellow),
        (Outcome::Inconclusive, _) => ("?", Style::Yellow),
    };
    let told = format!("{} (exit {})", headline(story, MEDIUM), story.exit);
    let told = hanging(mark, 2, &told, columns);
    told.iter().map(|line| paint(line, style, colour)).collect()
}

pub(super) fn mark(story: &Story, status: Status) -> &'static str {
    match status {
        Status::Failed if story.verdict.observed => "!",
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

fn style(story: &Story, status: Status) -> Style {
    match status {
        Status::Failed if story.verdict.observed => Style::Yellow,
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
