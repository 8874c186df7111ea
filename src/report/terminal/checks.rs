//! The checks as a table, the worst first: what it was and is, how it changed, and the interval of that as a bar.

use super::bars::Bars;
use super::detail::DetailLevel;
use super::{WRAPPED, cut, paint};
use crate::report::terminal::Colour;
use crate::report::text::layout::{hanging, left, right, wrap};
use crate::report::text::{columns_of, numbers, shorten, untrusted};
use crate::report::view::{CheckRow, Status, View};
use crate::report::wording::{measure_name, since};
use crate::thresholds::Subject;
use crate::verdict::CheckOutcome;

/// Columns between two cells.
const GAP: usize = 2;

/// Narrower than this a check's name gets a line of its own.
const NARROWEST_NAME: usize = 18;

/// Columns from which on there is room for what each check would have caught, and for longer bars.
const WIDE: usize = 100;

/// Columns of a bar.
const BAR: usize = 14;
const WIDE_BAR: usize = 22;

/// One check in its cells.
struct Cells<'r, 'a> {
    row: &'r CheckRow<'a>,
    label: String,
    figures: String,
    change: String,
    bar: Option<String>,
    caught: String,
}

/// The widths of the cells.
struct Widths {
    label: usize,
    name: usize,
    figures: usize,
    change: usize,
    bar: usize,
    caught: usize,
}

impl Widths {
    fn of(cells: &[Cells], columns: usize) -> Self {
        let widest = |of: fn(&Cells) -> usize| cells.iter().map(of).max().unwrap_or(0);
        let bar = widest(|cell| cell.bar.as_deref().map_or(0, columns_of));
        Self {
            label: widest(|cell| columns_of(&cell.label)),
            name: widest(|cell| columns_of(&title(cell.row, usize::MAX))),
            figures: widest(|cell| columns_of(&cell.figures)),
            change: widest(|cell| columns_of(&cell.change)),
            bar,
            caught: if columns >= WIDE {
                widest(|cell| columns_of(&cell.caught))
            } else {
                0
            },
        }
    }

    /// Columns of all that stands behind a name.
    fn numbers(&self) -> usize {
        [self.figures, self.change, self.bar, self.caught]
            .iter()
            .filter(|width| **width > 0)
            .map(|width| width + GAP)
            .sum()
    }
}

/// The checks of a story.
pub(super) fn checks(
    view: &View,
    columns: usize,
    colour: Colour,
    room: &DetailLevel,
) -> Vec<String> {
    let told: Vec<&CheckRow> = view
        .rows()
        .iter()
        .filter(|row| row.status != Status::Reported && !row.is_empty_comparison())
        .collect();
    let of = |keep: fn(Status) -> bool| told.iter().copied().filter(move |row| keep(row.status));
    let failing = of(|status| status < Status::Worse);
    let passed = of(|status| status == Status::Passed);
    let shown: Vec<&CheckRow> = failing
        .take(room.failing)
        .chain(passed.take(room.passed))
        .collect();
    let bars = Bars::new(view, &shown, if columns >= WIDE { WIDE_BAR } else { BAR });
    let cells: Vec<Cells> = shown
        .iter()
        .map(|row| Cells::of(view, row, &bars))
        .collect();
    let widths = Widths::of(&cells, columns);
    let mut lines: Vec<String> = cells
        .iter()
        .flat_map(|cell| {
            let mut lines = cell.lines(columns, &widths);
            let reasons = reasons(view, cell.row, widths.caught == 0);
            lines.extend(below(&reasons, widths.label + GAP, columns, room.reasons));
            if let Some(first) = lines.first_mut()
                && let Some(rest) = first.strip_prefix(&cell.label)
            {
                *first = paint(&cell.label, view.tone(cell.row.status).into(), colour) + rest;
            }
            lines
        })
        .collect();
    if cells.iter().any(|cell| cell.bar.is_some()) {
        lines.extend(hanging("·", 2, &key(&bars, &widths), columns));
    }
    let worse: Vec<&CheckRow> = of(|status| status == Status::Worse).collect();
    lines.extend(told_worse(&worse, columns));
    lines.extend(rest(view, &told, &shown, columns));
    lines
}

