//! The tables of what was measured, by name and phase, with what it was before right below: on 80 columns every figure has
//! its place, so the units stand in the heads and a long name on a line of its own.

use super::detail::{ALL, DetailLevel};
use super::{Style, left_out, paint};
use crate::measurement::Arm;
use crate::report::terminal::Colour;
use crate::report::text::layout::{Row, hanging, natural_width, ragged};
use crate::report::text::numbers::{self, count};
use crate::report::text::{columns_of, untrusted, untrusted_load};
use crate::report::view::{Figures, LatencyRow, PhaseFigures, PreviousFigures, View};
use crate::report::wording::figures_name;

/// From so many columns on there is room for every figure; on fewer, figures give way to names.
const STANDARD: usize = 80;

/// Figures that give way on a narrow terminal, the first first. Other reports have them all.
const GIVE_WAY: [&str; 4] = ["P90", "P99.9", "avg", "max"];

/// The figures of each name and phase, in their order.
const FIGURES: [&str; 9] = [
    "req/s", "err %", "avg", "P50", "P90", "P95", "P99", "P99.9", "max",
];

/// The head of what other reports have as well, and which makes room first.
const REQUESTS: &str = "requests";

/// Columns between two numbers, and where there is little room.
const WIDE: usize = 2;
const NARROW: usize = 1;

/// How a row is shown.
#[derive(Clone, Copy, PartialEq)]
enum Tone {
    /// It is what was measured.
    Plain,
    /// It is what was before.
    Dim,
}

/// A row of a table, toned.
type Toned = (Row, Tone);

/// All together and each name over the measured phases.
pub(super) fn by_name(
    view: &View,
    columns: usize,
    colour: Colour,
    room: &DetailLevel,
) -> Vec<String> {
    let figures = view.figures();
    if figures.iter().all(|figures| figures.requests == 0) {
        return Vec::new();
    }
    // A name that alone would be left out takes no more lines than to say so.
    let shown = match room.names.saturating_add(1) {
        most if figures.len() <= most.saturating_add(1) => figures.len(),
        most => most,
    };
    let mut rows = vec![heads("latency in ms", &[REQUESTS], &[])];
    let past = &view.previous();
    rows.extend(named(past, &figures[..shown], room, |request| {
        past.measured(request)
    }));
    let mut lines = drawn(rows, columns, colour);
    if let more @ 1.. = figures.len() - shown {
        lines.push(left_out(view, more, "name"));
    }
    if room.before == ALL {
        let gap = past.gap();
        lines.extend(gap.iter().flat_map(|gap| hanging("·", 2, gap, columns)));
    }
    lines
}

/// The phases side by side, where there are several.
pub(super) fn by_phase(
    view: &View,
    columns: usize,
    colour: Colour,
    room: &DetailLevel,
) -> Vec<String> {
    let phases = view.phases();
    // One phase in two arms is what the checks compare.
    if phases.iter().all(|of| of.name == phases[0].name) {
        return Vec::new();
    }
    let mut rows = vec![heads("phase", &[], &["in flight"])];
    let shown = phases.len().min(room.phases);
    let is_beside = room.before == ALL;
    for of in &phases[..shown] {
        let mut cells = figures_of(&LatencyRow::from(&of.figures));
        cells.push(numbers::number(of.in_flight()));
        rows.push(match of.arm {
            Arm::Target => ((phase_title(of), cells), Tone::Plain),
            Arm::Base => (("  base".to_owned(), cells), Tone::Dim),
        });
        let past = &view.previous();
        let before = past.in_phase(None, &of.name);
        if let (PreviousFigures::Job { .. }, Some(known)) = (past, before.filter(|_| is_beside)) {
            let mut cells = figures_of(&known);
            cells.push(numbers::number(known.in_flight));
            rows.push((("  before".to_owned(), cells), Tone::Dim));
        }
    }
    let mut lines = drawn(rows, columns, colour);
    if let more @ 1.. = phases.len() - shown {
        lines.push(left_out(view, more, "phase"));
    }
    lines
}

/// Each name in each phase, where there are several of both: a paragraph for each phase.
pub(super) fn by_name_and_phase(
    view: &View,
    columns: usize,
    colour: Colour,
    room: &DetailLevel,
) -> Vec<Vec<String>> {
    let own = view.phases().iter().filter(|of| of.arm == Arm::Target);
    let phases: Vec<&PhaseFigures> = own.collect();
    if phases.len() < 2 || view.figures().len() < 3 {
        return Vec::new();
    }
    let past = &view.previous();
    let of_phase = |of: &&PhaseFigures| {
        let mut rows = vec![heads(&format!("in {}", phase_title(of)), &[REQUESTS], &[])];
        let figures = of.names(view);
        rows.extend(named(past, &figures, room, |request| {
            past.in_phase(request, &of.name)
        }));
        drawn(rows, columns, colour)
    };
    phases.iter().map(of_phase).collect()
}

