//! Splits text into literals and the expressions between `{{` and `}}`.

use std::collections::BTreeSet;

use super::ExpressionError;
use super::functions::ENVIRONMENT;
use super::panics::catching;

/// A part of a template's text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Segment<'t> {
    /// Literal text.
    Literal(&'t str),
    /// The text between the braces, trimmed.
    Expression(&'t str),
}

/// Splits text at its expressions.
pub(crate) fn split(text: &str) -> Result<Vec<Segment<'_>>, ExpressionError> {
    if text.contains("{%") {
        return Err(ExpressionError(
            "statements {% … %} are not part of the format; use an expression such as {{ a if b else c }}".into(),
        ));
    }
    let (mut segments, mut rest) = (Vec::new(), text);
    while let Some(start) = rest.find("{{") {
        if start > 0 {
            segments.push(Segment::Literal(&rest[..start]));
        }
        let inside = &rest[start + 2..];
        let Some(end) = closing(inside) else {
            return Err(ExpressionError(format!(
                "'{{{{' is never closed by '}}}}' in '{text}'"
            )));
        };
        let expression = inside[..end].trim();
        if expression.is_empty() {
            return Err(ExpressionError(
                "'{{ }}' is empty; write an expression between the braces".into(),
            ));
        }
        segments.push(Segment::Expression(expression));
        rest = &inside[end + 2..];
    }
    if !rest.is_empty() {
        segments.push(Segment::Literal(rest));
    }
    Ok(segments)
}

/// The expression, if a text is one expression.
pub(super) fn whole(text: &str) -> Option<&str> {
    match split(text.trim()).ok()?.as_slice() {
        [Segment::Expression(expression)] => Some(*expression),
        _ => None,
    }
}

/// The names that the expressions of a text use.
pub(crate) fn names_in(text: &str) -> BTreeSet<String> {
    let segments = split(text).unwrap_or_default();
    segments
        .into_iter()
        .filter_map(|segment| match segment {
            Segment::Expression(source) => {
                catching(|| ENVIRONMENT.compile_expression(source).ok()).flatten()
            }
            Segment::Literal(_) => None,
        })
        .flat_map(|expression| expression.undeclared_variables(false))
        .collect()
}

/// The offset of the `}}` that closes an expression: outside of quotes and of inner braces.
fn closing(text: &str) -> Option<usize> {
    let (mut quote, mut escaped, mut depth) = (None, false, 0_usize);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), _) if open == byte => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') if depth > 0 => depth -= 1,
            (None, b'}') if text[at..].starts_with("}}") => return Some(at),
            (Some(_) | None, _) => {}
        }
    }
    None
}

/// The depth of the brackets of a text.
pub(crate) fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::Segment::{Expression, Literal};
    use super::*;

    #[test]
    fn braces_and_quotes_inside_an_expression_do_not_close_it() {
        for (text, segments) in [
            ("", vec![]),
            ("/items", vec![Literal("/items")]),
            (
                "/a/{{ id }}/b",
                vec![Literal("/a/"), Expression("id"), Literal("/b")],
            ),
            ("{{a}}{{ b }}", vec![Expression("a"), Expression("b")]),
            ("{{ '}}' }}", vec![Expression("'}}'")]),
            (r"{{ '\'}}' }}", vec![Expression(r"'\'}}'")]),
            ("{{ {'a': {'b': 1}} }}", vec![Expression("{'a': {'b': 1}}")]),
            ("a } b } c", vec![Literal("a } b } c")]),
        ] {
            assert_eq!(split(text).unwrap(), segments, "{text}");
        }
    }

    #[test]
    fn what_is_never_closed_empty_or_a_statement_is_refused() {
        for (text, message) in [
            ("/a/{{ id", "'{{' is never closed by '}}' in '/a/{{ id'"),
            ("{{ 'a }}", "'{{' is never closed by '}}' in '{{ 'a }}'"),
            (
                "{{ }}",
                "'{{ }}' is empty; write an expression between the braces",
            ),
            (
                "{% if a %}b{% endif %}",
                "statements {% … %} are not part of the format; use an expression such as {{ a if b else c }}",
            ),
        ] {
            assert_eq!(split(text).unwrap_err().to_string(), message);
        }
    }
}
