//! Results that differ in one label, beside each other on a terminal.

use crate::report::input::SideBySide;
use crate::report::tables::{FIGURES, FigureColumn};
use crate::report::text::layout::{Row, hanging, table, wrap};
use crate::report::text::{count, numbers, untrusted};
use crate::report::wording::{MARK, MARK_MEANS, steps, variant_notes};
use crate::verdict::Variant;

/// No terminal's: no column is left out.
const COLUMNS: usize = 10_000;

impl FigureColumn {
    /// Its head where numbers stand without their unit.
    fn head(&self) -> String {
        if numbers::is_latency(self.measure) {
            return format!("{} ms", self.name);
        }
        "$/million".to_owned()
    }

    /// A number without its unit.
    fn bare(&self, value: f64) -> String {
        let is_latency = numbers::is_latency(self.measure);
        numbers::number(Some(if is_latency { value * 1e3 } else { value }))
    }
}

/// The results beside each other, for a terminal of so many columns.
pub fn side_by_side(view: &SideBySide, columns: usize) -> String {
    let heads = FIGURES.iter().map(FigureColumn::head);
    let heads = heads.chain(["used MB".to_owned()]).collect();
    let label = format!("  {}", untrusted(view.label));
    let rows = view.variants.iter().flat_map(rows);
    let rows: Vec<Row> = std::iter::once((label, heads)).chain(rows).collect();
    let count_of = count(view.variants.len() as u64);
    let title = format!(
        "{}: {count_of} results by {}",
        untrusted(view.gate),
        untrusted(view.label)
    );
    let mut lines = wrap(&title, columns);
    lines.push(String::new());
    lines.extend(table(&rows, COLUMNS));
    if view.variants.iter().any(|it| it.is_beaten == Some(false)) {
        lines.extend(hanging(MARK, 2, MARK_MEANS, columns));
    }
    for (label, sentences) in [("·", steps(view)), ("note:", variant_notes(view))] {
        lines.push(String::new());
        let width = label.chars().count() + 1;
        lines.extend(
            sentences
                .iter()
                .flat_map(|it| hanging(label, width, &it.to_string(), columns)),
        );
    }
    lines.dedup_by(|next, last| next.is_empty() && last.is_empty());
    lines.join("\n")
}

/// The figures of one result, and below them their intervals.
fn rows(variant: &Variant) -> [Row; 2] {
    let mark = if variant.is_beaten == Some(false) {
        MARK
    } else {
        " "
    };
    let values = FIGURES.iter().map(|column| {
        let figure = (column.figure)(variant);
        numbers::or_none(figure.map(|figure| column.bare(figure.value)))
    });
    let memory = variant
        .memory
        .map(|(used, of)| format!("{}/{}", count(used), count(of)));
    let intervals = FIGURES.iter().map(|column| {
        let interval = (column.figure)(variant).and_then(|figure| figure.interval());
        let interval =
            interval.map(|(lower, upper)| format!("{}–{}", column.bare(lower), column.bare(upper)));
        interval.unwrap_or_default()
    });
    [
        (
            format!("{mark} {}", untrusted(&variant.label)),
            values.chain([numbers::or_none(memory)]).collect(),
        ),
        ("    95 %".to_owned(), intervals.collect()),
    ]
}
