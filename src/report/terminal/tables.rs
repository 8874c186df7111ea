//! The tables of what was measured, by name and phase, with what it was before right below: on 80 columns every figure has
//! its place, so the units stand in the heads and a long name on a line of its own.

use super::detail::ALL;
use super::{DIM, Screen, left_out};
use crate::report::tables::{self, Cell, Column, Detail, Row, Table};
use crate::report::text::layout::{self, natural_width, ragged};
use crate::report::text::{columns_of, numbers, untrusted, untrusted_load};

/// From so many columns on there is room for every figure; on fewer, figures give way to names.
const STANDARD: usize = 80;

/// Figures that give way on a narrow terminal, the first first. Other reports have them all.
const GIVE_WAY: [&str; 4] = ["P90", "P99.9", "avg", "max"];

/// The head of what other reports have as well, and which makes room first.
const REQUESTS: &str = "requests";

/// Columns between two numbers, and where there is little room.
const WIDE: usize = 2;
const NARROW: usize = 1;

impl Screen<'_, '_> {
    /// All together and each name over the measured phases.
    pub(super) fn by_request(&self) -> Vec<String> {
        let Some(mut table) = tables::by_request(self.view, Detail::Brief) else {
            return Vec::new();
        };
        let names = self.view.figures().len();
        // A name that alone would be left out takes no more lines than to say so.
        let shown = match self.level.names.saturating_add(1) {
            most if names <= most.saturating_add(1) => names,
            most => most,
        };
        keep_before(&mut table, self.level.before);
        let rows = in_groups(&table).take(shown).flatten();
        let mut lines = self.draw("latency in ms", &table, rows);
        if let more @ 1.. = names - shown {
            lines.push(left_out(self.view, more, "name"));
        }
        if let Some(note) = table.note.filter(|_| self.level.before == ALL) {
            lines.extend(self.hang("·", &note.to_string()));
        }
        lines
    }

    /// The phases side by side, if there are several.
    pub(super) fn by_phase(&self) -> Vec<String> {
        let phases = self.view.phases();
        // One phase in two arms is what the checks compare.
        if phases.iter().all(|phase| phase.name == phases[0].name) {
            return Vec::new();
        }
        let Some(mut table) = tables::by_phase(self.view, Detail::Brief) else {
            return Vec::new();
        };
        let is_phase = |row: &Row| row.before != Some("before");
        table
            .rows
            .retain(|row| is_phase(row) || self.level.before == ALL);
        let mut left = self.level.phases;
        let rows = table.rows.iter().take_while(|row| {
            let is_shown = left > 0 || !is_phase(row);
            left -= usize::from(is_shown && is_phase(row));
            is_shown
        });
        let mut lines = self.draw("phase", &table, rows);
        if let more @ 1.. = phases.len().saturating_sub(self.level.phases) {
            lines.push(left_out(self.view, more, "phase"));
        }
        lines
    }

    /// Each name in each phase, if there are several of both: a paragraph for each phase.
    pub(super) fn by_request_in_phases(&self) -> Vec<Vec<String>> {
        if self.view.figures().len() < 3 {
            return Vec::new();
        }
        let tables = tables::by_request_in_phases(self.view, Detail::Brief);
        let paragraphs = tables.map(|(phase, table)| {
            let (name, load) = (untrusted(&phase.name), untrusted_load(&phase.load));
            let title = format!("in {name} ({load})");
            // All names together stand beside the other phases.
            let names = in_groups(&table).count();
            let names = in_groups(&table).skip(usize::from(names > 1));
            self.draw(&title, &table, names.flatten())
        });
        paragraphs.collect()
    }

    /// The run in stretches of its phases, if there are several.
    pub(super) fn over_time(&self) -> Vec<String> {
        let Some(table) = tables::over_time(self.view) else {
            return Vec::new();
        };
        let mut lines = self.draw("over time", &table, &table.rows);
        if table.more_rows > 0 {
            lines.push(left_out(self.view, table.more_rows, "row"));
        }
        lines
    }

