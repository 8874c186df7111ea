//! What a `serverless.yml` says.

use serde_json::Value;

use super::{Front, Function, Parts, Route, literal, path, stack};

const OTHER_FILE: &str = "functions and events of other files were not read: add their routes here";
const SERVICE: &str = "'service' is computed: write its value for SERVICE everywhere";

/// Reads a service on AWS; none if it is another cloud's, or no service.
pub(super) fn read(file: &Value) -> Option<Parts> {
    let (service, provider) = (file.get("service")?, file.get("provider")?);
    if provider.get("name").unwrap_or(provider) != "aws" {
        return None;
    }
    let mut parts = Parts {
        region: literal(provider.get("region")),
        service: literal(Some(service.get("name").unwrap_or(service))),
        ..Parts::default()
    };
    if parts.service.is_none() {
        parts.unknown.insert(SERVICE);
        parts.service = Some("SERVICE".to_owned());
    }
    let functions = file.get("functions").unwrap_or(&Value::Null);
    // A list joins the maps of several files.
    let list = functions.as_array().map(Vec::as_slice);
    for map in list.unwrap_or(std::slice::from_ref(functions)) {
        for (id, function) in map.as_object().into_iter().flatten() {
            read_function(id, function, &mut parts);
        }
        if map.is_string() {
            parts.unknown.insert(OTHER_FILE);
        }
    }
    Some(parts)
}

fn read_function(id: &str, function: &Value, parts: &mut Parts) {
    let before = parts.routes.len();
    let url = function.get("url");
    if url.is_some_and(|url| url == true || url.is_object()) {
        let route = Route::new("ANY", "/".to_owned(), Front::FunctionUrl, id);
        parts.routes.extend(route);
    }
    let events = function.get("events").unwrap_or(&Value::Null);
    for event in events.as_array().into_iter().flatten() {
        for (key, kind) in [("http", Front::Rest), ("httpApi", Front::Http)] {
            let route = event.get(key).and_then(|event| route(event, kind));
            parts.routes.extend(route);
        }
    }
    if [function, events].iter().any(|value| value.is_string()) {
        parts.unknown.insert(OTHER_FILE);
    }
    let id = literal(Some(&Value::from(id)));
    if let (Some(id), true) = (id, parts.routes.len() > before) {
        let service = parts.service.as_deref().unwrap_or_default();
        let name = literal(function.get("name"));
        parts.functions.push(Function {
            name: name.or_else(|| Some(format!("{}-{id}", stack(service)))),
            id,
            alias: None,
        });
    }
}

/// Reads `GET /items`, or a map of method and path.
fn route(event: &Value, kind: Front) -> Option<Route> {
    let part = |key: &str| event.get(key);
    let (method, path) = match event.as_str() {
        Some(text) => {
            let (method, path) = text.split_once(' ').unwrap_or((text, "/"));
            (method, path.trim().to_owned())
        }
        None => (
            part("method").and_then(Value::as_str).unwrap_or("*"),
            part("path").map_or_else(|| "/".to_owned(), path),
        ),
    };
    // The path of a REST API may be written without its slash.
    let slash = if path.starts_with(['/', '$']) {
        ""
    } else {
        "/"
    };
    Route::new(method, format!("{slash}{path}"), kind, "")
}
