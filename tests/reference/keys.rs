//! The keys of a file as a page: a table for each object of its JSON Schema.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{code, description, table};

/// A page of all keys in a schema, below a head.
pub(super) fn keys(head: &str, schema: &Value) -> String {
    let mut keys = Keys {
        schema,
        objects: vec![("Keys of the file".to_owned(), schema.clone())],
        types: BTreeMap::new(),
    };
    let mut page = format!("{head}\n\n");
    let mut next = 0;
    while let Some((title, object)) = keys.objects.get(next).cloned() {
        page += &keys.section(&title, &object);
        next += 1;
    }
    let types: BTreeMap<_, _> = keys
        .types
        .iter()
        .map(|(text, title)| (title, text))
        .collect();
    let types: Vec<_> = types
        .into_iter()
        .map(|(title, text)| [title.clone(), text.clone()])
        .collect();
    let types = table(["Type", "Values"], &types);
    format!("{page}## Types\n\n{types}")
}

struct Keys<'s> {
    schema: &'s Value,
    /// Objects by title, in the order in which they are reached.
    objects: Vec<(String, Value)>,
    /// Titles of simple types, by what they hold.
    types: BTreeMap<String, String>,
}

impl Keys<'_> {
    fn section(&mut self, title: &str, object: &Value) -> String {
        let required: Vec<&str> = strings(&object["required"]);
        let mut rows = Vec::new();
        for (key, schema) in object["properties"].as_object().unwrap() {
            let kind = self.kind(key, schema);
            let text = match description(schema) {
                text if text.is_empty() => description(&self.resolved(schema)),
                text => text,
            };
            let text = match schema.get("default") {
                Some(default) => format!("{text}. Default: `{default}`"),
                None => text,
            };
            let need = if required.contains(&&**key) {
                "yes"
            } else {
                ""
            };
            rows.push([code(key), kind, need.to_owned(), text]);
        }
        let about = [description(object), alternatives(object)];
        let about = about.iter().filter(|text| !text.is_empty());
        let about: Vec<_> = about
            .map(|text| text.trim_end_matches('.').to_owned() + ".\n\n")
            .collect();
        let about = about.concat();
        let rows = table(["Key", "Type", "Required", "Description"], &rows);
        format!("## {title}\n\n{about}{rows}")
    }

    /// The definition that a schema refers to, or itself.
    fn resolved(&self, schema: &Value) -> Value {
        let name = schema["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next());
        name.map_or(schema, |name| &self.schema["$defs"][name])
            .clone()
    }

    /// What a value may be, with links to objects and types.
    fn kind(&mut self, key: &str, schema: &Value) -> String {
        if let Some(path) = schema["$ref"].as_str() {
            let target = self.resolved(schema);
            let title = title(key, path.rsplit('/').next().unwrap());
            if target.get("properties").is_some() {
                return self.object(title, target);
            }
            return match &*meaning(&target) {
                "" => self.kind(key, &target),
                text => {
                    let title = self.types.entry(text.to_owned()).or_insert(title);
                    format!("[{title}](#types)")
                }
            };
        }
        if schema.get("properties").is_some() {
            return self.object(key.to_owned(), schema.clone());
        }
        if let Some(values) = schema["enum"].as_array() {
            return either(codes(values));
        }
        for choice in ["anyOf", "oneOf", "allOf"] {
            let variants = schema[choice].as_array().into_iter().flatten();
            let mut kinds: Vec<String> = variants.map(|variant| self.kind(key, variant)).collect();
            kinds.retain(|kind| kind != ANY);
            if !kinds.is_empty() {
                return either(kinds);
            }
        }
        let types = match schema["type"].as_str() {
            Some(name) => vec![name],
            None => strings(&schema["type"]),
        };
        let types = types.into_iter().filter(|name| *name != "null");
        let types: Vec<String> = types.map(|name| self.simple(key, name, schema)).collect();
        if types.is_empty() {
            ANY.to_owned()
        } else {
            either(types)
        }
    }

    fn simple(&mut self, key: &str, name: &str, schema: &Value) -> String {
        match (name, &schema["minimum"], &schema["maximum"]) {
            ("array", ..) => format!("list of {}", self.kind(key, &schema["items"])),
            ("object", ..) => match self.kind(key, &schema["additionalProperties"]) {
                kind if kind == ANY => "map".to_owned(),
                kind => format!("map of {kind}"),
            },
            ("string", ..) => "text".to_owned(),
            ("integer", Value::Number(from), Value::Number(to)) => {
                format!("integer from {from} to {to}")
            }
            ("integer", Value::Number(from), _) => format!("integer from {from}"),
            _ => name.to_owned(),
        }
    }

    /// Links an object, and lists it if it is new.
    fn object(&mut self, title: String, object: Value) -> String {
        let anchor = title.replace(' ', "-");
        let link = format!("[{title}](#{anchor})");
        if self.objects.iter().all(|(known, _)| *known != title) {
            self.objects.push((title, object));
        }
        link
    }
}

/// What a named type stands for; nothing if its kind says it all.
fn meaning(schema: &Value) -> String {
    let long = schema["enum"].as_array().filter(|values| values.len() > 4);
    long.map_or_else(|| description(schema), |values| codes(values).join(", "))
}

/// The values of an enumeration.
fn codes(values: &[Value]) -> Vec<String> {
    let values = values.iter().map(Value::to_string);
    values.map(|value| code(value.trim_matches('"'))).collect()
}

const ANY: &str = "any value";

fn strings(value: &Value) -> Vec<&str> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).collect()
}

fn either(mut kinds: Vec<String>) -> String {
    let mut seen = Vec::new();
    kinds.retain(|kind| {
        let is_new = !seen.contains(kind);
        seen.push(kind.clone());
        is_new
    });
    kinds.join(" or ")
}

/// The title of a definition: the key that leads to it if they are named alike, else its name in words.
fn title(key: &str, name: &str) -> String {
    if key.replace('_', "") == name.to_lowercase() {
        return key.to_owned();
    }
    let mut words = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

/// Which keys of an object need each other.
fn alternatives(object: &Value) -> String {
    let variants = ["anyOf", "oneOf"]
        .iter()
        .filter_map(|choice| object[choice].as_array());
    let variants: Vec<_> = variants
        .flatten()
        .map(|variant| strings(&variant["required"]))
        .filter(|keys| !keys.is_empty())
        .map(|keys| keys.into_iter().map(code).collect::<Vec<_>>().join(" and "))
        .collect();
    if variants.is_empty() {
        return String::new();
    }
    format!("Requires {}", variants.join(", or "))
}
