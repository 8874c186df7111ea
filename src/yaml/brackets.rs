//! Finds brackets that are never closed. Brackets count where YAML takes them as such: at the start of a value and within
//! other brackets, and not in quotes, in comments or in plain and block texts.

/// A bracket and its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bracket {
    /// Its line, from 0.
    pub(super) line: usize,
    /// Its column in bytes, from 0.
    pub(super) column: usize,
    /// The bracket.
    pub(super) open: char,
}

impl Bracket {
    /// The bracket that closes it.
    pub(super) fn close(self) -> char {
        if self.open == '[' { ']' } else { '}' }
    }
}

/// The brackets that are never closed, in order.
pub(super) fn unclosed(lines: &[&str]) -> Vec<Bracket> {
    let (mut open, mut unclosed) = (Vec::<Bracket>::new(), Vec::new());
    // The open quote, and the indentation of the key whose block text follows.
    let (mut quote, mut block) = (None, None);
    for (line, text) in lines.iter().enumerate() {
        let indentation = text.len() - text.trim_start().len();
        if block.is_some_and(|block| indentation > block || text.trim().is_empty()) {
            continue;
        }
        block = None;
        let mut before = None;
        let mut letters = text.char_indices();
        while let Some((column, letter)) = letters.next() {
            let starts_value = before.is_none_or(|before| ":-,[{".contains(before));
            match (quote, letter) {
                (Some('"'), '\\') => _ = letters.next(),
                (Some(open), letter) if letter == open => quote = None,
                (None, '#') if !text[..column].ends_with(|c: char| !c.is_whitespace()) => break,
                (None, '"' | '\'') if starts_value => quote = Some(letter),
                (None, '|' | '>') if starts_value && open.is_empty() => {
                    block = Some(indentation);
                    break;
                }
                (None, '[' | '{') if starts_value => open.push(Bracket {
                    line,
                    column,
                    open: letter,
                }),
                (None, ']' | '}') => {
                    // Brackets within the closed one stay open.
                    if let Some(index) = open.iter().rposition(|it| it.close() == letter) {
                        unclosed.extend(open.drain(index + 1..));
                        open.pop();
                    }
                }
                (Some(_) | None, _) => {}
            }
            before = Some(letter)
                .filter(|letter| !letter.is_whitespace())
                .or(before);
        }
    }
    unclosed.extend(open);
    unclosed.sort_by_key(|it| (it.line, it.column));
    unclosed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_brackets_that_nothing_closes_are_found() {
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
            let places: Vec<(usize, usize)> = found.iter().map(|it| (it.line, it.column)).collect();
            assert_eq!(places, expected, "{text}");
        }
    }
}
