//! The terminal: the same story in less than one screen. Latencies by name, the run second by second, the checks with the
//! worst first, what to know, and the verdict as the last line. What does not fit gives way by [`room`].

mod checks;
mod detail;
mod tables;

use super::ReportInput;
use super::answers::{Past, PhaseFigures, phases, totals_before};
use super::figures::{Figures, figures};
use super::layout::{hanging, wrap};
use super::numbers::{self, count};
use super::responses::Responses;
use super::rows::{CheckRow, Status, rows};
use super::spark::{Curve, curves, sparkline};
use super::text::{capitalized, columns_of, inert_coloured, prefix};
use super::wording::{
    MOST_REASONS, Medium, advice, caution, compared, concurrency, failing_names, failure_kind,
    first_told, generator, headline, invalidities, load, more_reasons, ordinary_noise, showed,
    told_cautions,
};
use crate::measurement::Totals;
use crate::verdict::Outcome;
use detail::{DetailLevel, IN_FULL, ROOMS, SCREEN};

const MEDIUM: Medium = Medium::Plain;

/// Columns of a word before a sparkline.
const COURSE_COLUMNS: usize = 8;

/// Lines that a sentence may take on the tightest screen before it is cut.
const WRAPPED: usize = 3;

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

/// One gate, told for a terminal of so many columns: in full where that fits on a screen.
pub fn terminal(story: &ReportInput, columns: usize, colour: Colour) -> String {
    let columns = columns.max(NARROWEST);
    let gathered = Gathered::of(story, columns);
    let mut told = String::new();
    for room in &ROOMS {
        told = fitted(&gathered, Vec::new(), columns, colour, room);
        if told.lines().count() <= SCREEN {
            break;
        }
    }
    told
}

/// One gate, told for a terminal of so many columns with nothing left out: each name in each phase and the run over time as
/// well.
pub fn terminal_in_full(story: &ReportInput, columns: usize, colour: Colour) -> String {
    let columns = columns.max(NARROWEST);
    let mut gathered = Gathered::of(story, columns);
    if !story.is_comparison() {
        let concurrency = concurrency(&gathered.phases, MEDIUM);
        gathered.showed.extend(concurrency);
    }
    let mut tables = tables::by_name_and_phase(&gathered, columns, colour, &IN_FULL);
    tables.push(tables::over_time(story, columns, colour));
    fitted(&gathered, tables, columns, colour, &IN_FULL)
}

/// What a story is told from, whatever room there is: added up once.
struct Gathered<'s, 'a> {
    story: &'s ReportInput<'a>,
    rows: Vec<CheckRow<'a>>,
    figures: Vec<Figures>,
    before: Option<Totals>,
    past: Past<'a>,
    phases: Vec<PhaseFigures>,
    showed: Vec<String>,
    /// The lines of the run second by second.
    course: Vec<String>,
}

impl<'s, 'a> Gathered<'s, 'a> {
    fn of(story: &'s ReportInput<'a>, columns: usize) -> Self {
        Self {
            story,
            rows: rows(story),
            figures: figures(story),
            before: totals_before(story),
            past: Past::of(story),
            phases: phases(story),
            showed: showed(story, MEDIUM),
            course: course(story, columns),
        }
    }
}

fn fitted(
    gathered: &Gathered,
    tables: Vec<Vec<String>>,
    columns: usize,
    colour: Colour,
    room: &DetailLevel,
) -> String {
    let story = gathered.story;
    let measured = [
        tables::by_name(gathered, columns, colour, room),
        failures(gathered, columns, room),
        statuses(gathered.story, columns),
        gathered.course.clone(),
    ];
    let showed = [
        tables::by_phase(gathered, columns, colour, room),
        answers(&gathered.showed, columns, room),
    ];
    let last = [
        cautions(story, columns, room),
        files(story, columns, room),
        next(story, &gathered.rows, columns, room),
    ];
    let context = context(story, columns, colour, room);
    let (measured, showed, last) = (measured.concat(), showed.concat(), last.concat());
    let checks = checks::checks(story, &gathered.rows, columns, colour, room);
    let verdict = verdict(story, columns, colour);
    if room.airy {
        let before = [context, measured, showed];
        let after = [checks, last, verdict];
        return joined(before.into_iter().chain(tables).chain(after));
    }
    let (before, after) = ([context, measured, showed], [checks, last]);
    joined([before.concat(), after.concat(), verdict])
}

/// The verdict alone, and for an invalid run what to mend.
pub fn verdict_line(story: &ReportInput, columns: usize, colour: Colour) -> String {
    let columns = columns.max(NARROWEST);
    let reasons = match story.verdict.outcome {
        Outcome::Invalid => next(story, &rows(story), columns, &ROOMS[0]),
        Outcome::Passed | Outcome::Failed | Outcome::Inconclusive => Vec::new(),
    };
    joined([reasons, verdict(story, columns, colour)])
}

