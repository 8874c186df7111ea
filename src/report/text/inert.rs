//! Text of unknown origin made harmless, and made to fit.
//!
//! Request names, error messages and labels may hold anything: escape sequences that repaint a terminal, line breaks that
//! forge a line of the log, marks that reverse the reading direction. Every format takes such text through [`one_line`].

use std::collections::HashSet;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Stands for a character that nobody could see or that would act on its surroundings.
const REPLACEMENT: char = '\u{fffd}';

/// Text on one line, without escape sequences, control characters and invisible marks. Line breaks and the like stay
/// visible as pictures (`␊`), so that two names do not silently become one.
pub(crate) fn one_line(text: &str) -> String {
    cleaned(text, |_| false)
}

/// The character itself, or what stands for it.
fn visible(c: char) -> char {
    match c {
        // The block "Control Pictures" mirrors the control characters in their order.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(REPLACEMENT),
        '\u{7f}' => '\u{2421}',
        '\u{85}' | '\u{2028}' | '\u{2029}' => '\u{240a}',
        '\u{80}'..='\u{9f}'
        // Zero width and direction marks.
        | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        // Tags, and what XML 1.0 does not allow.
        | '\u{e0000}'..='\u{e007f}' | '\u{fffe}' | '\u{ffff}' => REPLACEMENT,
        _ => c,
    }
}

/// Bytes of the terminal escape sequence that the text begins with, if it does and the sequence is complete.
fn escape_sequence(text: &str) -> Option<usize> {
    let after = text
        .strip_prefix('\u{9b}')
        .or_else(|| text.strip_prefix("\u{1b}["));
    if let Some(after) = after {
        let end = after.find(|c: char| !matches!(c, '\u{20}'..='\u{3f}'))?;
        let last = after[end..].chars().next()?;
        return matches!(last, '\u{40}'..='\u{7e}').then(|| text.len() - after.len() + end + 1);
    }
    let after = text.strip_prefix("\u{1b}]")?;
    let (end, terminator) = [("\u{7}", 1), ("\u{1b}\\", 2)]
        .into_iter()
        .filter_map(|(terminator, length)| Some((after.find(terminator)?, length)))
        .min()?;
    Some(text.len() - after.len() + end + terminator)
}

/// A word as a POSIX shell takes it whole.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A line of a log that acts on nothing: neither on the terminal nor on the CI system that shows it.
///
/// Control characters become visible, escape sequences are removed. GitHub ends a line at a lone carriage return as well,
/// reads `::error::` at a line's beginning and `##[error]` anywhere, Azure `##vso[…]`. What stands instead is no wider.
pub fn inert(line: &str) -> String {
    without_commands(&cleaned(line, |piece| piece == "\t"))
}

/// The same for a line whose colours are our own: colours stay.
pub fn inert_coloured(line: &str) -> String {
    without_commands(&cleaned(line, |piece| piece == "\t" || is_colour(piece)))
}

/// A text of visible characters, and of those tabs and escape sequences that are kept.
fn cleaned(text: &str, is_kept: impl Fn(&str) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let sequence = escape_sequence(rest);
        let (piece, after) = rest.split_at(sequence.unwrap_or(c.len_utf8()));
        if is_kept(piece) {
            safe.push_str(piece);
        } else if sequence.is_none() {
            safe.push(visible(c));
        }
        rest = after;
    }
    safe
}

/// Whether an escape sequence sets colours and nothing else.
fn is_colour(sequence: &str) -> bool {
    let codes = sequence.strip_prefix("\u{1b}[");
    codes
        .and_then(|codes| codes.strip_suffix('m'))
        .is_some_and(|codes| codes.chars().all(|c| c.is_ascii_digit() || c == ';'))
}

fn without_commands(line: &str) -> String {
    let mut start = 0;
    loop {
        let rest = line[start..].trim_start();
        start = line.len() - rest.len();
        match escape_sequence(rest) {
            Some(length) => start += length,
            None => break,
        }
    }
    let mut safe = match line[start..].strip_prefix("::") {
        Some(rest) => format!("{}\u{2237}{rest}", &line[..start]),
        None => line.to_owned(),
    };
    let mut from = 0;
    while let Some(found) = safe[from..].find("##") {
        from += found + 1;
        let word = safe[from + 1..].trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        if word.starts_with('[') {
            let bracket = safe.len() - word.len();
            safe.replace_range(bracket..=bracket, "(");
        }
    }
    safe
}

/// Columns of a text. Terminals differ in whether they draw several characters as one; it takes the larger count, so that
/// no line breaks on any of them.
pub(crate) fn columns_of(text: &str) -> usize {
    let each = text.chars().filter_map(UnicodeWidthChar::width).sum();
    text.width().max(each)
}

/// Text of at most so many columns; what is too long loses its middle, since both ends tell names apart.
pub(crate) fn shorten(text: &str, columns: usize) -> String {
    if columns_of(text) <= columns {
        return text.to_owned();
    }
    let mut room = columns.saturating_sub(1);
    loop {
        let head = prefix(text, room.div_ceil(2));
        let tail = suffix(text, room - room.div_ceil(2));
        let short = format!("{head}…{tail}");
        // Joining may widen a cluster by a column.
        if columns_of(&short) <= columns || room == 0 {
            return short;
        }
        room -= 1;
    }
}