    /// The table in lines, with as much as there is room for.
    fn draw<'t>(
        &self,
        name: &str,
        table: &Table,
        rows: impl IntoIterator<Item = &'t Row>,
    ) -> Vec<String> {
        let heads = table.columns.iter().filter_map(|column| match column {
            Column::Words(_) | Column::Change(_) => None,
            Column::Numbers(head) => Some(short(&head.to_string())),
        });
        let rows: Vec<&Row> = rows.into_iter().collect();
        let mut cells: Vec<layout::Row> = vec![(name.to_owned(), heads.collect())];
        cells.extend(rows.iter().map(|row| cells_of(row)));
        let gap = fitted(&mut cells, self.columns);
        let is_before = rows.iter().map(|row| row.before.is_some());
        let is_before = std::iter::once(false).chain(is_before);
        let mut lines = Vec::new();
        for (row, is_before) in ragged(&cells, self.columns, gap).into_iter().zip(is_before) {
            let dim = |line: String| if is_before { self.dimmed(&line) } else { line };
            lines.extend(row.into_iter().map(dim));
        }
        lines
    }

    /// A line set back, but for the blanks that it begins with.
    fn dimmed(&self, line: &str) -> String {
        let text = line.trim_start();
        let indent = columns_of(line) - columns_of(text);
        " ".repeat(indent) + &self.paint(text, DIM)
    }
}

/// The rows of a table, each with what it was before.
fn in_groups(table: &Table) -> impl Iterator<Item = &[Row]> {
    table.rows.chunk_by(|_, next| next.before.is_some())
}

/// Leaves what was before to the first so many names.
fn keep_before(table: &mut Table, most: usize) {
    let mut names = 0_usize;
    table.rows.retain(|row| {
        names += usize::from(row.before.is_none());
        row.before.is_none() || names <= most
    });
}

/// A head as there is room for it, with the unit of the column.
fn short(head: &str) -> String {
    match head {
        "requests/s" => "req/s",
        "error rate" => "err %",
        "average" => "avg",
        "from" => "from s",
        head => head,
    }
    .to_owned()
}

/// A row's name and its numbers: what was before stands below what is now.
fn cells_of(row: &Row) -> layout::Row {
    let mut name = match row.before {
        Some(before) => format!("  {before}"),
        None => row.name.to_string(),
    };
    let mut numbers = Vec::new();
    for cell in &row.cells {
        match cell {
            Cell::Words(words) if row.before.is_none() => name += &format!(" ({words})"),
            Cell::Words(_) | Cell::Change(_) | Cell::Figure(..) => {}
            Cell::Share(share) => {
                let text = numbers::or_none(share.map(numbers::share));
                numbers.push(text.trim_end_matches(" %").to_owned());
            }
            Cell::Latency(seconds) => {
                numbers.push(numbers::number(seconds.map(|seconds| seconds * 1e3)));
            }
            Cell::Start(seconds) => numbers.push(numbers::start(*seconds)),
            Cell::Count(_) | Cell::Number(_) => numbers.push(cell.text().to_string()),
        }
    }
    (name, numbers)
}

/// Makes room for the names, as far as it goes; the columns that part two numbers.
fn fitted(rows: &mut [layout::Row], columns: usize) -> usize {
    // A longer name stands on a line of its own before figures give way to it.
    let longest = columns * 2 / 5;
    let fits = |rows: &[layout::Row], gap| natural_width(rows, gap, longest) <= columns;
    if fits(rows, WIDE) {
        return WIDE;
    }
    without(rows, REQUESTS);
    if fits(rows, WIDE) {
        return WIDE;
    }
    for head in GIVE_WAY.iter().filter(|_| columns < STANDARD) {
        if fits(rows, NARROW) {
            break;
        }
        without(rows, head);
    }
    NARROW
}

/// Takes out the column of this head.
fn without(rows: &mut [layout::Row], head: &str) {
    let heads = rows.first().map_or(&[][..], |(_, heads)| heads);
    if let Some(place) = heads.iter().position(|other| other == head) {
        for (_, cells) in rows {
            cells.remove(place);
        }
    }
}
