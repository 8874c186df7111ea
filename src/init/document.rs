//! A YAML or JSON file of the repository as one value, of bounded size.

use std::fmt;
use std::io::ErrorKind::{NotADirectory, NotFound};
use std::path::Path;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::{MessageFormatter as _, Tagged, UserMessageFormatter};

use crate::files::{Refused, Repository};

/// The most bytes of a file: several times what the largest descriptions in use have.
pub(super) const LONGEST: u64 = 16 << 20;
/// A key that a message repeats is cut after so many characters.
const KEY: usize = 60;

/// Reads a file. Returns none if it is not there, and the reason if it cannot be used.
pub(super) fn read(repository: &Repository, path: &Path) -> Option<Result<Value, String>> {
    match repository.read(path, LONGEST) {
        Err(Refused::Io(error)) if [NotFound, NotADirectory].contains(&error.kind()) => None,
        Err(refused) => Some(Err(format!("it {refused}"))),
        Ok(text) if text.len() as u64 > LONGEST => Some(Err("it is larger than 16 MB".to_owned())),
        Ok(text) => Some(parse(&text)),
    }
}

fn parse(text: &str) -> Result<Value, String> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{')
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    let parsed: Result<LongForm, _> = serde_saphyr::from_str(text);
    parsed.map(|value| value.0).map_err(|error| {
        let line = error.location().map(|at| format!("line {}: ", at.line()));
        format!(
            "it is not valid YAML ({}{})",
            line.unwrap_or_default(),
            message(error.without_snippet())
        )
    })
}

/// An error of the parser in one line, in plainer words where its own are for programmers.
fn message(error: &serde_saphyr::Error) -> String {
    if let serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } = error {
        let key: String = key.chars().take(KEY).collect();
        return format!("the key '{key}' appears twice in one map; remove one of them");
    }
    let message = UserMessageFormatter.format_message(error);
    message.lines().next().unwrap_or_default().to_owned()
}

/// A value in which `!Sub text` is `{ Fn::Sub: text }`: `CloudFormation` reads both alike, and only JSON's form is a value.
struct LongForm(Value);

impl<'de> Deserialize<'de> for LongForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(Untagged(value), tag) = Tagged::deserialize(deserializer)?;
        let name = tag.as_deref().and_then(|tag| tag.strip_prefix('!'));
        let name = name.filter(|name| !name.is_empty());
        Ok(Self(match name {
            None => value,
            Some(name @ ("Ref" | "Condition")) => Map::from_iter([(name.to_owned(), value)]).into(),
            Some(name) => Map::from_iter([(format!("Fn::{name}"), value)]).into(),
        }))
    }
}

/// A value without its own tag.
struct Untagged(Value);

impl<'de> Deserialize<'de> for Untagged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

macro_rules! scalars {
    ($($visit:ident: $type:ty),*) => {$(
        fn $visit<E: Error>(self, value: $type) -> Result<Value, E> {
            Ok(value.into())
        }
    )*};
}

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    scalars!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(LongForm(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, LongForm(value))) = entries.next_entry()? {
            map.insert(key, value);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn short_tags_of_cloudformation_become_their_long_form() {
        let text = "
a: !Ref Stage
b: !Sub '/${Stage}/items'
c: !GetAtt Items.Arn
d: !If [IsLive, !Ref A, !Sub 'b']
e: !Transform { Name: AWS::Include, Parameters: { Location: !Ref Bucket } }
f: [!Ref X, 5, 1.5, true, null, '7', !!str 8]
429: x
";
        let expected = json!({
            "a": { "Ref": "Stage" },
            "b": { "Fn::Sub": "/${Stage}/items" },
            "c": { "Fn::GetAtt": "Items.Arn" },
            "d": { "Fn::If": ["IsLive", { "Ref": "A" }, { "Fn::Sub": "b" }] },
            "e": { "Fn::Transform": { "Name": "AWS::Include", "Parameters": { "Location": { "Ref": "Bucket" } } } },
            "f": [{ "Ref": "X" }, 5, 1.5, true, null, "7", "8"],
            "429": "x",
        });
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = "[".repeat(100_000);
        let nested = format!("a: {}x{}", "!Sub [".repeat(500), "]".repeat(500));
        let level = |n: usize| format!("a{n}: &a{n} [{}]\n", format!("*a{}, ", n - 1).repeat(10));
        let first = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        let laughs: Vec<String> = std::iter::once(first).chain((1..12).map(level)).collect();
        let laughs = laughs.concat();
        let cycle = "a: &a\n  b: *a\n";
        let json = format!("{{\"a\": {}{}}}", "[".repeat(5000), "]".repeat(5000));
        for text in [
            &*deep,
            &nested,
            &laughs,
            cycle,
            &json,
            "a: [",
            "a: 1\n---\nb: 2",
        ] {
            let start: String = text.chars().take(40).collect();
            let why = parse(text).unwrap_err();
            assert!(why.starts_with("it is not valid YAML"), "{start}: {why}");
        }
    }
}
