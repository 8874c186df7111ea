//! Lines that fit a terminal: wrapped sentences and aligned columns, measured in columns and not in bytes.

use super::numbers::{PUNCTUATION, UNITS};
use super::{columns_of, prefix, shorten};

/// Columns between two numbers.
const GAP: usize = 2;

/// What belongs to the word before it like a unit, so that no line begins with it.
const BELONGS: [&str; 3] = ["×", "→", "more"];

/// Bytes up to which words are kept together; a line must be able to hold them.
const TOGETHER: usize = 24;

/// Breaks text into lines of at most so many columns, between words where it can.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in words(text) {
        let gap = usize::from(!line.is_empty());
        if columns_of(&line) + gap + columns_of(&word) <= columns {
            if gap == 1 {
                line.push(' ');
            }
            line.push_str(&word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        let mut rest = word.as_str();
        while columns_of(rest) > columns {
            let piece = prefix(rest, columns);
            // A character wider than the line still has to go somewhere.
            let piece = if piece.is_empty() { rest } else { piece };
            lines.push(piece.to_owned());
            rest = &rest[piece.len()..];
        }
        rest.clone_into(&mut line);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The words of a text, each number with its unit or what it counts.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let bare = word.trim_end_matches(PUNCTUATION);
        let belongs = UNITS.contains(&bare) || BELONGS.contains(&bare);
        let last = words.last_mut();
        let last = last.filter(|last| last.len() + word.len() < TOGETHER);
        match last.filter(|last| belongs || is_unfinished(last, word)) {
            Some(last) => *last += &format!(" {word}"),
            None => words.push(word.to_owned()),
        }
    }
    words
}

/// Whether a line should not end here: with an arrow, or with a number whose noun is yet to come.
fn is_unfinished(last: &str, word: &str) -> bool {
    let last = last.rsplit(' ').next().unwrap_or(last);
    let last = last.trim_start_matches(['(', '[', '+', '-']);
    let is_number = last.starts_with(|c: char| c.is_ascii_digit())
        && last.ends_with(|c: char| c.is_ascii_digit());
    let is_noun = word.starts_with(|c: char| c.is_ascii_lowercase());
    last == "→" || last == "exit" || (is_number && is_noun)
}

/// A cell of so many columns, its text at its start.
pub(crate) fn left(text: &str, columns: usize) -> String {
    format!("{text}{}", gap_beside(text, columns))
}

/// A cell of so many columns, its text at its end.
pub(crate) fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", gap_beside(text, columns))
}

fn gap_beside(text: &str, columns: usize) -> String {
    " ".repeat(columns.saturating_sub(columns_of(text)))
}

/// A sentence behind a label, its further lines set under its first word.
pub(crate) fn hanging(
    label: &str,
    label_columns: usize,
    text: &str,
    columns: usize,
) -> Vec<String> {
    let lines = wrap(text, columns.saturating_sub(label_columns).max(1));
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    labels
        .zip(&lines)
        .map(|(label, line)| left(label, label_columns) + line)
        .collect()
}

/// A name and its numbers.
pub(crate) type Row = (String, Vec<String>);

/// The columns that a table of names and numbers takes where `gap` columns part two numbers, and names of more than `longest`
/// columns stand on lines of their own.
pub(crate) fn natural_width(rows: &[Row], gap: usize, longest: usize) -> usize {
    let names = rows.iter().map(|(name, _)| columns_of(name));
    let names = names.filter(|width| *width <= longest).max();
    let numbers: usize = widths(rows).iter().map(|width| width + gap).sum();
    names.unwrap_or(0) + numbers
}

