//! Which bracket of a text is never closed: brackets count where YAML takes them for such, which is at the beginning of a
//! value and within other brackets, not in quotes, comments and texts that go on over several lines.

/// A bracket where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bracket {
    /// Its line, from 0.
    pub(super) line: usize,
    /// Its column in bytes, from 0.
    pub(super) column: usize,
    /// Itself.
    pub(super) open: char,
}

impl Bracket {
    /// What closes it.
    pub(super) fn close(self) -> char {
        if self.open == '[' { ']' } else { '}' }
    }
}

/// The brackets that nothing closes, in their order.
pub(super) fn unclosed(lines: &[&str]) -> Vec<Bracket> {
    let mut scan = Scan::default();
    for (number, line) in lines.iter().enumerate() {
        scan.line(number, line);
    }
    scan.unclosed.extend(scan.open);
    scan.unclosed.sort_by_key(|own| (own.line, own.column));
    scan.unclosed
}

#[derive(Default)]
struct Scan {
    open: Vec<Bracket>,
    unclosed: Vec<Bracket>,
    /// The quote that a text began with which has not ended.
    quote: Option<char>,
    /// The indentation of the key whose text follows on lines of its own.
    block: Option<usize>,
}

impl Scan {
    fn line(&mut self, number: usize, line: &str) {
        let indentation = line.len() - line.trim_start().len();
        if let Some(of) = self.block {
            if indentation > of || line.trim().is_empty() {
                return;
            }
            self.block = None;
        }
        let is_within = self.quote.is_some() || !self.open.is_empty();
        let start = if is_within { 0 } else { value_start(line) };
        if !is_within {
            let value = &line[start..];
            if value.starts_with(['|', '>']) {
                self.block = Some(indentation);
            }
            // Of any other text a bracket is a letter.
            if !value.starts_with(['[', '{', '"', '\'']) {
                return;
            }
        }
        self.value(number, line, start);
    }

    fn value(&mut self, number: usize, line: &str, start: usize) {
        let mut before = ' ';
        let mut letters = line.char_indices().skip_while(|(at, _)| *at < start);
        while let Some((column, c)) = letters.next() {
            match (self.quote, c) {
                (Some('"'), '\\') => {
                    letters.next();
                }
                (Some(own), c) if own == c => self.quote = None,
                (None, '#') if before.is_whitespace() => return,
                // Within a word it is an apostrophe.
                (None, '"' | '\'') if !before.is_alphanumeric() => self.quote = Some(c),
                (None, '[' | '{') => self.open.push(Bracket {
                    line: number,
                    column,
                    open: c,
                }),
                (None, ']' | '}') => self.close(c),
                (Some(_) | None, _) => {}
            }
            before = c;
        }
    }

    /// Takes back the bracket that this one closes; those within it are not closed by anything.
    fn close(&mut self, c: char) {
        if let Some(place) = self.open.iter().rposition(|own| own.close() == c) {
            self.unclosed.extend(self.open.drain(place + 1..));
            self.open.pop();
        }
    }
}

/// Where the value of a line begins: behind its dashes and its key.
fn value_start(line: &str) -> usize {
    let mut start = line.len() - line.trim_start().len();
    loop {
        let rest = &line[start..];
        let after = match rest.strip_prefix("- ") {
            Some(after) => after,
            None if rest.starts_with(['[', '{', '"', '\'', '#']) => return start,
            None => match rest.split_once(": ") {
                Some((_, after)) => after,
                None => return start,
            },
        };
        start = line.len() - after.trim_start().len();
        if !rest.starts_with("- ") {
            return start;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nothing_closes_is_unclosed() {
        for (text, expected) in [
            ("a: [1, 2\nb: c\n", &[(0, 3)][..]),
            ("a: [\n  1,\n  2 ]\nb: { c: d\n", &[(3, 3)]),
            ("a: [\n  { b: 1,\n  { c: 2 }\n]\n", &[(1, 2)]),
            ("- [{ b: [1 }]\n", &[(0, 8)]),
            ("a: [{ b: 1 }, {\n  c: 2 }]\n", &[]),
            ("a: 'one [ two\n  three'\nb: \"\\\" [\"\n", &[]),
            ("a: it's [ plain\nb: [it's, ok]\n", &[]),
            ("a: | # [\n  [ of a text\n  { too\nb: 1 # {\n", &[]),
            ("a: [1] # [\n# {\n", &[]),
            ("a: [ \"{{ pick(x)\", ']' ]\n", &[]),
            ("a: ]\nb: [ }\n", &[(1, 3)]),
            ("目录: [{ 目: '录' },\n", &[(0, 8)]),
        ] {
            let lines: Vec<&str> = text.lines().collect();
            let found = unclosed(&lines);
            let places: Vec<(usize, usize)> =
                found.iter().map(|own| (own.line, own.column)).collect();
            assert_eq!(places, expected, "{text}");
        }
    }
}
