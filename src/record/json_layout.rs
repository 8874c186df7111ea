//! Stored JSON laid out for people: what is short stays on one line, everything else is indented.

use serde_json::Value;

/// Where a value is in its document.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    /// Objects and lists around it.
    pub depth: usize,
    /// Whether it is an item of a list.
    pub in_list: bool,
}

/// The text of a document with a newline at its end; `is_inline` picks the objects and lists that stay on one line.
pub fn lay_out(value: &Value, is_inline: fn(&Value, Position) -> bool) -> String {
    let root = Position {
        depth: 0,
        in_list: false,
    };
    laid_out(value, root, is_inline) + "\n"
}

fn laid_out(value: &Value, at: Position, is_inline: fn(&Value, Position) -> bool) -> String {
    let is_container = value.is_object() || value.is_array();
    if !is_container || is_inline(value, at) {
        return value.to_string();
    }
    let inner = |value: &Value, in_list| {
        let depth = at.depth + 1;
        laid_out(value, Position { depth, in_list }, is_inline)
    };
    let (open, items, close): (_, Vec<String>, _) = if let Value::Object(fields) = value {
        let field = |(key, field): (&String, &Value)| {
            format!("{}: {}", Value::from(key.as_str()), inner(field, false))
        };
        ("{", fields.iter().map(field).collect(), "}")
    } else {
        let items = value.as_array().into_iter().flatten();
        ("[", items.map(|item| inner(item, true)).collect(), "]")
    };
    let indent = |depth: usize| "  ".repeat(depth);
    let (outer, inner) = (indent(at.depth), indent(at.depth + 1));
    let separator = format!(",\n{inner}");
    format!("{open}\n{inner}{}\n{outer}{close}", items.join(&separator))
}
