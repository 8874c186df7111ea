//! Markdown as GitHub reads it, as far as a summary uses it.

/// Where foreign text stood: in a code span, in a fence or in an element `code`.
const FOREIGN: char = '\u{25a1}';

/// What is left of a document when all code is taken out of it: what a browser would make markup, mentions and links of.
/// A link keeps its words alone.
pub(super) fn skeleton(markdown: &str) -> String {
    let mut left = String::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let fence = line.len() - line.trim_start_matches('`').len();
        if fence < 3 {
            left += &inline(line);
            left.push('\n');
            continue;
        }
        assert!(!line[fence..].contains('`'), "no fence begins so: {line}");
        let closed = lines.by_ref().any(|line| {
            line.trim_end().len() >= fence && line.trim_end().chars().all(|c| c == '`')
        });
        assert!(closed, "a fence is open at the end: {markdown}");
        left.push(FOREIGN);
        left.push('\n');
    }
    left
}

/// A line without its code spans, elements `code` and addresses of links.
fn inline(line: &str) -> String {
    let mut left = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let run = rest.len() - rest.trim_start_matches('`').len();
        if run > 0 {
            let after = &rest[run..];
            let end = closing(after, run).unwrap_or_else(|| panic!("an open code span: {line}"));
            rest = &after[end + run..];
            left.push(FOREIGN);
        } else if let Some(after) = rest.strip_prefix("<code>") {
            let (inside, after) = after.split_once("</code>").unwrap();
            assert!(!inside.contains(['<', '>', '|', '`', '@']), "{inside}");
            rest = after;
            left.push(FOREIGN);
        } else if let Some(after) = rest.strip_prefix("](") {
            rest = after.split_once(')').map_or("", |(_, after)| after);
            left.push(']');
        } else {
            left.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    left.replace(['[', ']'], "")
}

/// Where the run of exactly so many backticks begins that closes a code span.
fn closing(text: &str, run: usize) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = text[from..].find('`') {
        let start = from + found;
        let length = text[start..].len() - text[start..].trim_start_matches('`').len();
        if length == run {
            return Some(start);
        }
        from = start + length;
    }
    None
}

/// The cells of a line of a table: a pipe ends one even in a code span, unless a backslash stands before it.
pub(super) fn cells(line: &str) -> Vec<&str> {
    let mut cells = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (index, c) in line.char_indices() {
        if c == '|' && !escaped {
            cells.push(line[start..index].trim());
            start = index + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    assert_eq!(line[start..].trim(), "", "a table line ends with a pipe");
    assert_eq!(cells.remove(0), "", "a table line begins with a pipe");
    cells
}

/// The tables of a document, each with its lines as cells: the header, the rule, the rows.
pub(super) fn tables(markdown: &str) -> Vec<Vec<Vec<&str>>> {
    let mut tables: Vec<Vec<Vec<&str>>> = Vec::new();
    let mut is_open = false;
    for line in markdown.lines() {
        let is_row = line.starts_with('|');
        if is_row && !is_open {
            tables.push(Vec::new());
        }
        is_open = is_row;
        if is_row {
            tables.last_mut().unwrap().push(cells(line));
        }
    }
    tables
}

/// Checks that every table has as many cells in each line, and that what is opened is closed.
pub(super) fn assert_whole(markdown: &str) {
    for table in tables(markdown) {
        let [header, rule, ..] = table.as_slice() else {
            panic!("a table without a rule: {table:?}");
        };
        assert!(
            rule.iter().all(|cell| ["---", "--:"].contains(cell)),
            "{rule:?}"
        );
        for row in &table {
            assert_eq!(row.len(), header.len(), "{row:?}");
        }
    }
    let skeleton = skeleton(markdown);
    let count = |tag: &str| skeleton.matches(tag).count();
    assert_eq!(count("<details>"), count("</details>"));
    assert_eq!(count("<summary>"), count("</summary>"));
    assert_eq!(count("<"), 4 * count("<details>"), "{skeleton}");
    assert!(!skeleton.contains('@'), "{skeleton}");
    assert!(!skeleton.contains("://"), "{skeleton}");
}

#[test]
fn the_reader_knows_code_from_text() {
    for (line, left) in [
        ("a `b|@c` d", "a \u{25a1} d\n"),
        ("``a`b`` @c", "\u{25a1} @c\n"),
        ("<code>&#64;a</code> b", "\u{25a1} b\n"),
        ("[run](https://ci/7) x", "run x\n"),
        ("````\n```\n````\nx", "\u{25a1}\nx\n"),
    ] {
        assert_eq!(skeleton(line), left);
    }
    assert_eq!(cells(r"| a | `b\|c` | |"), ["a", r"`b\|c`", ""]);
}
