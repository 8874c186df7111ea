//! The terminal: the same story in less than one screen. Latencies by name, the run second by second, the checks with
//! the
//! worst first, what to know, and the verdict as the last line. What does not fit gives way by [`room`].

mod bars;
mod checks;
mod detail;
mod tables;

use crate::report::text::layout::{hanging, wrap};
use crate::report::text::numbers::{self, count};
use crate::report::text::sparkline::sparkline;
use crate::report::text::{Text, columns_of, inert_coloured, prefix, untrusted};
use crate::report::view::{CheckRow, Curve, OutcomeStyle, Responses, Status, Tone, View};
use crate::report::wording::{
    MOST_REASONS, advice, caution, compared, concurrency, failing_names, failure_kind, first_told,
    generator, headline, invalidities, load, more_reasons, ordinary_noise, showed, told_cautions,
};
use crate::verdict::Outcome;
use detail::{DetailLevel, IN_FULL, ROOMS, SCREEN};

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
pub fn terminal(view: &View, columns: usize, colour: Colour) -> String {
    let columns = columns.max(NARROWEST);
    let mut told = String::new();
    for room in &ROOMS {
        told = fitted(view, Vec::new(), columns, colour, room);
        if told.lines().count() <= SCREEN {
            break;
        }
    }
    told
}

/// One gate, told for a terminal of so many columns with nothing left out: each name in each phase and the run over
/// time as
/// well.
pub fn terminal_in_full(view: &View, columns: usize, colour: Colour) -> String {
    let columns = columns.max(NARROWEST);
    let mut tables = tables::by_name_and_phase(view, columns, colour, &IN_FULL);
    tables.push(tables::over_time(view, columns, colour));
    fitted(view, tables, columns, colour, &IN_FULL)
}

fn fitted(
    view: &View,
    tables: Vec<Vec<String>>,
    columns: usize,
    colour: Colour,
    room: &DetailLevel,
) -> String {
    let measured = [
        tables::by_name(view, columns, colour, room),
        failures(view, columns, room),
        statuses(view, columns),
        course(view, columns),
    ];
    let showed = [
        tables::by_phase(view, columns, colour, room),
        answers(view, columns, room),
    ];
    let last = [
        cautions(view, columns, room),
        files(view, columns, room),
        next(view, columns, room),
    ];
    let context = context(view, columns, colour, room);
    let (measured, showed, last) = (measured.concat(), showed.concat(), last.concat());
    let checks = checks::checks(view, columns, colour, room);
    let verdict = verdict(view, columns, colour);
    if room.airy {
        let before = [context, measured, showed];
        let after = [checks, last, verdict];
        return joined(before.into_iter().chain(tables).chain(after));
    }
    let (before, after) = ([context, measured, showed], [checks, last]);
    joined([before.concat(), after.concat(), verdict])
}