fn phase_title(of: &PhaseFigures) -> String {
    format!("{} ({})", untrusted(&of.name), untrusted_load(&of.load))
}

/// The run in stretches of its phases, where there are several.
pub(super) fn over_time(view: &View, columns: usize, colour: Colour) -> Vec<String> {
    let (stretches, more) = view.time_buckets();
    if stretches.len() < 2 {
        return Vec::new();
    }
    let heads = ["from s", "users", "req/s", "errors/s", "P50", "P95", "P99"].map(str::to_owned);
    let mut rows = vec![(("over time".to_owned(), heads.to_vec()), Tone::Plain)];
    let mut phase = None;
    for stretch in stretches {
        // A phase is marked where it begins.
        let begins = phase.replace(&stretch.phase) != Some(&stretch.phase);
        let name = if begins {
            untrusted(&stretch.phase).to_string()
        } else {
            String::new()
        };
        let figures = &stretch.figures;
        let mut cells = vec![
            numbers::start(stretch.start_s),
            count(u64::from(stretch.users)),
            numbers::number(figures.per_second()),
            numbers::number(figures.failures_per_second()),
        ];
        cells.extend([0.5, 0.95, 0.99].map(|q| millis(figures.latencies.quantile(q))));
        rows.push(((name, cells), Tone::Plain));
    }
    let mut lines = drawn(rows, columns, colour);
    if *more > 0 {
        lines.push(left_out(view, *more, "row"));
    }
    lines
}

/// A row for each name, and right below it what it was before, where that is known and there is room.
fn named(
    past: &PreviousFigures,
    figures: &[Figures],
    room: &DetailLevel,
    before: impl Fn(Option<&str>) -> Option<LatencyRow>,
) -> Vec<Toned> {
    let row = |name: String, known: &LatencyRow| {
        let mut cells = vec![count(known.requests)];
        cells.extend(figures_of(known));
        (name, cells)
    };
    let rows = figures.iter().enumerate().flat_map(|(place, figures)| {
        let now = row(
            figures_name(figures).to_string(),
            &LatencyRow::from(figures),
        );
        let before = before(figures.request.as_deref()).filter(|_| place < room.before);
        let before = before.map(|known| (row(format!("  {}", past.name()), &known), Tone::Dim));
        [Some((now, Tone::Plain)), before]
    });
    rows.flatten().collect()
}

/// The heads of a table of figures, between columns of its own.
fn heads(name: &str, before: &[&str], after: &[&str]) -> Toned {
    let heads = [before, FIGURES.as_slice(), after].concat();
    let heads = heads.iter().map(|head| (*head).to_owned());
    ((name.to_owned(), heads.collect()), Tone::Plain)
}

/// The cells below [`FIGURES`]: latencies in milliseconds, shares in percent.
fn figures_of(known: &LatencyRow) -> Vec<String> {
    let ratio = known.error_ratio().map(numbers::share);
    let ratio = ratio.map_or_else(
        || numbers::NONE.to_owned(),
        |share| share.trim_end_matches(" %").to_owned(),
    );
    let mut cells = vec![numbers::number(known.per_second), ratio];
    cells.extend(known.latencies().map(millis));
    cells
}

fn millis(seconds: Option<f64>) -> String {
    numbers::number(seconds.map(|seconds| seconds * 1e3))
}

/// The table in lines, with as much as there is room for.
fn drawn(rows: Vec<Toned>, columns: usize, colour: Colour) -> Vec<String> {
    let (mut rows, tones): (Vec<Row>, Vec<Tone>) = rows.into_iter().unzip();
    let gap = fitted(&mut rows, columns);
    ragged(&rows, columns, gap)
        .into_iter()
        .zip(tones)
        .flat_map(|(lines, tone)| {
            lines.into_iter().map(move |line| match tone {
                Tone::Plain => line,
                Tone::Dim => dimmed(&line, colour),
            })
        })
        .collect()
}

/// A line set back, but for the blanks that it begins with.
fn dimmed(line: &str, colour: Colour) -> String {
    let text = line.trim_start();
    let indent = columns_of(line) - columns_of(text);
    " ".repeat(indent) + &paint(text, Style::Dim, colour)
}

/// Makes room for the names, as far as it goes; the columns that part two numbers.
fn fitted(rows: &mut [Row], columns: usize) -> usize {
    // A longer name stands on a line of its own before figures give way to it.
    let longest = columns * 2 / 5;
    let fits = |rows: &[Row], gap| natural_width(rows, gap, longest) <= columns;
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
fn without(rows: &mut [Row], head: &str) {
    let heads = rows.first().map_or(&[][..], |(_, heads)| heads);
    if let Some(place) = heads.iter().position(|own| own == head) {
        for (_, cells) in rows {
            cells.remove(place);
        }
    }
}
