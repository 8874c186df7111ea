//! The terminal: one gate in less than one screen. Latencies by name, the run second by second, the checks with the worst
//! first, what to know, and the verdict as the last line. What does not fit gives way by [`detail`].

mod bars;
mod checks;
mod detail;
mod tables;

use crate::report::text::{
    Text, columns_of, count, inert_coloured, layout, numbers, prefix, untrusted,
};
use crate::report::view::{NAME_COLUMNS, OutcomeStyle, Responses, Status, Tone, View};
use crate::report::wording::{
    MOST_REASONS, advice, caution, compared, concurrency, failing_names, failure_kind, first_seen,
    generator, headline, invalidities, load, more_reasons, ordinary_noise, showed, shown_warnings,
};
use crate::verdict::Outcome;
use detail::{DetailLevel, LEVELS, SCREEN};

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

/// One gate for a terminal of so many columns: in full if that fits on a screen.
pub fn terminal(view: &View, columns: usize, colour: Colour) -> String {
    let mut text = String::new();
    for level in (0..LEVELS).map(DetailLevel::new) {
        text = Screen::new(view, columns, colour, level).text(Vec::new());
        if text.lines().count() <= SCREEN {
            break;
        }
    }
    text
}

/// One gate for a terminal of so many columns with nothing left out: each name in each phase and the run over time as well.
pub fn terminal_in_full(view: &View, columns: usize, colour: Colour) -> String {
    let screen = Screen::new(view, columns, colour, DetailLevel::in_full());
    let mut tables = screen.by_request_in_phases();
    tables.push(screen.over_time());
    screen.text(tables)
}

/// The verdict alone, and for an invalid run how to fix it.
pub fn verdict_line(view: &View, columns: usize, colour: Colour) -> String {
    let screen = Screen::new(view, columns, colour, DetailLevel::new(0));
    let reasons = match view.verdict.outcome {
        Outcome::Invalid => screen.next(),
        Outcome::Passed | Outcome::Failed | Outcome::Inconclusive => Vec::new(),
    };
    joined([reasons, screen.verdict()])
}

/// One gate, and how much of it there is room for.
struct Screen<'v, 'a> {
    view: &'v View<'a>,
    columns: usize,
    colour: Colour,
    level: DetailLevel,
}

impl<'v, 'a> Screen<'v, 'a> {
    fn new(view: &'v View<'a>, columns: usize, colour: Colour, level: DetailLevel) -> Self {
        Self {
            view,
            columns: columns.max(NARROWEST),
            colour,
            level,
        }
    }

    /// Everything, with these tables before the checks.
    fn text(&self, tables: Vec<Vec<String>>) -> String {
        let measured = [
            self.by_request(),
            self.failures(),
            self.statuses(),
            self.curves(),
        ];
        let before = [
            self.context(),
            measured.concat(),
            [self.by_phase(), self.insights()].concat(),
        ];
        let last = [self.cautions(), self.files(), self.next()].concat();
        if self.level.airy {
            let after = [self.checks(), last, self.verdict()];
            return joined(before.into_iter().chain(tables).chain(after));
        }
        let after = [self.checks(), last].concat();
        joined([before.concat(), after, self.verdict()])
    }

    fn wrap(&self, text: &str) -> Vec<String> {
        layout::wrap(text, self.columns)
    }

    /// A sentence behind a label, its further lines set under its first word.
    fn hang(&self, label: &str, text: &str) -> Vec<String> {
        layout::hanging(label, columns_of(label) + 1, text, self.columns)
    }

    /// A text in a style by its code of a terminal.
    fn paint(&self, text: &str, code: &str) -> String {
        match self.colour {
            Colour::Always => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Colour::Never => text.to_owned(),
        }
    }