/// A table of names and numbers, each row in its lines: a name that is too long for its column stands on a line above its
/// numbers, and where even these get too little room, the last columns are left out.
pub(crate) fn ragged(rows: &[Row], columns: usize, gap: usize) -> Vec<Vec<String>> {
    let mut widths = widths(rows);
    while widths.iter().map(|width| width + gap).sum::<usize>() > columns {
        widths.pop();
    }
    let numbers: usize = widths.iter().map(|width| width + gap).sum();
    let room = columns.saturating_sub(numbers);
    let names = rows.iter().map(|(name, _)| columns_of(name));
    let width = names.filter(|width| *width <= room).max().unwrap_or(0);
    rows.iter()
        .map(|(name, cells)| {
            let cells = aligned(cells, &widths, gap);
            let lines = if columns_of(name) <= width {
                vec![left(name, width) + &cells]
            } else if cells.is_empty() {
                vec![shorten(name, columns)]
            } else {
                vec![shorten(name, columns), " ".repeat(width) + &cells]
            };
            let lines = lines.iter().map(|line| line.trim_end().to_owned());
            lines.collect()
        })
        .collect()
}

fn widths(rows: &[Row]) -> Vec<usize> {
    let count = rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
    (0..count)
        .map(|index| {
            let cells = rows.iter().filter_map(|(_, cells)| cells.get(index));
            cells.map(|cell| columns_of(cell)).max().unwrap_or(0)
        })
        .collect()
}

/// The same in lines, with the usual gap.
pub(crate) fn table(rows: &[Row], columns: usize) -> Vec<String> {
    ragged(rows, columns, GAP).concat()
}

fn aligned(cells: &[String], widths: &[usize], gap: usize) -> String {
    let cells = cells.iter().zip(widths);
    cells
        .map(|(cell, width)| right(cell, gap + width))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::text::one_line;

    #[test]
    fn lines_break_between_words_and_never_before_a_unit() {
        assert_eq!(
            wrap("limit 800 ms: it holds", 9),
            ["limit", "800 ms:", "it holds"]
        );
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("目录目录", 5), ["目录", "目录"]);
    }

    #[test]
    fn numbers_stand_under_each_other() {
        let row =
            |name: &str, cells: [&str; 2]| (name.to_owned(), cells.map(str::to_owned).to_vec());
        let rows = [row("name", ["n", "P95"]), row("GET /a", ["1,200", "9 ms"])];
        assert_eq!(
            table(&rows, 40),
            ["name        n   P95", "GET /a  1,200  9 ms"]
        );
        assert_eq!(
            table(&rows, 13),
            ["name", "      n   P95", "GET /a", "  1,200  9 ms"]
        );
        assert_eq!(table(&rows, 8), ["name", "      n", "GET /a", "  1,200"]);
    }

    #[test]
    fn a_name_too_long_for_its_column_is_above_its_numbers() {
        let row = |name: &str, cells: &[&str]| {
            (
                name.to_owned(),
                cells.iter().map(|c| (*c).to_owned()).collect(),
            )
        };
        let rows = [
            row("ms", &["P50", "max"]),
            row("overall", &["1.5", "12"]),
            row("GET /catalog/items", &["2", "345"]),
        ];
        let written = |columns| ragged(&rows, columns, 1).concat();
        assert_eq!(
            written(26),
            [
                "ms                 P50 max",
                "overall            1.5  12",
                "GET /catalog/items   2 345"
            ]
        );
        assert_eq!(
            written(16),
            [
                "ms      P50 max",
                "overall 1.5  12",
                "GET /cat…g/items",
                "          2 345"
            ]
        );
        assert_eq!(written(6)[0], "ms P50", "the last column is left out");
    }

    #[test]
    fn a_line_ends_with_no_arrow_and_no_number_whose_noun_follows() {
        for (text, lines) in [
            (
                "from 29.0 → 4.34 ms now",
                vec!["from", "29.0 → 4.34 ms", "now"],
            ),
            (
                "of them 12 requests, 52 needed",
                vec!["of them", "12 requests,", "52 needed"],
            ),
            ("it has passed (exit 0)", vec!["it has passed", "(exit 0)"]),
        ] {
            assert_eq!(wrap(text, 15), lines);
        }
    }

    proptest! {
        #[test]
        fn wrapped_lines_fit(text in any::<String>(), columns in 4_usize..100) {
            for line in wrap(&one_line(&text), columns) {
                prop_assert!(columns_of(&line) <= columns, "{line:?}");
            }
        }
    }
}