/// Paragraphs with an empty line between them, no line of which is a command to the CI system that logs it.
fn joined(paragraphs: impl IntoIterator<Item = Vec<String>>) -> String {
    let told: Vec<String> = paragraphs
        .into_iter()
        .filter(|lines| !lines.is_empty())
        .map(|lines| {
            let lines: Vec<String> = lines.iter().map(|line| inert_coloured(line)).collect();
            lines.join("\n")
        })
        .collect();
    told.join("\n\n") + "\n"
}

fn context(story: &ReportInput, columns: usize, colour: Colour, room: &DetailLevel) -> Vec<String> {
    let record = story.record;
    let title = format!(
        "{} on {}",
        MEDIUM.untrusted(story.gate()),
        MEDIUM.untrusted(&record.target.url)
    );
    let most = if room.circumstances { usize::MAX } else { 1 };
    let mut lines: Vec<String> = cut(wrap(&title, columns), most)
        .iter()
        .map(|line| paint(line, Style::Bold, colour))
        .collect();
    let (label, mut sentences) = compared(story, MEDIUM);
    if !room.circumstances {
        sentences.truncate(1);
    }
    if !sentences.is_empty() {
        let told = format!("{label}: {}", sentences.join("; "));
        lines.extend(cut(wrap(&told, columns), room.lines.max(2)));
    }
    if !record.slices.is_empty() {
        let sent = format!("{}; {}", load(story, MEDIUM), generator(story));
        let seeded = format!("{sent}; seed {}", record.run.seed);
        // Where there is little room it takes no line of its own: the record has it, and how to run the same again.
        let fits = room.circumstances || columns_of(&seeded) <= columns;
        lines.extend(wrap(if fits { &seeded } else { &sent }, columns));
        let noise = ordinary_noise(story).filter(|_| room.circumstances);
        lines.extend(noise.iter().flat_map(|told| wrap(told, columns)));
    }
    lines
}

/// The failures by kind, where there are any.
fn failures(gathered: &Gathered, columns: usize, room: &DetailLevel) -> Vec<String> {
    let story = gathered.story;
    let Some((overall, named)) = gathered.figures.split_first() else {
        return Vec::new();
    };
    let kinds = overall.kinds.iter().take(room.kinds);
    let mut lines: Vec<String> = kinds
        .flat_map(|(kind, failures)| {
            let of = failing_names(named, *kind, MEDIUM);
            let first = first_told(story, *kind, MEDIUM);
            let first = first.map_or_else(String::new, |first| format!("; first at {first}"));
            let before = gathered.before.as_ref();
            let before = before.map_or_else(String::new, |before| {
                let now = *failures as f64 / overall.requests.max(1) as f64;
                format!(
                    "; {}, before {}",
                    numbers::share(now),
                    numbers::share(before.share(*kind))
                )
            });
            let kind = match room.lines {
                1 => kind.to_string(),
                _ => failure_kind(*kind),
            };
            let told = format!("{} × {kind} ({of}){before}{first}", count(*failures));
            cut(
                hanging("errors:", 8, &told, columns),
                room.lines.max(WRAPPED),
            )
        })
        .collect();
    if let more @ 1.. = overall.kinds.len().saturating_sub(room.kinds) {
        let told = format!("{} of failure", numbers::counted(more as u64, "more kind"));
        lines.extend(hanging("errors:", 8, &told, columns));
    }
    lines
}

/// The responses by status, where any says that something is not as it should be.
fn statuses(story: &ReportInput, columns: usize) -> Vec<String> {
    let responses = Responses::gather(story, None, None);
    if responses.is_plain() {
        return Vec::new();
    }
    hanging("responses:", 11, &responses.listed(), columns)
}

/// What the run showed of itself.
fn answers(showed: &[String], columns: usize, room: &DetailLevel) -> Vec<String> {
    showed
        .iter()
        .take(room.answers)
        .flat_map(|told| hanging("·", 2, told, columns))
        .collect()
}

/// The run in the course of its time, each figure in one line.
fn course(story: &ReportInput, columns: usize) -> Vec<String> {
    let curves = curves(story).all;
    let widest = curves.iter().map(|curve| columns_of(&curve.range)).max();
    let room = columns.saturating_sub(COURSE_COLUMNS + 2 + widest.unwrap_or(0));
    let line = |curve: &Curve| {
        let Curve {
            name,
            values,
            range,
        } = curve;
        format!(
            "{name:<COURSE_COLUMNS$}{}  {range}",
            sparkline(values, room)
        )
    };
    curves.iter().map(line).collect()
}

fn cautions(story: &ReportInput, columns: usize, room: &DetailLevel) -> Vec<String> {
    let told: Vec<String> = told_cautions(story)
        .map(|told| caution(story, told, MEDIUM))
        .collect();
    let shown = told.len().min(room.notes);
    let mut lines: Vec<String> = told[..shown]
        .iter()
        .flat_map(|told| {
            cut(
                hanging("note:", 6, told, columns),
                room.reasons.max(WRAPPED),
            )
        })
        .collect();
    if let more @ 1.. = told.len() - shown {
        lines.push(format!("note: {}", left_out(story, more, "note")));
    }
    lines
}