/// The verdict alone, and for an invalid run what to mend.
pub fn verdict_line(view: &View, columns: usize, colour: Colour) -> String {
    let columns = columns.max(NARROWEST);
    let reasons = match view.verdict.outcome {
        Outcome::Invalid => next(view, columns, &ROOMS[0]),
        Outcome::Passed | Outcome::Failed | Outcome::Inconclusive => Vec::new(),
    };
    joined([reasons, verdict(view, columns, colour)])
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

fn context(view: &View, columns: usize, colour: Colour, room: &DetailLevel) -> Vec<String> {
    let record = view.record;
    let title = format!(
        "{} on {}",
        untrusted(view.gate()),
        untrusted(&record.target.url)
    );
    let most = if room.circumstances { usize::MAX } else { 1 };
    let mut lines: Vec<String> = cut(wrap(&title, columns), most)
        .iter()
        .map(|line| paint(line, Style::Bold, colour))
        .collect();
    let (label, mut sentences) = compared(view);
    if !room.circumstances {
        sentences.truncate(1);
    }
    if !sentences.is_empty() {
        let told = format!("{label}: {}", Text::join(sentences, "; "));
        lines.extend(cut(wrap(&told, columns), room.lines.max(2)));
    }
    if !record.slices.is_empty() {
        let sent = format!("{}; {}", load(view), generator(view));
        let seeded = format!("{sent}; seed {}", record.run.seed);
        // Where there is little room it takes no line of its own: the record has it, and how to run the same again.
        let fits = room.circumstances || columns_of(&seeded) <= columns;
        lines.extend(wrap(if fits { &seeded } else { &sent }, columns));
        let noise = ordinary_noise(view).filter(|_| room.circumstances);
        lines.extend(noise.iter().flat_map(|told| wrap(told, columns)));
    }
    lines
}

/// The failures by kind, where there are any.
fn failures(view: &View, columns: usize, room: &DetailLevel) -> Vec<String> {
    let Some((overall, named)) = view.figures().split_first() else {
        return Vec::new();
    };
    let kinds = overall.kinds.iter().take(room.kinds);
    let mut lines: Vec<String> = kinds
        .flat_map(|(kind, failures)| {
            let of = failing_names(named, *kind);
            let first = first_told(view, *kind);
            let first = first.map_or_else(String::new, |first| format!("; first at {first}"));
            let before = view.totals_before();
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
fn statuses(view: &View, columns: usize) -> Vec<String> {
    let responses = Responses::new(view, None, None);
    if responses.is_plain() {
        return Vec::new();
    }
    hanging("responses:", 11, &responses.listed(), columns)
}

/// What the run showed of itself.
fn answers(view: &View, columns: usize, room: &DetailLevel) -> Vec<String> {
    let mut all = showed(view);
    if room.concurrency && !view.is_comparison() {
        all.extend(concurrency(view.phases()));
    }
    all.iter()
        .take(room.answers)
        .flat_map(|told| hanging("·", 2, &told.to_string(), columns))
        .collect()
}

/// The run in the course of its time, each figure in one line.
fn course(view: &View, columns: usize) -> Vec<String> {
    let curves = &view.curves().all;
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

fn cautions(view: &View, columns: usize, room: &DetailLevel) -> Vec<String> {
    let told: Vec<String> = told_cautions(view)
        .map(|told| caution(view, told).to_string())
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
        lines.push(format!("note: {}", left_out(view, more, "note")));
    }
    lines
}

/// Where to read on: the page first, which shows what a terminal cannot.
fn files(view: &View, columns: usize, room: &DetailLevel) -> Vec<String> {
    let page = view.files.iter().find(|file| file.ends_with("report.html"));
    let told = match page {
        Some(page) if !room.files => {
            let others = numbers::counted(view.files.len() as u64 - 1, "file");
            format!("report: {} and {others} beside it", untrusted(page))
        }
        _ if view.files.is_empty() => return Vec::new(),
        _ => {
            let files = view.files.iter().map(|file| untrusted(file));
            format!("written: {}", Text::join(files, ", "))
        }
    };
    cut(wrap(&told, columns), room.lines)
}

/// What to do next.
fn next(view: &View, columns: usize, room: &DetailLevel) -> Vec<String> {
    if view.is_comparison() && view.verdict.outcome != Outcome::Invalid {
        return Vec::new();
    }
    let reasons = invalidities(view);
    // A fix that is cut does not help.
    if let [only] = reasons.as_slice() {
        return wrap(&format!("{}.", only.sentences()), columns);
    }
    let listed = room.notes.clamp(1, MOST_REASONS);
    let more = reasons.len().saturating_sub(listed);
    let reasons = reasons
        .iter()
        .take(listed)
        .map(|reason| format!("{}.", reason.sentences()));
    let told = reasons
        .chain((more > 0).then(|| more_reasons(view, more)))
        .chain(advice(view).into_iter().map(|advice| advice.to_string()))
        .chain(wanted(view));
    let most = room.lines.max(WRAPPED);
    // Half a command cannot be typed.
    let most_of = |told: &str| if told.contains('`') { usize::MAX } else { most };
    told.flat_map(|told| cut(wrap(&told, columns), most_of(&told)))
        .collect()
}

/// How to accept a change that is wanted, where the summary says it in full.
fn wanted(view: &View) -> Option<String> {
    let failed = |row: &CheckRow| {
        !row.is_drift()
            && row
                .change
                .is_some_and(|(line, _)| Status::new(line) == Status::Failed)
    };
    if view.verdict.outcome != Outcome::Failed || !view.rows().iter().any(failed) {
        return None;
    }
    let how = if view.has_file("summary.md") {
        "; summary.md has the lines to add"
    } else {
        ""
    };
    let path = untrusted(view.thresholds_path);
    Some(format!("Intended? Accept it in {path}{how}."))
}

/// The verdict, which comes last, where a log is read first.
fn verdict(view: &View, columns: usize, colour: Colour) -> Vec<String> {
    let OutcomeStyle { mark, tone, .. } = view.outcome_style();
    let told = if view.is_comparison() {
        headline(view).to_string()
    } else {
        format!("{} (exit {})", headline(view), view.exit)
    };
    let told = hanging(mark, 2, &told, columns);
    told.iter()
        .map(|line| paint(line, tone.into(), colour))
        .collect()
}

/// That so many of something are not told here, and where they are.
fn left_out(view: &View, more: usize, noun: &str) -> String {
    let place = if view.has_file("summary.md") {
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

impl From<Tone> for Style {
    fn from(tone: Tone) -> Self {
        match tone {
            Tone::Good | Tone::Soft => Self::Green,
            Tone::Warn => Self::Yellow,
            Tone::Bad => Self::Red,
        }
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
