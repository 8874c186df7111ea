//! The checks as a table, the worst first: what it was and is, how it changed, and the interval of that as a bar.

use super::bars::Bars;
use super::{Screen, WRAPPED, colour_of, cut};
use crate::report::text::layout::{hanging, left, right};
use crate::report::text::{columns_of, numbers, shorten, untrusted};
use crate::report::view::{CheckRow, Status, View};
use crate::report::wording::{measure_name, since};
use crate::thresholds::Subject;
use crate::verdict::CheckOutcome;

const GAP: usize = 2;

/// Narrower than this a check's name gets a line of its own.
const NARROWEST_NAME: usize = 18;

/// Columns from which on there is room for what each check would have caught, and for longer bars.
const WIDE: usize = 100;

const BAR: usize = 14;
const WIDE_BAR: usize = 22;

/// One check with its cells: figures, change, the change's interval as a bar, and what would have been caught.
struct Line<'r, 'a> {
    row: &'r CheckRow<'a>,
    label: String,
    cells: [String; 4],
}

/// The widths of labels, names and cells; a cell without a width is not shown.
struct Widths {
    label: usize,
    name: usize,
    cells: [usize; 4],
}

impl Widths {
    fn new(lines: &[Line], columns: usize) -> Self {
        let widest = |width: &dyn Fn(&Line) -> usize| lines.iter().map(width).max().unwrap_or(0);
        let mut cells = [0, 1, 2, 3].map(|cell| widest(&|line| columns_of(&line.cells[cell])));
        if columns < WIDE {
            cells[3] = 0;
        }
        Self {
            label: widest(&|line| columns_of(&line.label)),
            name: widest(&|line| columns_of(&title(line.row, usize::MAX))),
            cells,
        }
    }
}

impl<'r, 'a> Line<'r, 'a> {
    fn new(view: &View, row: &'r CheckRow<'a>, bars: &Bars) -> Self {
        let limit = match row.limits.as_slice() {
            // If nothing was compared, the limit stands where the change would.
            [(line, limit)] if row.status == Status::Passed => {
                format!("limit {}", row.promise(line, limit))
            }
            _ => String::new(),
        };
        Self {
            row,
            label: view.status_text(row.status),
            cells: [
                numbers::or_none(row.figures_text()),
                row.estimate_text().unwrap_or(limit),
                bars.draw(row).unwrap_or_default(),
                row.caught_text().unwrap_or_default(),
            ],
        }
    }

    /// The first cells, as many as there are widths.
    fn numbers(&self, widths: &[usize]) -> String {
        let set = [right, right, left, right];
        let cells = self.cells.iter().zip(widths).zip(set);
        let shown = cells.filter(|((_, width), _)| **width > 0);
        let shown = shown.map(|((cell, width), set)| " ".repeat(GAP) + &set(cell, *width));
        shown.collect::<String>().trim_end().to_owned()
    }
}

impl Screen<'_, '_> {
    pub(super) fn checks(&self) -> Vec<String> {
        let listed = self.view.told_rows();
        let listed: Vec<&CheckRow> = listed
            .filter(|row| row.status != Status::Reported)
            .collect();
        let of_status = |is_meant: fn(Status) -> bool| {
            let rows = listed.iter().copied();
            rows.filter(move |row| is_meant(row.status))
        };
        let failing = of_status(|status| status < Status::Worse).take(self.level.failing);
        let passed = of_status(|status| status == Status::Passed).take(self.level.passed);
        let shown: Vec<&CheckRow> = failing.chain(passed).collect();
        let bar = if self.columns >= WIDE { WIDE_BAR } else { BAR };
        let bars = Bars::new(self.view, &shown, bar);
        let checks = shown.iter().map(|row| Line::new(self.view, row, &bars));
        let checks: Vec<Line> = checks.collect();
        let widths = Widths::new(&checks, self.columns);
        let lines = checks.iter().flat_map(|check| self.check(check, &widths));
        let mut lines: Vec<String> = lines.collect();
        let [.., bar, caught] = widths.cells;
        if bar > 0 {
            let caught = (caught > 0).then_some("; at the end: what would have been caught");
            lines.extend(self.hang("·", &(bars.key() + caught.unwrap_or_default())));
        }
        let worse: Vec<&CheckRow> = of_status(|status| status == Status::Worse).collect();
        lines.extend(self.worse(&worse));
        lines.extend(self.not_shown(&listed, &shown));
        lines
    }

    /// A check in its lines, with the reasons below it.
    fn check(&self, check: &Line, widths: &Widths) -> Vec<String> {
        let indent = widths.label + GAP;
        let tone = self.view.tone(check.row.status);
        let blank = indent - columns_of(&check.label);
        let label = self.paint(&check.label, colour_of(tone)) + &" ".repeat(blank);
        let shown = widths.cells.iter().filter(|width| **width > 0);
        let numbers: usize = shown.map(|width| width + GAP).sum();
        let room = self.columns.saturating_sub(indent + numbers);
        let mut numbers = check.numbers(&widths.cells);
        let mut lines = if room >= NARROWEST_NAME {
            let room = room.min(widths.name);
            let name = left(&title(check.row, room), room);
            vec![format!("{label}{name}{numbers}").trim_end().to_owned()]
        } else {
            let name = title(check.row, self.columns.saturating_sub(indent).max(1));
            if columns_of(&numbers) > self.columns {
                numbers = check.numbers(&widths.cells[..2]);
            }
            let mut lines = vec![format!("{label}{name}")];
            if columns_of(&numbers) > self.columns {
                lines.extend(self.wrap(numbers.trim()));
            } else {
                lines.push(numbers);
            }
            lines
        };
        lines.extend(self.reasons(check.row, indent, widths.cells[3] == 0));
        lines
    }

