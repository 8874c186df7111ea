//! What an OpenAPI file says that can be loaded without knowing more: its GETs without required values.

use std::path::Path;

use serde_json::Value;

use crate::files;

/// Where such a file lies by convention.
const PLACES: [&str; 9] = [
    "openapi.yaml",
    "openapi.yml",
    "openapi.json",
    "api/openapi.yaml",
    "api/openapi.yml",
    "api/openapi.json",
    "docs/openapi.yaml",
    "docs/openapi.yml",
    "docs/openapi.json",
];

/// Requests of a starter gate at most: more dilute each other's samples.
const MOST: usize = 8;

/// The first file by convention, and the paths of GETs that need nothing; none where there is none.
pub(super) fn find(root: &Path) -> Option<(String, Vec<String>)> {
    PLACES.into_iter().find_map(|place| {
        let text = files::read(&root.join(place)).ok()?;
        let paths = paths(&serde_saphyr::from_str(&text).ok()?);
        (!paths.is_empty()).then(|| (place.to_owned(), paths))
    })
}

fn paths(api: &Value) -> Vec<String> {
    let Some(paths) = api.get("paths").and_then(Value::as_object) else {
        return Vec::new();
    };
    let plain = paths.iter().filter(|(path, item)| {
        let is_plain = path.starts_with('/') && path.chars().all(is_plain);
        is_plain && item.get("get").is_some_and(|get| !asks(get) && !asks(item))
    });
    plain.map(|(path, _)| path.clone()).take(MOST).collect()
}

/// What needs no thought in a URL or in YAML; braces are values that a path needs.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "/-_.".contains(c)
}

/// Whether a value must be given.
fn asks(item: &Value) -> bool {
    let parameters = item.get("parameters").and_then(Value::as_array);
    parameters.into_iter().flatten().any(|parameter| {
        // What is written elsewhere may ask for anything.
        parameter.get("$ref").is_some()
            || parameter.get("required").and_then(Value::as_bool) == Some(true)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_gets_that_need_nothing_are_taken() {
        let api = json!({ "paths": {
            "/items": { "get": { "parameters": [{ "name": "limit", "required": false }] } },
            "/items/{id}": { "get": {} },
            "/orders": { "post": {} },
            "/search": { "get": { "parameters": [{ "name": "q", "required": true }] } },
            "/a: }\n- b": { "get": {} },
            "/health": { "get": {} },
        }});
        assert_eq!(paths(&api), ["/items", "/health"]);
    }
}