impl<'r, 'a> Cells<'r, 'a> {
    fn of(view: &View, row: &'r CheckRow<'a>, bars: &Bars) -> Self {
        let measure = row.measure();
        let figures = row.figures_text();
        let figures = figures.unwrap_or_else(|| numbers::NONE.to_owned());
        let change = row.estimated();
        // Where nothing was compared, the limit stands where the change would.
        let change = change.map_or_else(
            || match row.limits.as_slice() {
                [(line, limit)] if row.status == Status::Passed => {
                    format!("limit {}", row.promise(line, limit))
                }
                _ => String::new(),
            },
            |change| numbers::change(measure, change.estimate),
        );
        Self {
            row,
            label: view.status_text(row.status),
            figures,
            change,
            bar: bars.draw(row),
            caught: row.caught_text().unwrap_or_default(),
        }
    }

    fn lines(&self, columns: usize, widths: &Widths) -> Vec<String> {
        let indent = widths.label + GAP;
        let room = columns.saturating_sub(indent + widths.numbers());
        let label = left(&self.label, indent);
        if room >= NARROWEST_NAME {
            let room = room.min(widths.name);
            let name = title(self.row, room);
            let line = format!("{label}{}{}", left(&name, room), self.numbers(widths));
            return vec![line.trim_end().to_owned()];
        }
        let name = title(self.row, columns.saturating_sub(indent).max(1));
        let mut numbers = self.numbers(widths).trim_end().to_owned();
        if columns_of(&numbers) > columns {
            numbers = self.without_bar(widths);
        }
        let mut lines = vec![format!("{label}{name}")];
        lines.extend(if columns_of(&numbers) > columns {
            wrap(numbers.trim(), columns)
        } else {
            vec![numbers]
        });
        lines
    }

    fn numbers(&self, widths: &Widths) -> String {
        let mut line = self.without_bar(widths);
        if widths.bar > 0 {
            let bar = self.bar.clone().unwrap_or_default();
            line += &format!("  {}", left(&bar, widths.bar));
        }
        if widths.caught > 0 {
            line += &format!("  {}", right(&self.caught, widths.caught));
        }
        line
    }

    fn without_bar(&self, widths: &Widths) -> String {
        let mut line = format!("  {}", right(&self.figures, widths.figures));
        if widths.change > 0 {
            line += &format!("  {}", right(&self.change, widths.change));
        }
        line
    }
}

/// What a check is about, in so many columns: where that is too few, the name loses its middle and not the metric, and
/// beside a phase it goes without saying that all names are meant.
fn title(row: &CheckRow, columns: usize) -> String {
    let (line, measure) = (row.line(), measure_name(row.measure()));
    let since = since(line);
    let phase = line.phase.as_ref();
    let phase = phase.map_or_else(String::new, |phase| format!(" in {}", untrusted(phase)));
    let rest = columns_of(&measure) + columns_of(&phase) + columns_of(since);
    let room = columns.saturating_sub(rest);
    let subject = match &line.subject {
        Subject::Overall if room < " overall".len() && !phase.is_empty() => String::new(),
        Subject::Overall => " overall".to_owned(),
        Subject::Request(name) => {
            let least = 8;
            format!(
                " {}",
                shorten(
                    &untrusted(name).to_string(),
                    room.saturating_sub(1).max(least)
                )
            )
        }
    };
    shorten(&format!("{measure}{subject}{phase}{since}"), columns)
}

