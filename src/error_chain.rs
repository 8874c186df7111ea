//! An error with its causes, each said once.

use std::error::Error;

/// The message of an error, and behind it that of each cause that it does not say itself.
pub fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    abridged(&text)
}

/// The message of the cause behind all others: what happened, without the layers that it went through.
pub fn root_cause(error: &dyn Error) -> String {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    abridged(&root.to_string())
}

/// The longest text that is quoted, and the longest line, in characters. What a file or a server says may be anything.
const LONGEST_QUOTE: usize = 60;
const LONGEST_LINE: usize = 1_000;

/// The text with long quotes and long lines shortened.
fn abridged(text: &str) -> String {
    let mut short = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('\'') {
        let (before, quoted) = (&rest[..open], &rest[open + 1..]);
        short.push_str(before);
        short.push('\'');
        rest = quoted;
        let begins = !before.ends_with(char::is_alphanumeric);
        let Some(close) = quoted.find('\'').filter(|_| begins) else {
            continue;
        };
        let inside = &quoted[..close];
        // A command that is advised is of no use in part.
        let command = inside.split(' ').next().unwrap_or_default();
        let is_advice = command.ends_with("loadgate");
        match inside.char_indices().nth(LONGEST_QUOTE) {
            Some((end, _)) if !is_advice => {
                short.push_str(&inside[..end]);
                short.push_str("…'");
            }
            Some(_) | None => short.push_str(&quoted[..=close]),
        }
        rest = &quoted[close + 1..];
    }
    short.push_str(rest);
    let lines: Vec<String> = short.split('\n').map(short_line).collect();
    lines.join("\n")
}

/// The line, without its middle if it is long.
fn short_line(line: &str) -> String {
    let count = line.chars().count();
    if count <= LONGEST_LINE {
        return line.to_owned();
    }
    let half = LONGEST_LINE / 2;
    let head: String = line.chars().take(half).collect();
    let tail: String = line.chars().skip(count - half).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_cause_is_the_last_of_a_chain() {
        #[derive(Debug, thiserror::Error)]
        #[error("error sending request")]
        struct Outer(#[source] std::io::Error);
        let root = std::io::Error::other("failed to lookup address information");
        let error = Outer(root);
        assert_eq!(root_cause(&error), "failed to lookup address information");
        assert_eq!(root_cause(&std::fmt::Error), std::fmt::Error.to_string());
    }

    #[test]
    fn long_quotes_and_lines_lose_what_is_too_long() {
        let long = "s".repeat(100);
        let cut = "s".repeat(60);
        for (text, short) in [
            (
                "'a' is not b; write 'c'".to_owned(),
                "'a' is not b; write 'c'".to_owned(),
            ),
            (
                format!("'{long}' is not a unit; write '2s'"),
                format!("'{cut}…' is not a unit; write '2s'"),
            ),
            (
                format!("the file's name\n'{long}'"),
                format!("the file's name\n'{cut}…'"),
            ),
            (format!("'{long}"), format!("'{long}")),
            (format!("'é\n{long}'"), format!("'é\n{}…'", &cut[2..])),
        ] {
            assert_eq!(abridged(&text), short);
        }
        let line = abridged(&"é".repeat(5_000));
        assert_eq!(line.chars().count(), LONGEST_LINE + 1);
    }
}