/// Foreign text on one line of at most so many columns.
pub fn fitted(text: &str, columns: usize) -> String {
    shorten(&one_line(text), columns)
}

/// The longest beginning of a text that fits into so many columns.
pub(crate) fn prefix(text: &str, columns: usize) -> &str {
    let fits = text
        .char_indices()
        .map(|(start, c)| start + c.len_utf8())
        .take_while(|end| columns_of(&text[..*end]) <= columns)
        .last();
    &text[..fits.unwrap_or(0)]
}

fn suffix(text: &str, columns: usize) -> &str {
    let fits = text
        .char_indices()
        .rev()
        .map(|(start, _)| start)
        .take_while(|start| columns_of(&text[*start..]) <= columns)
        .last();
    &text[fits.unwrap_or(text.len())..]
}

/// At most so many lines or words, and one for how many more there are.
pub(crate) fn capped<T>(mut all: Vec<T>, most: usize, more: impl FnOnce(usize) -> T) -> Vec<T> {
    let left_out = all.len().saturating_sub(most);
    all.truncate(most);
    all.extend((left_out > 0).then(|| more(left_out)));
    all
}

pub(crate) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// Keeps names apart that have become equal by being made harmless.
#[derive(Default)]
pub(crate) struct Distinct(HashSet<String>);

impl Distinct {
    /// The name, with a number where it was given out before.
    pub(crate) fn name(&mut self, name: String) -> String {
        let numbered = (2_u32..).map(|number| format!("{name} ({number})"));
        let free = std::iter::once(name.clone())
            .chain(numbered)
            .find(|name| self.0.insert(name.clone()));
        free.unwrap_or(name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_taken_out_or_made_visible() {
        for (text, safe) in [
            ("GET /orders", "GET /orders"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{9b}2Jcleared", "cleared"),
            ("\u{1b}]0;title\u{7}after", "after"),
            ("\u{1b}]8;;http://x\u{1b}\\link", "link"),
            ("\u{1b}]never ends", "␛]never ends"),
            ("\u{1b}[12", "␛[12"),
            ("two\r\nlines\tand\0more\u{7f}", "two␍␊lines␉and␀more␡"),
            ("a\u{202e}b\u{200f}c", "a\u{fffd}b\u{fffd}c"),
            ("目录 é 👩‍💻", "目录 é 👩‍💻"),
        ] {
            assert_eq!(one_line(text), safe);
        }
    }

    #[test]
    fn no_line_is_a_command_to_a_ci_system() {
        for (line, safe) in [
            ("GET /a::b", "GET /a::b"),
            ("::error::x", "\u{2237}error::x"),
            ("  ::stop-commands::x", "  \u{2237}stop-commands::x"),
            ("a ##[error]x ##vso[task]y", "a ##(error]x ##vso(task]y"),
            ("###[x] ## [y]", "###(x] ## [y]"),
            ("a\r::error::x", "a␍::error::x"),
            ("\u{1b}[31m::error::x\u{1b}[0m", "\u{2237}error::x"),
            (":\u{1b}[0m:error::x", "\u{2237}error::x"),
            ("\u{1b}]0;t\u{7}a\tb\u{202e}c\u{9b}2Jd", "a\tb\u{fffd}cd"),
            ("#\u{1b}[0m#[error]x", "##(error]x"),
            (
                "\u{1b}[0Ksection_start:1:x\r\u{1b}[0K",
                "section_start:1:x␍",
            ),
            ("\u{85}::error::x\u{2028}y", "␊::error::x␊y"),
        ] {
            assert_eq!(inert(line), safe);
        }
        let coloured = "\u{1b}[1;31mred\u{1b}[0m\u{1b}[2J\r";
        assert_eq!(inert_coloured(coloured), "\u{1b}[1;31mred\u{1b}[0m␍");
        let command = "\u{1b}[31m ::error::x";
        assert_eq!(inert_coloured(command), "\u{1b}[31m \u{2237}error::x");
    }

    #[test]
    fn names_that_became_equal_are_told_apart() {
        let mut distinct = Distinct::default();
        let names = ["a", "a", "b", "a (2)", "a"].map(|name| distinct.name(name.to_owned()));
        assert_eq!(names, ["a", "a (2)", "b", "a (2) (2)", "a (3)"]);
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        assert_eq!(shorten("GET /catalog/items/details", 12), "GET /c…tails");
        assert_eq!(shorten("目录目录目录", 6), "目…录");
    }

    proptest! {
        #[test]
        fn a_shortened_name_fits(text in any::<String>(), columns in 1_usize..40) {
            prop_assert!(columns_of(&shorten(&one_line(&text), columns)) <= columns);
        }

        #[test]
        fn an_inert_line_is_one_line_and_no_command(text in any::<String>()) {
            let line = inert(&text);
            prop_assert!(!line.chars().any(|c| c.is_control() && c != '\t'));
            prop_assert!(!line.trim_start().starts_with("::"));
            prop_assert_eq!(&inert(&line), &line);
        }

        #[test]
        fn nothing_is_left_that_controls(text in any::<String>()) {
            prop_assert!(!one_line(&text).chars().any(char::is_control));
        }
    }
}
