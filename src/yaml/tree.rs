//! Text into a tree whose every key and value knows its line and column.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, MessageFormatter, Spanned, UserMessageFormatter};

use super::diagnosis::diagnosis;
use super::scalar::{ambiguous, is_plain_number};
use super::{Cursor, Error};

/// The longest file that is read: a scenario takes a few kilobytes.
const LONGEST: usize = 1 << 20;

/// The most values in a file, those that aliases repeat included: a few lines of aliases of aliases make billions.
const MOST_NODES: usize = 50_000;

/// The deepest nesting. The format needs ten, and a JSON body what its author can still read.
const DEEPEST: usize = 48;

/// A parsed file.
#[derive(Clone, Debug)]
pub struct Document {
    file: String,
    root: Node,
}

/// A value and where it stands; where an alias repeats one, the alias's place.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// The file that it stands in, where that is another than its parent's.
    pub file: Option<Arc<str>>,
}

/// A key of a map and where it stands. Keys are text: `429:` is the key `429`.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key.
    pub text: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// The file that it stands in, where that is another than its map's.
    pub file: Option<Arc<str>>,
}

/// What YAML can say.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number {
        /// As it is written: `1.10` stays `1.10`.
        text: String,
        /// Its value.
        value: serde_json::Number,
    },
    /// Text.
    Text {
        /// The text.
        text: String,
        /// What other readers of YAML take it for, as it is not quoted.
        ambiguous: Option<&'static str>,
    },
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<(Key, Node)>),
}

impl Document {
    /// Parses a file; `file` is how errors name it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Error> {
        let error = |location: Option<Location>, message: String| {
            let (line, column) = location.map_or((1, 1), position);
            Error {
                file: file.to_owned(),
                line,
                column,
                message,
            }
        };
        if text.len() > LONGEST {
            return Err(error(None, "the file is longer than 1 MB".to_owned()));
        }
        let root: Spanned<Raw> =
            serde_saphyr::from_str_with_options(text, options()).map_err(|wrong| {
                let mut error = error(wrong.location(), message(&wrong));
                let place = (error.line, error.column);
                if let Some(found) = diagnosis(text, place, &error.message) {
                    (error.line, error.column, error.message) = found;
                }
                error
            })?;
        Ok(Self {
            file: file.to_owned(),
            root: Node::new(root, text),
        })
    }

    /// A file put together from parsed parts.
    pub fn new(file: &str, root: Node) -> Self {
        Self {
            file: file.to_owned(),
            root,
        }
    }

    /// The root, to read from.
    pub fn root(&self) -> Cursor<'_> {
        Cursor::root(&self.file, &self.root)
    }

    /// The root, to be taken apart.
    pub fn into_root(self) -> Node {
        self.root
    }
}

impl Node {
    fn new(raw: Spanned<Raw>, source: &str) -> Self {
        let (line, column) = position(raw.referenced);
        let written = source_text(raw.defined, source);
        let text = |text: String, plain: bool| Value::Text {
            ambiguous: ambiguous(&text).filter(|_| plain),
            text,
        };
        let value = match raw.value {
            Raw::Null => Value::Null,
            Raw::Bool(value) => Value::Bool(value),
            Raw::Number(value) => match written.filter(|written| is_plain_number(written)) {
                Some(written) => Value::Number {
                    text: written.to_owned(),
                    value,
                },
                None => text(written.unwrap_or_default().to_owned(), true),
            },
            Raw::Text(read) => {
                let plain = written == Some(read.as_str());
                text(read, plain)
            }
            Raw::List(items) => Value::List(
                items
                    .into_iter()
                    .map(|item| Self::new(item, source))
                    .collect(),
            ),
            Raw::Map(entries) => Value::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (Key::new(key), Self::new(value, source)))
                    .collect(),
            ),
        };
        Self {
            value,
            line,
            column,
            file: None,
        }
    }

    /// The value under a key, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|(own, _)| own.text == key)
            .map(|(_, node)| node)
    }

    /// The items, if this is a list.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Null
            | Value::Bool(_)
            | Value::Number { .. }
            | Value::Text { .. }
            | Value::Map(_) => &[],
        }
    }

    /// The entries, if this is a map.
    pub fn entries(&self) -> &[(Key, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Null
            | Value::Bool(_)
            | Value::Number { .. }
            | Value::Text { .. }
            | Value::List(_) => &[],
        }
    }
}

impl Key {
    fn new(raw: Spanned<String>) -> Self {
        let (line, column) = position(raw.referenced);
        Self {
            text: raw.value,
            line,
            column,
            file: None,
        }
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: MOST_NODES,
            max_depth: DEEPEST,
        },
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

/// The parser's error in our words where it speaks to programmers.
fn message(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error as Wrong;
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the parser's own words do for the rest"
    )]
    match error.without_snippet() {
        Wrong::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key '{key}' stands twice in one map, remove one of them")
        }
        // Any other fault of what an alias repeats would have been found where it is defined.
        Wrong::Budget { .. }
        | Wrong::AliasError { .. }
        | Wrong::AliasReplayLimitExceeded { .. }
        | Wrong::AliasExpansionLimitExceeded { .. }
        | Wrong::AliasReplayStackDepthExceeded { .. } => format!(
            "the file is too large or nested too deeply: at most {MOST_NODES} values, {DEEPEST} deep, aliases counted where they stand"
        ),
        Wrong::MultipleDocuments { .. } => {
            "the file holds several YAML documents, remove '---' and what follows".to_owned()
        }
        Wrong::NullIntoString { .. } | Wrong::Unexpected { .. } => {
            "expected a key that is text".to_owned()
        }
        Wrong::NonFiniteFloat { .. } => "not a finite number, quote it if text is meant".to_owned(),
        other => UserMessageFormatter.format_message(other).into_owned(),
    }
}

fn position(location: Location) -> (u32, u32) {
    let at = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).max(1);
    (at(location.line()), at(location.column()))
}

/// The source text of a scalar, quotes included.
fn source_text(location: Location, source: &str) -> Option<&str> {
    let span = location.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let length = usize::try_from(span.byte_len()?).ok()?;
    source.get(start..start.checked_add(length)?)
}

/// What the parser reads, before it is held against the source text.
enum Raw {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Raw, E> {
        serde_json::Number::from_f64(value)
            .map(Raw::Number)
            .ok_or_else(|| E::custom("not a finite number, quote it if text is meant"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}
