//! Expressions that name a part of a value and do nothing else: `user.address`, `items[0].id`.

use serde_json::Value;

use super::names::Bindings;

/// The way from a name to a part of its value.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) name: String,
    keys: Vec<Key>,
}

#[derive(Debug)]
enum Key {
    Field(String),
    Item(usize),
}

impl Path {
    /// Parses an expression; `None` if it is not just a path.
    pub(super) fn parse(source: &str) -> Option<Self> {
        let (name, mut rest) = word(source)?;
        let mut keys = Vec::new();
        while !rest.is_empty() {
            let (key, after) = if let Some(rest) = rest.strip_prefix('.') {
                let (field, rest) = word(rest)?;
                (Key::Field(field.to_owned()), rest)
            } else {
                let (inside, rest) = rest.strip_prefix('[')?.split_once(']')?;
                (key(inside)?, rest)
            };
            keys.push(key);
            rest = after;
        }
        let name = name.to_owned();
        Some(Self { name, keys })
    }

    /// The part of a value.
    pub(super) fn within<'v>(&self, whole: &'v Value) -> Option<&'v Value> {
        self.keys.iter().try_fold(whole, |value, key| match key {
            Key::Field(name) => value.get(name),
            Key::Item(place) => value.get(place),
        })
    }

    /// The part of a variable that no user sets.
    pub(super) fn constant<'n>(&self, names: Bindings<'n>) -> Option<&'n Value> {
        let is_runtime = names.runtime.contains(&self.name);
        let variable = names.variables.get(&self.name).filter(|_| !is_runtime)?;
        self.within(&variable.value)
    }
}

/// The text between brackets.
fn key(inside: &str) -> Option<Key> {
    let quoted = |quote| inside.strip_prefix(quote)?.strip_suffix(quote);
    if let Some(text) = quoted('\'').or_else(|| quoted('"')) {
        let is_plain = !text.contains(['\\', '\'', '"']);
        return is_plain.then(|| Key::Field(text.to_owned()));
    }
    let is_number = inside.bytes().all(|byte| byte.is_ascii_digit());
    inside.parse().ok().filter(|_| is_number).map(Key::Item)
}

/// The name at the start, and what follows it.
pub(super) fn word(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    let is_name = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    is_name.then_some((word, rest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Path;

    #[test]
    fn a_path_leads_to_a_part() {
        let value = json!({"a": {"b": [{"c": 1}, 2]}, "d-e": "x", "0": 5});
        for (source, part) in [
            ("v.a.b[0].c", Some(json!(1))),
            ("v['a'][\"b\"][1]", Some(json!(2))),
            ("v['d-e']", Some(json!("x"))),
            ("v", Some(value.clone())),
            ("v.a.gone", None),
            ("v[0]", None),
            ("v.a[0]", None),
        ] {
            let path = Path::parse(source).unwrap();
            assert_eq!(path.name, "v");
            assert_eq!(path.within(&value).cloned(), part, "{source}");
        }
        for other in [
            "", "v + 1", "v.a()", "v.0", "v[x]", "v[-1]", "v['a", "1", "v | f", "'v'", "v.a .b",
        ] {
            assert!(Path::parse(other).is_none(), "{other}");
        }
    }
}
