//! Parses text into a tree whose keys and values know their positions.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, MessageFormatter, Spanned, UserMessageFormatter};

use super::Error;
use super::diagnosis::diagnosis;
use super::scalar::{ambiguous, is_plain_number};

/// The longest file, in bytes: a scenario takes a few kilobytes.
const LONGEST: usize = 1 << 20;

/// The most values in a file, with those that aliases repeat: a few lines of aliases of aliases make billions.
const MOST_NODES: usize = 50_000;

/// The deepest nesting. The format needs ten levels, and JSON bodies rarely more than twenty.
const DEEPEST: usize = 48;

/// A position in a file.
#[derive(Clone, Debug)]
pub struct Position {
    /// The file as the caller named it.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// A value and its position. A value that an alias repeats has the position of the alias.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// The position.
    pub at: Position,
}

/// A key of a map and its position. Keys are text: `429:` is the key `429`.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key.
    pub text: String,
    /// The position.
    pub at: Position,
}

/// A value of YAML.
#[derive(Clone, Debug)]
pub enum Value {
    /// An empty value or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number {
        /// The number as written: `1.10` stays `1.10`.
        text: String,
        /// Its value.
        value: serde_json::Number,
    },
    /// Text.
    Text {
        /// The text.
        text: String,
        /// What other parsers of YAML take the unquoted text for.
        ambiguous: Option<&'static str>,
    },
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<(Key, Node)>),
}

impl Position {
    fn new(file: &Arc<str>, location: Location) -> Self {
        let at = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).max(1);
        Self {
            file: Arc::clone(file),
            line: at(location.line()),
            column: at(location.column()),
        }
    }

    /// An error at the position.
    pub fn error(&self, message: String) -> Error {
        Error {
            file: (*self.file).to_owned(),
            line: self.line,
            column: self.column,
            message,
        }
    }
}

impl Node {
    /// Parses a file; `file` is the name that errors use for it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Error> {
        let file: Arc<str> = file.into();
        let mut at = Position {
            file: Arc::clone(&file),
            line: 1,
            column: 1,
        };
        if text.len() > LONGEST {
            return Err(at.error("the file is longer than 1 MB".to_owned()));
        }
        match serde_saphyr::from_str_with_options(text, options()) {
            Ok(root) => Ok(Self::new(root, &file, text)),
            Err(error) => {
                if let Some(location) = error.location() {
                    at = Position::new(&file, location);
                }
                let mut message = message(&error);
                if let Some(found) = diagnosis(text, (at.line, at.column), &message) {
                    (at.line, at.column, message) = found;
                }
                Err(at.error(message))
            }
        }
    }

    fn new(raw: Spanned<Raw>, file: &Arc<str>, source: &str) -> Self {
        let written = source_text(raw.defined, source);
        let text = |text: String, is_plain: bool| Value::Text {
            ambiguous: ambiguous(&text).filter(|_| is_plain),
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
            Raw::Text(unquoted) => {
                let is_plain = written == Some(unquoted.as_str());
                text(unquoted, is_plain)
            }
            Raw::List(items) => {
                let items = items.into_iter().map(|item| Self::new(item, file, source));
                Value::List(items.collect())
            }
            Raw::Map(entries) => {
                let entries = entries.into_iter().map(|(key, value)| {
                    let key = Key {
                        text: key.value,
                        at: Position::new(file, key.referenced),
                    };
                    (key, Self::new(value, file, source))
                });
                Value::Map(entries.collect())
            }
        };
        Self {
            value,
            at: Position::new(file, raw.referenced),
        }
    }

    /// The items; none if this is not a list.
    pub fn items(&self) -> &[Self] {
        if let Value::List(items) = &self.value {
            return items;
        }
        &[]
    }

    /// The entries; none if this is not a map.
    pub fn entries(&self) -> &[(Key, Self)] {
        if let Value::Map(entries) = &self.value {
            return entries;
        }
        &[]
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

/// The message of an error, in plainer words where the parser's own are for programmers.
fn message(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error as Wrong;
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the other messages are plain enough"
    )]
    match error.without_snippet() {
        Wrong::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key '{key}' appears twice in one map; remove one of them")
        }
        // Other errors in the value of an alias are found at its anchor.
        Wrong::Budget { .. }
        | Wrong::AliasError { .. }
        | Wrong::AliasReplayLimitExceeded { .. }
        | Wrong::AliasExpansionLimitExceeded { .. }
        | Wrong::AliasReplayStackDepthExceeded { .. } => format!(
            "the file is too large or nested too deeply: at most {MOST_NODES} values, {DEEPEST} deep, with repeated aliases"
        ),
        Wrong::MultipleDocuments { .. } => {
            "the file has several YAML documents; remove '---' and what follows".to_owned()
        }
        Wrong::NullIntoString { .. } | Wrong::Unexpected { .. } => {
            "expected a key that is text".to_owned()
        }
        Wrong::NonFiniteFloat { .. } => "not a finite number; quote it if it is text".to_owned(),
        other => UserMessageFormatter.format_message(other).into_owned(),
    }
}

/// The source text of a scalar, quotes included.
fn source_text(location: Location, source: &str) -> Option<&str> {
    let span = location.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let length = usize::try_from(span.byte_len()?).ok()?;
    source.get(start..start.checked_add(length)?)
}

/// A value as the YAML parser returns it, without the source text.
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
            .ok_or_else(|| E::custom("not a finite number; quote it if it is text"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
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
