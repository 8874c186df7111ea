//! Types of lists, maps and alternatives in scenario.yml.

use serde_json::json;

use super::expectation::Wanted;
use super::fields::{RowsFile, Text};
use super::model::RowOrder;
use super::source::{HeaderOperator, LoadPhase, OrderedRows, Repeat};
use super::step::Method;
use crate::yaml::{Cursor, Definitions, Error, FromYaml, Keys, Located, Property, Schema};

/// The paths of `include`. `super::include` has replaced them before a file is parsed.
pub(super) struct IncludePaths;

impl FromYaml<'_> for IncludePaths {
    fn from_yaml(_: &Cursor<'_>) -> Result<Self, Error> {
        Ok(Self)
    }

    fn schema(_: &mut Definitions) -> Schema {
        json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}

/// A list of at least one item, some of which may come from included files.
pub(super) struct Items<'d, T> {
    pub(super) at: Cursor<'d>,
    pub(super) items: Vec<Located<'d, T>>,
}

impl<'d, T: FromYaml<'d>> FromYaml<'d> for Items<'d, T> {
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
        Ok(Self {
            at: value.clone(),
            items: value.filled_list()?,
        })
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        let include = definitions.define("IncludedItems", |_| {
            json!({
                "description": "The items of a file",
                "type": "object",
                "properties": { "include": { "type": "string" } },
                "required": ["include"],
                "additionalProperties": false,
            })
        });
        let items = json!({ "anyOf": [include, T::schema(definitions)] });
        json!({ "type": "array", "items": items, "minItems": 1 })
    }
}

/// A phase, or phases that are repeated.
pub(super) enum Block<'d> {
    Phase(Box<LoadPhase<'d>>),
    Repeat(Repeat<'d>),
}

impl<'d> FromYaml<'d> for Block<'d> {
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
        if value.entry("repeat").is_some() {
            Repeat::from_yaml(value).map(Self::Repeat)
        } else {
            Ok(Self::Phase(Box::new(LoadPhase::from_yaml(value)?)))
        }
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        json!({ "anyOf": [Repeat::schema(definitions), LoadPhase::schema(definitions)] })
    }
}

/// A phase within a repeat.
pub(super) struct RepeatedPhase<'d>(pub(super) LoadPhase<'d>);

impl<'d> FromYaml<'d> for RepeatedPhase<'d> {
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
        if value.entry("repeat").is_some() {
            return Err(value.error("a repeat cannot be inside another one; write its phases out"));
        }
        LoadPhase::from_yaml(value).map(Self)
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        LoadPhase::schema(definitions)
    }
}

/// A file of rows, and the order in which they are taken.
pub(super) struct Data<'d> {
    pub(super) file: RowsFile<'d>,
    pub(super) order: RowOrder,
}

impl<'d> FromYaml<'d> for Data<'d> {
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
        let (file, order) = if value.is_map() {
            let rows = OrderedRows::from_yaml(value)?;
            (rows.file, rows.order.unwrap_or_default())
        } else {
            (RowsFile::from_yaml(value)?, RowOrder::default())
        };
        Ok(Self { file, order })
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        json!({ "anyOf": [RowsFile::schema(definitions), OrderedRows::schema(definitions)] })
    }
}

/// The path that a step sends a request to, with its method.
pub(super) struct Methods<'d>(pub(super) Vec<(Method, Text<'d>)>);

impl<'d> Keys<'d> for Methods<'d> {
    fn keys() -> Vec<&'static str> {
        Method::ALL.map(Method::key).to_vec()
    }

    fn from_keys(map: &Cursor<'d>) -> Result<Self, Error> {
        let mut paths = Vec::new();
        for method in Method::ALL {
            let path: Option<Text<'d>> = map.field(method.key())?;
            paths.extend(path.map(|path| (method, path)));
        }
        Ok(Self(paths))
    }

    fn properties(definitions: &mut Definitions) -> Vec<Property> {
        let property = |method: Method| {
            let name = method.as_str();
            let description = format!("Sends a {name} request to this path of the target");
            Property::new::<Option<Text<'d>>>(method.key(), &description, definitions)
        };
        Method::ALL.into_iter().map(property).collect()
    }
}

/// A program and its arguments.
pub(super) struct Arguments<'d> {
    pub(super) at: Cursor<'d>,
    pub(super) items: Vec<Text<'d>>,
}

impl<'d> FromYaml<'d> for Arguments<'d> {
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
        if !value.is_list() {
            return Err(value.error(
                "write the program and its arguments as a list, such as [./sign, \"{{ order }}\"]; no shell reads them, unless it is the program: [sh, -c, …]",
            ));
        }
        Ok(Self {
            at: value.clone(),
            items: value.filled_list()?,
        })
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        json!({ "type": "array", "items": Text::schema(definitions), "minItems": 1 })
    }
}

/// What a header must be.
impl<'d> FromYaml<'d> for Wanted<Text<'d>> {
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
        if !value.is_map() {
            return Text::from_yaml(value).map(Self::Equals);
        }
        let operator = HeaderOperator::from_yaml(value)?;
        match (operator.contains, operator.exists) {
            (Some(text), None) => Ok(Self::Contains(text)),
            (None, Some(exists)) => Ok(Self::Exists(exists)),
            (Some(_), Some(_)) | (None, None) => {
                Err(value.error("needs a text, or one of contains and exists"))
            }
        }
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        json!({ "anyOf": [Text::schema(definitions), HeaderOperator::schema(definitions)] })
    }
}
