//! Types of values that several formats share: scalars, lists and maps.

use std::fmt::Display;
use std::time::Duration;

use serde_json::json;

use super::{Cursor, Definitions, Entry, Error, FromYaml, Schema, Value};
use crate::units::{Dollars, parse_duration};

/// A key that may be left out.
impl<'d, T: FromYaml<'d>> FromYaml<'d> for Option<T> {
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
        T::from_yaml(value).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        T::schema(definitions)
    }
}

/// Any value, parsed later.
impl<'d> FromYaml<'d> for Cursor<'d> {
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
        Ok(value.clone())
    }

    fn schema(_: &mut Definitions) -> Schema {
        json!({})
    }
}

impl FromYaml<'_> for bool {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        if let Value::Bool(value) = value.node().value {
            return Ok(value);
        }
        Err(value.expected("true or false"))
    }

    fn schema(_: &mut Definitions) -> Schema {
        json!({ "type": "boolean" })
    }
}

impl FromYaml<'_> for Duration {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        value.parse(parse_duration)
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        definitions.define("Duration", |_| {
            json!({
                "description": "A number with its unit, such as 800ms, 2s or 5m",
                "type": "string",
                "pattern": r"^\s*[0-9.]+\s*(us|µs|ms|s|m|min|h)\s*$",
            })
        })
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy)]
pub struct Whole<const MIN: u32, const MAX: u32>(pub u32);

impl<const MIN: u32, const MAX: u32> FromYaml<'_> for Whole<MIN, MAX> {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        if let Value::Number { text, .. } = &value.node().value
            && let Ok(number) = text.parse()
            && (MIN..=MAX).contains(&number)
        {
            return Ok(Self(number));
        }
        Err(value.expected(format_args!("a whole number from {MIN} to {MAX}")))
    }

    fn schema(_: &mut Definitions) -> Schema {
        json!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

impl FromYaml<'_> for Dollars {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        let amount = value.scalar()?.trim().strip_prefix('$');
        let amount = amount.and_then(|amount| amount.parse::<f64>().ok());
        match amount.filter(|amount| amount.is_finite() && *amount > 0.0) {
            Some(amount) => Ok(Self(amount)),
            None => Err(value.expected("an amount of dollars above 0, such as $4 or $0.50")),
        }
    }

    fn schema(_: &mut Definitions) -> Schema {
        json!({ "type": "string", "pattern": r"^\s*\$[0-9.]+\s*$" })
    }
}

/// One line of text that is not empty.
#[derive(PartialEq)]
pub struct Line(pub String);

impl Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromYaml<'_> for Line {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        Ok(Self(value.line_of_text()?.to_owned()))
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        definitions.define("Line", |_| {
            json!({
                "type": "string",
                "minLength": 1,
                "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*\S[^\u0000-\u001f\u007f-\u009f]*$",
            })
        })
    }
}

/// The name of something, short enough for reports.
pub struct Name(pub String);

impl FromYaml<'_> for Name {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        Ok(Self(value.name()?.to_owned()))
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        Line::schema(definitions)
    }
}

/// A value and its position, for checks that come after parsing.
pub struct Located<'d, T> {
    /// The position.
    pub at: Cursor<'d>,
    /// The value.
    pub value: T,
}

impl<'d, T: FromYaml<'d>> FromYaml<'d> for Located<'d, T> {
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
        Ok(Self {
            at: value.clone(),
            value: T::from_yaml(value)?,
        })
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        T::schema(definitions)
    }
}

/// A map whose keys the author chooses, in the order of the file. Empty if left out.
pub struct Map<'d, T, K = ()>(pub Vec<Field<'d, T, K>>);

/// An entry of a [`Map`].
pub struct Field<'d, T, K> {
    /// The entry, for errors.
    pub entry: Entry<'d>,
    /// The key, parsed.
    pub key: K,
    /// The value.
    pub value: T,
}

/// A type of keys that the author chooses.
pub trait FromKey<'d>: Sized {
    /// Parses a key.
    fn from_key(entry: &Entry<'d>) -> Result<Self, Error>;

    /// The JSON Schema of such keys; none if any text is a key.
    fn schema() -> Option<Schema>;
}

impl FromKey<'_> for () {
    fn from_key(_: &Entry<'_>) -> Result<Self, Error> {
        Ok(())
    }

    fn schema() -> Option<Schema> {
        None
    }
}

impl<T, K> Default for Map<'_, T, K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'d, T: FromYaml<'d>, K: FromKey<'d>> FromYaml<'d> for Map<'d, T, K> {
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
        let parse = |entry: Entry<'d>| {
            Ok(Field {
                key: K::from_key(&entry)?,
                value: T::from_yaml(&entry.value)?,
                entry,
            })
        };
        let fields = value.entries()?.into_iter().map(parse);
        fields.collect::<Result<_, _>>().map(Self)
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        let values = T::schema(definitions);
        let mut schema = json!({ "type": ["object", "null"], "additionalProperties": values });
        if let Some(keys) = K::schema() {
            schema["propertyNames"] = keys;
        }
        schema
    }
}

impl<'d, T: FromYaml<'d>> FromYaml<'d> for Vec<T> {
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
        value.list()?.iter().map(T::from_yaml).collect()
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        json!({ "type": "array", "items": T::schema(definitions) })
    }
}

/// A list without repeated items.
pub struct Set<'d, T>(pub Vec<Located<'d, T>>);

impl<'d, T: FromYaml<'d> + PartialEq + Display> FromYaml<'d> for Set<'d, T> {
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
        let items = Vec::<Located<'d, T>>::from_yaml(value)?;
        for (index, item) in items.iter().enumerate() {
            if items[..index].iter().any(|other| other.value == item.value) {
                return Err(item.at.error(format_args!(
                    "'{}' appears twice; remove one of them",
                    item.value
                )));
            }
        }
        Ok(Self(items))
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        json!({ "type": "array", "uniqueItems": true, "items": T::schema(definitions) })
    }
}

/// A value, or a list of at least one.
pub struct OneOrMany<T>(pub Vec<T>);

impl<'d, T: FromYaml<'d>> FromYaml<'d> for OneOrMany<T> {
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
        Ok(Self(if value.is_list() {
            value.filled_list()?
        } else {
            vec![T::from_yaml(value)?]
        }))
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        let item = T::schema(definitions);
        json!({ "anyOf": [item, { "type": "array", "items": item, "minItems": 1 }] })
    }
}

/// An enum whose values have words in a file.
pub trait Words: Copy + PartialEq + 'static {
    /// Each word with its value.
    const WORDS: &'static [(&'static str, Self)];

    /// The word of a value.
    fn word(self) -> &'static str {
        let mut words = Self::WORDS.iter();
        let found = words.find(|(_, value)| *value == self);
        found.map_or("", |(word, _)| word)
    }
}

/// Declares the words that stand for the values of an enum. With `text` behind the type, a word that YAML may read as
/// something else must be quoted.
macro_rules! words {
    ($type:ty $(, $check:ident)? { $($word:literal => $value:expr,)* }) => {
        impl $crate::yaml::Words for $type {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, $value)),*];
        }

        impl $crate::yaml::FromYaml<'_> for $type {
            fn from_yaml(
                value: &$crate::yaml::Cursor<'_>,
            ) -> Result<Self, $crate::yaml::Error> {
                $(value.$check()?;)?
                value.one_of(<Self as $crate::yaml::Words>::WORDS)
            }

            fn schema(_: &mut $crate::yaml::Definitions) -> $crate::yaml::Schema {
                serde_json::json!({ "enum": [$($word),*] })
            }
        }
    };
}
pub(crate) use words;
