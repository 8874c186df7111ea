//! Plain scalars that parsers of YAML disagree on.
//!
//! YAML 1.1 reads `on` as true and `0123` as 83; YAML 1.2 reads text and 123. A file must not mean one thing to its
//! author's editor and another to us, so such a scalar counts as text that must be quoted wherever its type matters.

/// The type that another parser gives an unquoted text, if not text.
pub(super) fn ambiguous(text: &str) -> Option<&'static str> {
    if is_old_boolean(text) {
        Some("a boolean")
    } else if is_date(text) {
        Some("a date")
    } else if is_old_number(text) {
        Some("a number")
    } else {
        None
    }
}

/// Whether a number is written as in JSON, so all parsers agree on it.
pub(super) fn is_plain_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let leading_zero = digits.len() > 1
        && digits.starts_with('0')
        && digits[1..].starts_with(|c: char| c.is_ascii_digit());
    digits.starts_with(|c: char| c.is_ascii_digit())
        && !leading_zero
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
}

/// `on`, `On`, `ON` and similar words; `oN` is text to all parsers.
fn is_old_boolean(text: &str) -> bool {
    ["y", "n", "yes", "no", "on", "off"]
        .into_iter()
        .any(|word| {
            let (first, rest) = word.split_at(1);
            let capital = format!("{}{rest}", first.to_ascii_uppercase());
            text == word || text == capital || text == word.to_ascii_uppercase()
        })
}

/// `2026-01-31`, alone or with a time behind it.
fn is_date(text: &str) -> bool {
    let date = text.split(['T', 't', ' ']).next().unwrap_or(text);
    let parts: Vec<_> = date.split('-').collect();
    let digits = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    matches!(parts.as_slice(), [year, month, day]
        if digits(year, 4..=4) && digits(month, 1..=2) && digits(day, 1..=2))
}

/// Octal, hexadecimal, binary, with underscores, or sexagesimal (`12:30` is 750 in YAML 1.1).
fn is_old_number(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let radix = ["0x", "0o", "0b"]
        .into_iter()
        .find_map(|prefix| text.strip_prefix(prefix));
    if let Some(digits) = radix {
        return !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit() || b == b'_');
    }
    text.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"_.:".contains(&byte))
        && text.matches('.').count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readers_disagree_on_is_found() {
        for (text, taken_for) in [
            ("on", Some("a boolean")),
            ("Off", Some("a boolean")),
            ("NO", Some("a boolean")),
            ("oN", None),
            ("2026-01-01", Some("a date")),
            ("2026-01-01T12:00:00Z", Some("a date")),
            ("2026-01", None),
            ("0123", Some("a number")),
            ("0x1F", Some("a number")),
            ("1_000", Some("a number")),
            ("12:30", Some("a number")),
            (".5", Some("a number")),
            ("127.0.0.1", None),
            ("SKU-10458", None),
            ("0..20", None),
            ("200/s", None),
            ("", None),
            (":", None),
            ("ü", None),
        ] {
            assert_eq!(ambiguous(text), taken_for, "{text}");
        }
    }

    #[test]
    fn numbers_that_all_readers_agree_on_are_plain() {
        for text in ["0", "-5", "1.10", "12e3", "1.5E-3", "+5", "0.5"] {
            assert!(is_plain_number(text), "{text}");
        }
        for text in ["0123", "0x1F", "1_000", ".5", "-", ""] {
            assert!(!is_plain_number(text), "{text}");
        }
    }
}