    /// As many of the reasons of a check as there is room for, the first of them in any case: it wraps rather than be cut.
    fn reasons(&self, row: &CheckRow, indent: usize, with_caught: bool) -> Vec<String> {
        let most = self.level.reasons;
        let reasons = reasons(self.view, row, with_caught);
        let lines = |n: usize| hanging("", indent, &reasons[..n].join("; "), self.columns);
        let mut several = (2..=reasons.len()).rev().map(lines);
        let fitting = several.find(|lines| lines.len() <= most);
        fitting.unwrap_or_else(|| cut(lines(reasons.len().min(1)), most.max(WRAPPED)))
    }

    /// What got worse and is not gated, in one line if names allow it.
    fn worse(&self, worse: &[&CheckRow]) -> Vec<String> {
        /// More of them say no more.
        const NAMED: usize = 2;
        let lines = |named: usize| {
            let names = worse.iter().take(named).map(|row| {
                let change = row.estimate_text().map(|change| format!(" {change}"));
                title(row, 40) + &change.unwrap_or_default()
            });
            let more = worse.len().saturating_sub(named);
            let more = (more > 0).then(|| format!("{more} more"));
            let names: Vec<String> = names.chain(more).collect();
            self.hang("!", &format!("worse, not gated: {}", names.join(", ")))
        };
        match lines(NAMED) {
            _ if worse.is_empty() => Vec::new(),
            wrapped if wrapped.len() > 1 => lines(1),
            line => line,
        }
    }

    /// How many checks are not shown here, and where they are.
    fn not_shown(&self, listed: &[&CheckRow], shown: &[&CheckRow]) -> Vec<String> {
        let count = |rows: &[&CheckRow], is_meant: fn(Status) -> bool| {
            rows.iter().filter(|row| is_meant(row.status)).count()
        };
        let hidden = |is_meant| count(listed, is_meant) - count(shown, is_meant);
        let rows = self.view.rows().iter();
        let reported = rows.filter(|row| row.status == Status::Reported && !listed.is_empty());
        let (checks, not_gated) = if self.view.is_comparison() {
            ("figures", "not shown")
        } else {
            ("checks", "not gated")
        };
        let counts = [
            (
                hidden(|status| status < Status::Worse),
                "did not pass",
                "junit.xml",
            ),
            (
                hidden(|status| status == Status::Passed),
                "passed",
                "junit.xml",
            ),
            (reported.count(), not_gated, "summary.md"),
        ];
        let counts: Vec<_> = counts.iter().filter(|(count, ..)| *count > 0).collect();
        // A file is named once for all that is read there.
        let counts = counts.chunk_by(|a, b| a.2 == b.2).map(|counts| {
            let texts = counts.iter();
            let texts = texts.map(|(n, what, _)| format!("{} {what}", numbers::count(*n as u64)));
            texts.collect::<Vec<_>>().join(", ") + listed_in(self.view, counts[0].2)
        });
        let counts: Vec<String> = counts.collect();
        if counts.is_empty() {
            return Vec::new();
        }
        self.hang("·", &format!("more {checks}: {}", counts.join(", ")))
    }
}

/// What a check is about, in so many columns: if that is too few, the name loses its middle and not the metric, and beside
/// a phase it goes without saying that all names are meant.
fn title(row: &CheckRow, columns: usize) -> String {
    /// Columns that a name has at least.
    const LEAST: usize = 8;
    let (line, measure) = (row.line(), measure_name(row.measure()));
    let phase = line.phase.as_ref();
    let phase = phase.map(|phase| format!(" in {}", untrusted(phase)));
    let rest = phase.unwrap_or_default() + since(line);
    let room = columns.saturating_sub(columns_of(&measure) + columns_of(&rest));
    let subject = match &line.subject {
        Subject::Overall if room < " overall".len() && line.phase.is_some() => String::new(),
        Subject::Overall => " overall".to_owned(),
        Subject::Request(name) => {
            let room = room.saturating_sub(1).max(LEAST);
            format!(" {}", shorten(&untrusted(name).to_string(), room))
        }
    };
    shorten(&format!("{measure}{subject}{rest}"), columns)
}

/// Why a check came to what it came to, the most telling first: its limits, what its change comes from, the interval in
/// figures, and what would have been caught.
fn reasons(view: &View, row: &CheckRow, with_caught: bool) -> Vec<String> {
    let notes = row.notes(view).into_iter();
    let mut reasons: Vec<String> = notes.map(|note| note.to_string()).collect();
    if row.status == Status::Passed {
        return reasons;
    }
    let interval = row.estimated();
    reasons.extend(interval.map(|change| numbers::interval(row.measure(), &change)));
    let caught = row.caught_text().filter(|_| with_caught);
    reasons.extend(caught.map(|caught| format!("would have caught {caught}")));
    let limits = row.limits.iter();
    let limits = limits.filter(|(line, _)| line.outcome == CheckOutcome::Passed);
    reasons.extend(limits.map(|(line, limit)| format!("limit {} holds", row.promise(line, limit))));
    reasons
}

/// Where checks can be read that are not shown here, if they can.
fn listed_in(view: &View, file: &str) -> &'static str {
    match file {
        "junit.xml" if view.has_file(file) => " (junit.xml)",
        "summary.md" if view.has_file(file) && view.is_short() => " (summary.md)",
        _ => "",
    }
}
