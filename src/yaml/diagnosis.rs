//! Explains syntax errors of YAML. The parser says where it stopped, in its own terms; people need to know what to fix.

use super::brackets::unclosed;

/// Part of the parser's message about a bracket that is closed by one of another kind.
const MISMATCHED: &str = "mismatched bracket";

/// A better position and message for an error of the parser; none if its own message is good enough.
pub(super) fn diagnosis(
    text: &str,
    (line, column): (u32, u32),
    original: &str,
) -> Option<(u32, u32, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let at = usize::try_from(line).ok()?.saturating_sub(1);
    // The parser may stop on the next line, or on an earlier one if a text may span several lines.
    let near = |reach: usize| at.saturating_sub(reach)..lines.len().min(at + reach + 1);
    let place = |index: usize, column: usize| {
        let number = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
        (number(index), number(column))
    };
    if let Some(index) = near(1).find(|index| indentation(lines[*index]).contains('\t')) {
        let (line, column) = place(index, lines[index].find('\t').unwrap_or(0));
        let message = "the line is indented with a tab; indent it with spaces".to_owned();
        return Some((line, column, message));
    }
    if original.contains("unclosed quote") {
        let message = "the quote that begins here is never closed; close it on its line".to_owned();
        return Some((line, column, message));
    }
    let is_confused = [
        "mapping values",
        "simple key",
        "':' indicator",
        "expected ','",
        MISMATCHED,
    ];
    if is_confused.iter().any(|part| original.contains(part)) {
        let missing = near(1).find_map(|index| Some((index, missing_space(lines[index])?)));
        if let Some((index, (column, found, meant))) = missing {
            let (line, column) = place(index, column);
            let message = format!("'{found}' lacks a space; write '{meant}'");
            return Some((line, column, message));
        }
        // If brackets do not match, the parser stops at the open one, and otherwise after it. The innermost open bracket
        // is the one that was forgotten.
        let reach = at.saturating_sub(usize::from(!original.contains(MISMATCHED)));
        let mut open = unclosed(&lines).into_iter();
        if let Some(bracket) = open.rfind(|bracket| at > 0 && bracket.line <= reach) {
            let (line, column) = place(bracket.line, bracket.column);
            let (open, close) = (bracket.open, bracket.close());
            let message =
                format!("the '{open}' that begins here is never closed; close it with '{close}'");
            return Some((line, column, message));
        }
    }
    let is_template = lines.get(at).is_some_and(|line| line.contains("{{"));
    if original.contains("key that is text") && is_template {
        let message = "a value that begins with '{{' must be quoted; write \"{{ … }}\"";
        return Some((line, column, message.to_owned()));
    }
    let (_, message) = MESSAGES.iter().find(|(part, _)| original.contains(part))?;
    Some((line, column, (*message).to_owned()))
}

/// Messages of the parser and what to say instead.
const MESSAGES: [(&str, &str); 5] = [
    (
        "expected ','",
        "expected ',' or the closing bracket; separate items within brackets by commas, and quote a text that contains ': ' or braces",
    ),
    (
        "mapping values",
        "a key is not allowed here; quote the value if it contains ': ', or indent the line like its neighbours",
    ),
    (
        "simple key",
        "expected a key followed by ': '; write 'key: value', and quote a text of several lines",
    ),
    (
        "unknown value",
        "no anchor has the name after '*'; quote the text if it is not an alias",
    ),
    (
        "unexpected character",
        "a text cannot begin with this character; quote it",
    ),
];

fn indentation(line: &str) -> &str {
    let rest = line.trim_start_matches([' ', '\t']);
    // A blank line has no indentation.
    if rest.is_empty() {
        return "";
    }
    &line[..line.len() - rest.len()]
}

/// The first word that reads as `key:value` or `-item`, its column in bytes, and what was meant.
fn missing_space(line: &str) -> Option<(usize, String, String)> {
    let start = indentation(line).len();
    let rest = &line[start..];
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if let Some(item) = rest.strip_prefix('-')
        && item.starts_with(|c: char| c.is_ascii_alphabetic())
    {
        let word: String = item.chars().take_while(|c| !c.is_whitespace()).collect();
        return Some((start, format!("-{word}"), format!("- {word}")));
    }
    let entry = rest.strip_prefix("- ").unwrap_or(rest);
    let start = line.len() - entry.len();
    let key: String = entry.chars().take_while(|c| is_name(*c)).collect();
    let value = entry[key.len()..].strip_prefix(':')?;
    let value: String = value.chars().take_while(|c| !c.is_whitespace()).collect();
    // An address has no space behind its scheme.
    if key.is_empty() || value.is_empty() || value.starts_with("//") {
        return None;
    }
    Some((start, format!("{key}:{value}"), format!("{key}: {value}")))
}
