//! Markdown that foreign text cannot break out of.
//!
//! Foreign text is always code: no link, mention, tag or emphasis is made of what stands in a code span, on GitHub and
//! on GitLab alike.

use crate::report::text::{Span, Text, one_line, untrusted};

/// Foreign text as code, for any place in the body, table cells included.
pub(super) fn code(text: &str) -> String {
    let line = one_line(text);
    // A pipe ends a table cell even in a code span, a backtick ends the span, and a backslash may escape either.
    if line.trim().is_empty() || line.contains(['|', '`', '\\']) {
        return html_code(&line);
    }
    format!("`{line}`")
}

pub(super) fn markdown(text: &Text) -> String {
    text.render(|span| match span {
        Span::Plain(words) => words.clone(),
        Span::Untrusted(text) | Span::Code(text) => code(text),
    })
}

pub(super) fn name(name: &str) -> String {
    markdown(&untrusted(name))
}

/// A text where HTML stands.
pub(super) fn html_title(text: &Text) -> String {
    text.render(|span| match span {
        Span::Plain(words) => words.clone(),
        Span::Untrusted(text) | Span::Code(text) => html_code(text),
    })
}

/// Foreign text as code where HTML stands, such as in a `<summary>`.
pub(super) fn html_code(text: &str) -> String {
    let mut encoded = String::from("<code>");
    for c in one_line(text).chars() {
        if c.is_ascii_punctuation() && !matches!(c, '/' | ',' | '.' | '?' | '=') {
            encoded.push_str(&format!("&#{};", u32::from(c)));
        } else {
            encoded.push(c);
        }
    }
    encoded + "</code>"
}

/// Text of several lines in a fence that is longer than any run of backticks in it.
pub(super) fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max();
    let fence = "`".repeat(3.max(longest.unwrap_or_default() + 1));
    let lines: Vec<String> = text.lines().map(one_line).collect();
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

/// A table: its header, which columns are numbers, and its rows.
pub(super) fn table<H: AsRef<str>>(columns: &[(H, Align)], rows: &[Vec<String>]) -> String {
    let heads = columns.iter().map(|(head, _)| head.as_ref().to_owned());
    let rules = columns.iter().map(|(_, align)| match align {
        Align::Left => "---".to_owned(),
        Align::Right => "--:".to_owned(),
    });
    let mut table = line(heads) + &line(rules);
    for row in rows {
        table.push_str(&line(row.iter().cloned()));
    }
    table
}

/// To which side a column is set.
#[derive(Clone, Copy)]
pub(super) enum Align {
    Left,
    Right,
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.collect();
    format!("| {} |\n", cells.join(" | ")).replace("|  |", "| |")
}

pub(super) fn details(summary: &str, body: &str) -> String {
    format!(
        "<details><summary>{summary}</summary>\n\n{}\n\n</details>\n",
        body.trim_end()
    )
}

pub(super) fn link(words: &str, address: &str) -> String {
    let safe = (address.starts_with("https://") || address.starts_with("http://"))
        && address
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._~:/?#@!$&+,;=%".contains(c));
    if safe {
        format!("[{words}]({address})")
    } else {
        words.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_are_plain_code_spans() {
        assert_eq!(code("GET /orders/{id}"), "`GET /orders/{id}`");
        assert_eq!(code("@team <script>"), "`@team <script>`");
    }

    #[test]
    fn what_could_end_a_span_or_a_cell_is_encoded() {
        assert_eq!(code("a|b"), "<code>a&#124;b</code>");
        assert_eq!(code("a`b"), "<code>a&#96;b</code>");
        assert_eq!(code("a\\"), "<code>a&#92;</code>");
        assert_eq!(code(""), "<code></code>");
    }

    #[test]
    fn a_fence_is_longer_than_any_in_the_text() {
        let text = fenced("diff", "a\n````\nb");
        assert!(text.starts_with("`````diff\n") && text.ends_with("\n`````\n"));
    }

    #[test]
    fn only_addresses_become_links() {
        assert_eq!(link("run 7", "https://ci/7"), "[run 7](https://ci/7)");
        assert_eq!(link("run 7", "javascript:alert(1)"), "run 7");
        assert_eq!(link("run 7", "https://ci/7) <img"), "run 7");
    }
}
