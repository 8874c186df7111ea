//! Source structs: from one declaration of the keys of a map, both its parser and its JSON Schema.

use serde_json::{Map, json};

use super::{Cursor, Error};

/// A JSON Schema.
pub type Schema = serde_json::Value;

/// A type of value in a file: how it is parsed, and its JSON Schema.
pub trait FromYaml<'d>: Sized {
    /// Parses a value.
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error>;

    /// The value of a key that is left out; none if the key is required.
    fn absent() -> Option<Self> {
        None
    }

    /// The JSON Schema of such values.
    fn schema(definitions: &mut Definitions) -> Schema;
}

/// The keys of a map.
pub trait Keys<'d>: Sized {
    /// The keys.
    fn keys() -> Vec<&'static str>;

    /// Parses the values of the keys. The map may have further keys.
    fn from_keys(map: &Cursor<'d>) -> Result<Self, Error>;

    /// The keys with their descriptions and types.
    fn properties(definitions: &mut Definitions) -> Vec<Property>;
}

/// A key of a map in a JSON Schema.
pub struct Property {
    key: &'static str,
    is_required: bool,
    schema: Schema,
}

impl Property {
    /// A key whose value has the type `T`.
    pub fn new<'d, T: FromYaml<'d>>(
        key: &'static str,
        description: &str,
        definitions: &mut Definitions,
    ) -> Self {
        let mut schema = T::schema(definitions);
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), description.trim().into());
        }
        Self {
            key,
            is_required: T::absent().is_none(),
            schema,
        }
    }
}

/// The named parts of a JSON Schema.
#[derive(Default)]
pub struct Definitions(Map<String, Schema>);

impl Definitions {
    /// Adds a part unless it is there, and returns a reference to it.
    pub fn define(&mut self, name: &str, schema: impl FnOnce(&mut Self) -> Schema) -> Schema {
        if !self.0.contains_key(name) {
            let schema = schema(self);
            self.0.insert(name.to_owned(), schema);
        }
        json!({ "$ref": format!("#/$defs/{name}") })
    }
}

/// The schema of a map; `rules` are further keywords.
pub fn object<'d, T: Keys<'d>>(
    description: &str,
    rules: &Schema,
    definitions: &mut Definitions,
) -> Schema {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for property in T::properties(definitions) {
        if property.is_required {
            required.push(property.key);
        }
        properties.insert(property.key.to_owned(), property.schema);
    }
    // A section in which nothing is written is null.
    let may_be_null = required.is_empty() && rules.is_null();
    let mut schema = json!({
        "description": description.trim(),
        "type": if may_be_null { json!(["object", "null"]) } else { json!("object") },
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    if let (Some(schema), Some(rules)) = (schema.as_object_mut(), rules.as_object()) {
        schema.retain(|_, keyword| keyword != "" && *keyword != json!([]));
        schema.extend(rules.clone());
    }
    schema
}

/// The JSON Schema of a file, as text.
pub fn document<'d, T: FromYaml<'d>>(title: &str, rules: impl FnOnce(&mut Schema)) -> String {
    let mut definitions = Definitions::default();
    let reference = T::schema(&mut definitions);
    let name = reference["$ref"].as_str().unwrap_or_default();
    let name = name.trim_start_matches("#/$defs/");
    let mut file = definitions.0.shift_remove(name).unwrap_or(reference);
    rules(&mut file);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
    });
    if let (Some(schema), Schema::Object(file)) = (schema.as_object_mut(), file) {
        schema.extend(file);
        schema.insert("$defs".to_owned(), definitions.0.into());
    }
    format!("{schema:#}\n")
}

/// Declares a source struct.
///
/// The doc comment of a field is the description of its key. A field `..name: Type` takes the keys of another type into
/// this map. Attributes of the struct, in this order: `misplaced` names a table of [`Misplaced`](super::Misplaced) keys,
/// `expected` says what stands here instead of "a map", and `rules` adds keywords to the schema.
macro_rules! source {
    ($(
        $(#[doc = $about:literal])*
        $(#[misplaced($misplaced:expr)])?
        $(#[expected($expected:expr)])?
        $(#[rules($rules:expr)])?
        struct $name:ident $(<$life:lifetime>)? {
            $(..$part:ident: $part_type:ty,)*
            $($(#[doc = $doc:literal])+ $key:ident: $type:ty,)*
        }
    )*) => {$(
        $(#[doc = $about])*
        pub(super) struct $name $(<$life>)? {
            $(pub(super) $part: $part_type,)*
            $($(#[doc = $doc])+ pub(super) $key: $type,)*
        }

        impl<'d> $crate::yaml::Keys<'d> for $name $(<$life>)? {
            fn keys() -> Vec<&'static str> {
                let mut keys = Vec::new();
                $(keys.extend(<$part_type as $crate::yaml::Keys<'_>>::keys());)*
                let keyed: &[&'static str] = &[$(stringify!($key).trim_start_matches("r#")),*];
                keys.extend(keyed);
                keys
            }

            fn from_keys(map: &$crate::yaml::Cursor<'d>) -> Result<Self, $crate::yaml::Error> {
                Ok(Self {
                    $($part: <$part_type as $crate::yaml::Keys<'_>>::from_keys(map)?,)*
                    $($key: map.field(stringify!($key).trim_start_matches("r#"))?,)*
                })
            }

            fn properties(
                definitions: &mut $crate::yaml::Definitions,
            ) -> Vec<$crate::yaml::Property> {
                let mut properties = Vec::new();
                $(properties.extend(<$part_type as $crate::yaml::Keys<'_>>::properties(definitions));)*
                let keyed: Vec<$crate::yaml::Property> = vec![$($crate::yaml::Property::new::<$type>(
                    stringify!($key).trim_start_matches("r#"),
                    concat!($($doc),+),
                    definitions,
                )),*];
                properties.extend(keyed);
                properties
            }
        }

        impl<'d> $crate::yaml::FromYaml<'d> for $name $(<$life>)? {
            fn from_yaml(map: &$crate::yaml::Cursor<'d>) -> Result<Self, $crate::yaml::Error> {
                let misplaced: &[&[$crate::yaml::Misplaced<'_>]] = &[$($misplaced)?];
                let expected: &[&str] = &[$($expected,)? "a map"];
                map.check_keys(expected[0], &<Self as $crate::yaml::Keys<'_>>::keys(), &misplaced.concat())?;
                $crate::yaml::Keys::from_keys(map)
            }

            fn schema(definitions: &mut $crate::yaml::Definitions) -> $crate::yaml::Schema {
                let rules = [$($rules,)? $crate::yaml::Schema::Null];
                definitions.define(stringify!($name), |definitions| {
                    $crate::yaml::object::<Self>(concat!("" $(, $about)*), &rules[0], definitions)
                })
            }
        }
    )*};
}
pub(crate) use source;