    fn context(&self) -> Vec<String> {
        let (view, level) = (self.view, self.level);
        let record = view.record;
        let (gate, target) = (untrusted(view.gate()), untrusted(&record.target.url));
        let title = self.wrap(&format!("{gate} on {target}"));
        let most = if level.circumstances { usize::MAX } else { 1 };
        let title = cut(title, most).into_iter();
        let mut lines: Vec<String> = title.map(|line| self.paint(&line, BOLD)).collect();
        let (label, mut sentences) = compared(view);
        if !level.circumstances {
            sentences.truncate(1);
        }
        if !sentences.is_empty() {
            let text = format!("{label}: {}", Text::join(sentences, "; "));
            lines.extend(cut(self.wrap(&text), level.lines.max(2)));
        }
        if !record.slices.is_empty() {
            let sent = format!("{}; {}", load(view), generator(view));
            let seeded = format!("{sent}; seed {}", record.run.seed);
            // Where there is little room it takes no line of its own: the record has it, and how to run the same again.
            let fits = level.circumstances || columns_of(&seeded) <= self.columns;
            lines.extend(self.wrap(if fits { &seeded } else { &sent }));
            let noise = ordinary_noise(view).filter(|_| level.circumstances);
            lines.extend(noise.iter().flat_map(|noise| self.wrap(noise)));
        }
        lines
    }

    fn failures(&self) -> Vec<String> {
        let (view, level) = (self.view, self.level);
        let Some((overall, names)) = view.figures().split_first() else {
            return Vec::new();
        };
        let kinds = overall.kinds.iter().take(level.kinds);
        let mut lines: Vec<String> = kinds
            .flat_map(|(kind, failures)| {
                let names = failing_names(names, *kind);
                let before = view.totals_before().as_ref().map(|before| {
                    let now = *failures as f64 / overall.requests.max(1) as f64;
                    let [now, before] = [now, before.share(*kind)].map(numbers::share);
                    format!("; {now}, before {before}")
                });
                let first = first_seen(view, *kind).map(|first| format!("; first at {first}"));
                let kind = match level.lines {
                    1 => kind.to_string(),
                    _ => failure_kind(*kind),
                };
                let mut text = format!("{} × {kind} ({names})", count(*failures));
                text.extend(before.into_iter().chain(first));
                cut(self.hang("errors:", &text), level.lines.max(WRAPPED))
            })
            .collect();
        if let more @ 1.. = overall.kinds.len().saturating_sub(level.kinds) {
            let kinds = numbers::counted(more as u64, "more kind");
            lines.extend(self.hang("errors:", &format!("{kinds} of failure")));
        }
        lines
    }

    /// The responses by status, if any says that something is not as it should be.
    fn statuses(&self) -> Vec<String> {
        let responses = Responses::new(self.view, None, None);
        if responses.is_plain() {
            return Vec::new();
        }
        self.hang("responses:", &responses.listed())
    }

    /// What the run showed of itself.
    fn insights(&self) -> Vec<String> {
        let mut all = showed(self.view);
        if self.level.concurrency && !self.view.is_comparison() {
            all.extend(concurrency(self.view.phases()));
        }
        let shown = all.iter().take(self.level.insights);
        let lines = shown.flat_map(|text| self.hang("·", &text.to_string()));
        lines.collect()
    }

    /// The run over time, each figure in one line.
    fn curves(&self) -> Vec<String> {
        let curves = self.view.curves().all.iter();
        let widest = curves.clone().map(|curve| columns_of(&curve.range)).max();
        let letters = self
            .columns
            .saturating_sub(NAME_COLUMNS + 2 + widest.unwrap_or(0));
        curves.map(|curve| curve.line(letters)).collect()
    }

    fn cautions(&self) -> Vec<String> {
        let cautions: Vec<_> = shown_warnings(self.view).collect();
        let shown = cautions.len().min(self.level.notes);
        let most = self.level.reasons.max(WRAPPED);
        let notes = cautions[..shown].iter();
        let notes = notes.map(|shown| caution(self.view, shown).to_string());
        let lines = notes.flat_map(|note| cut(self.hang("note:", &note), most));
        let more = cautions.len() - shown;
        let more = (more > 0).then(|| format!("note: {}", left_out(self.view, more, "note")));
        lines.chain(more).collect()
    }