/// Where to read on: the page first, which shows what a terminal cannot.
fn files(story: &ReportInput, columns: usize, room: &DetailLevel) -> Vec<String> {
    let page = story
        .files
        .iter()
        .find(|file| file.ends_with("report.html"));
    let told = match page {
        Some(page) if !room.files => {
            let others = numbers::counted(story.files.len() as u64 - 1, "file");
            format!("report: {} and {others} beside it", MEDIUM.untrusted(page))
        }
        _ if story.files.is_empty() => return Vec::new(),
        _ => {
            let files: Vec<String> = story
                .files
                .iter()
                .map(|file| MEDIUM.untrusted(file))
                .collect();
            format!("written: {}", files.join(", "))
        }
    };
    cut(wrap(&told, columns), room.lines)
}

/// What to do next.
fn next(story: &ReportInput, rows: &[CheckRow], columns: usize, room: &DetailLevel) -> Vec<String> {
    if story.is_comparison() && story.verdict.outcome != Outcome::Invalid {
        return Vec::new();
    }
    let reasons = invalidities(story, MEDIUM);
    // One reason is the verdict's own words.
    if let [only] = reasons.as_slice() {
        return wrap(&format!("To mend it: {}.", only.fix), columns);
    }
    let listed = room.notes.clamp(1, MOST_REASONS);
    let more = reasons.len().saturating_sub(listed);
    let reasons = reasons.iter().take(listed).map(|reason| {
        let (what, mend) = (capitalized(&reason.what), &reason.fix);
        format!("{what}. To mend it: {mend}.")
    });
    let told = reasons
        .chain((more > 0).then(|| more_reasons(story, more)))
        .chain(advice(story, MEDIUM))
        .chain(wanted(story, rows));
    let most = room.lines.max(WRAPPED);
    // Half a command cannot be typed.
    let most_of = |told: &str| if told.contains('`') { usize::MAX } else { most };
    told.flat_map(|told| cut(wrap(&told, columns), most_of(&told)))
        .collect()
}

/// How to accept a change that is wanted, where the summary says it in full.
fn wanted(story: &ReportInput, rows: &[CheckRow]) -> Option<String> {
    let failed = |row: &CheckRow| {
        !row.is_drift()
            && row
                .change
                .is_some_and(|(line, _)| Status::of(line) == Status::Failed)
    };
    if story.verdict.outcome != Outcome::Failed || !rows.iter().any(failed) {
        return None;
    }
    let how = if story.has_file("summary.md") {
        ", as summary.md says"
    } else {
        ""
    };
    let path = MEDIUM.untrusted(story.thresholds_path);
    Some(format!("Wanted? Accept it in {path}{how}."))
}

/// The verdict, which comes last, where a log is read first.
fn verdict(story: &ReportInput, columns: usize, colour: Colour) -> Vec<String> {
    let (mark, style) = match (story.verdict.outcome, story.verdict.observed) {
        (Outcome::Passed, _) => ("✓", Style::Green),
        (Outcome::Failed, false) => ("✗", Style::Red),
        (Outcome::Invalid, false) => ("!", Style::Red),
        (Outcome::Failed | Outcome::Invalid, true) => ("!", Style::Yellow),
        (Outcome::Inconclusive, _) => ("?", Style::Yellow),
    };
    let told = if story.is_comparison() {
        headline(story, MEDIUM)
    } else {
        format!("{} (exit {})", headline(story, MEDIUM), story.exit)
    };
    let told = hanging(mark, 2, &told, columns);
    told.iter().map(|line| paint(line, style, colour)).collect()
}

pub(super) fn mark(story: &ReportInput, status: Status) -> &'static str {
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

/// That so many of something are not told here, and where they are.
fn left_out(story: &ReportInput, more: usize, noun: &str) -> String {
    let place = if story.has_file("summary.md") {
        " in summary.md"
    } else {
        ""
    };
    let more = numbers::counted(more as u64, &format!("more {noun}"));
    more + place
}

/// At most so many lines; where some are missing, the last one shows it.
fn cut(mut lines: Vec<String>, most: usize) -> Vec<String> {
    if lines.len() <= most {
        return lines;
    }
    lines.truncate(most);
    if let Some(last) = lines.last_mut() {
        let width = columns_of(last);
        *last = format!("{}…", prefix(last, width.saturating_sub(1)).trim_end());
    }
    lines
}

#[derive(Clone, Copy)]
enum Style {
    Bold,
    Dim,
    Green,
    Yellow,
    Red,
}

fn style(story: &ReportInput, status: Status) -> Style {
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
        Style::Dim => "2",
        Style::Green => "32",
        Style::Yellow => "33",
        Style::Red => "1;31",
    };
    match colour {
        Colour::Always => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        Colour::Never => text.to_owned(),
    }
}