/// Why a check came to what it came to, the most telling first: its limits, what its change comes from, the interval in
/// figures, and what would have been caught.
fn reasons(view: &View, row: &CheckRow, with_caught: bool) -> Vec<String> {
    let notes = row.notes(view).into_iter();
    let mut told: Vec<String> = notes.map(|note| note.to_string()).collect();
    if row.status == Status::Passed {
        return told;
    }
    let interval = row
        .estimated()
        .map(|change| numbers::interval(row.measure(), &change));
    told.extend(interval);
    if let Some(caught) = row.caught_text().filter(|_| with_caught) {
        told.push(format!("would have caught {caught}"));
    }
    for (line, limit) in &row.limits {
        if line.outcome == CheckOutcome::Passed {
            told.push(format!("limit {} holds", row.promise(line, limit)));
        }
    }
    told
}

/// As many of the reasons as fit into so many lines, the first of them in any case: it wraps rather than be cut.
fn below(reasons: &[String], indent: usize, columns: usize, most: usize) -> Vec<String> {
    let told = |n: usize| hanging("", indent, &reasons[..n].join("; "), columns);
    let fitting = (2..=reasons.len())
        .rev()
        .map(told)
        .find(|lines| lines.len() <= most);
    fitting.unwrap_or_else(|| cut(told(reasons.len().min(1)), most.max(WRAPPED)))
}

/// What the bars show.
fn key(bars: &Bars, widths: &Widths) -> String {
    let mut told = bars.key();
    if widths.caught > 0 {
        told += "; at the end: what would have been caught";
    }
    told
}

/// What got worse and is not gated, in one line where names allow it.
fn told_worse(worse: &[&CheckRow], columns: usize) -> Vec<String> {
    /// More of them say no more.
    const NAMED: usize = 2;
    let told = |named: usize| {
        let each = worse.iter().take(named).map(|row| {
            let change = row.estimated();
            let change = change.map_or_else(String::new, |change| {
                format!(" {}", numbers::change(row.measure(), change.estimate))
            });
            format!("{}{change}", title(row, 40))
        });
        let more = worse.len().saturating_sub(named);
        let more = (more > 0).then(|| format!("{more} more"));
        let told: Vec<String> = each.chain(more).collect();
        let told = format!("worse, not gated: {}", told.join(", "));
        hanging("!", 2, &told, columns)
    };
    match told(NAMED) {
        _ if worse.is_empty() => Vec::new(),
        lines if lines.len() > 1 => told(1),
        lines => lines,
    }
}

/// How many checks are not told here, and where they are.
fn rest(view: &View, told: &[&CheckRow], shown: &[&CheckRow], columns: usize) -> Vec<String> {
    let hidden = |keep: fn(Status) -> bool| {
        let count = |rows: &[&CheckRow]| rows.iter().filter(|row| keep(row.status)).count();
        (count(told) - count(shown)) as u64
    };
    let reported = view
        .rows()
        .iter()
        .filter(|row| row.status == Status::Reported);
    let reported = if told.is_empty() {
        0
    } else {
        reported.count() as u64
    };
    let (checks, not_gated) = if view.is_comparison() {
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
        (reported, not_gated, "summary.md"),
    ];
    let counts: Vec<_> = counts.iter().filter(|(count, ..)| *count > 0).collect();
    // A file is named once for all that is read there.
    let told: Vec<String> = counts
        .chunk_by(|a, b| a.2 == b.2)
        .map(|own| {
            let each = own.iter();
            let each = each.map(|(count, what, _)| format!("{} {what}", numbers::count(*count)));
            let each: Vec<String> = each.collect();
            each.join(", ") + listed_in(view, own[0].2)
        })
        .collect();
    if told.is_empty() {
        return Vec::new();
    }
    hanging(
        "·",
        2,
        &format!("more {checks}: {}", told.join(", ")),
        columns,
    )
}

/// Where checks can be read that are not told here, if they can.
fn listed_in(view: &View, file: &str) -> &'static str {
    match file {
        "junit.xml" if view.has_file(file) => " (junit.xml)",
        "summary.md" if view.has_file(file) && view.is_short() => " (summary.md)",
        _ => "",
    }
}