    /// Where to read on: the page first, which shows what a terminal cannot.
    fn files(&self) -> Vec<String> {
        let files = self.view.files;
        let page = files.iter().find(|file| file.ends_with("report.html"));
        let text = match page {
            Some(page) if !self.level.files => {
                let others = numbers::counted(files.len() as u64 - 1, "file");
                format!("report: {} and {others} beside it", untrusted(page))
            }
            _ if files.is_empty() => return Vec::new(),
            _ => {
                let files = files.iter().map(|file| untrusted(file));
                format!("written: {}", Text::join(files, ", "))
            }
        };
        cut(self.wrap(&text), self.level.lines)
    }

    /// What to do next.
    fn next(&self) -> Vec<String> {
        let view = self.view;
        if view.is_comparison() && view.verdict.outcome != Outcome::Invalid {
            return Vec::new();
        }
        let reasons = invalidities(view);
        // A fix that is cut does not help.
        if let [only] = reasons.as_slice() {
            return self.wrap(&format!("{}.", only.sentences()));
        }
        let listed = self.level.notes.clamp(1, MOST_REASONS);
        let more = reasons.len().saturating_sub(listed);
        let reasons = reasons.iter().take(listed);
        let texts = reasons
            .map(|reason| format!("{}.", reason.sentences()))
            .chain((more > 0).then(|| more_reasons(view, more)))
            .chain(advice(view).into_iter().map(|advice| advice.to_string()))
            .chain(wanted(view));
        let most = self.level.lines.max(WRAPPED);
        // Half a command cannot be typed.
        let most_of = |text: &str| if text.contains('`') { usize::MAX } else { most };
        texts
            .flat_map(|text| cut(self.wrap(&text), most_of(&text)))
            .collect()
    }

    fn verdict(&self) -> Vec<String> {
        let OutcomeStyle { mark, tone, .. } = self.view.outcome_style();
        let mut text = headline(self.view).to_string();
        if !self.view.is_comparison() {
            text += &format!(" (exit {})", self.view.exit);
        }
        let lines = self.hang(mark, &text).into_iter();
        lines
            .map(|line| self.paint(&line, colour_of(tone)))
            .collect()
    }
}

/// Paragraphs with an empty line between them, no line of which is a command to the CI system that logs it.
fn joined(paragraphs: impl IntoIterator<Item = Vec<String>>) -> String {
    let paragraphs = paragraphs.into_iter().filter(|lines| !lines.is_empty());
    let paragraphs = paragraphs.map(|lines| {
        let lines: Vec<String> = lines.iter().map(|line| inert_coloured(line)).collect();
        lines.join("\n")
    });
    paragraphs.collect::<Vec<_>>().join("\n\n") + "\n"
}

/// How to accept a change that is wanted, where the summary says it in full.
fn wanted(view: &View) -> Option<String> {
    let newest = view.rows().iter().filter(|row| !row.is_drift());
    let mut changes = newest.filter_map(|row| row.change);
    let has_failed = changes.any(|(line, _)| Status::new(line) == Status::Failed);
    let is_written = view.has_file("summary.md");
    let how = is_written.then_some("; summary.md has the lines to add");
    let (path, how) = (untrusted(view.thresholds_path), how.unwrap_or_default());
    (view.verdict.outcome == Outcome::Failed && has_failed && view.gate_path.is_some())
        .then(|| format!("Intended? Accept it in {path}{how}."))
}

/// That so many of something are not shown here, and where they are.
fn left_out(view: &View, more: usize, noun: &str) -> String {
    let is_written = view.has_file("summary.md");
    let place = if is_written { " in summary.md" } else { "" };
    numbers::counted(more as u64, &format!("more {noun}")) + place
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

const BOLD: &str = "1";
const DIM: &str = "2";

/// Green, yellow or red, as a terminal's code.
fn colour_of(tone: Tone) -> &'static str {
    match tone {
        Tone::Good | Tone::Soft => "32",
        Tone::Warn => "33",
        Tone::Bad => "1;31",
    }
}
