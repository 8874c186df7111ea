//! What a `CloudFormation` template says, also one that SAM transforms or that CDK wrote.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Front, Function, Parts, Route, literal, path};

/// Resources that name the functions that requests reach, authorizers among them.
const FRONTS: [&str; 4] = [
    "AWS::ApiGateway",
    "AWS::Lambda::Url",
    "AWS::Serverless::Api",
    "AWS::Serverless::HttpApi",
];
/// The most parts of a REST API's path, so that resources in a circle end.
const DEEPEST: usize = 32;

/// Whether SAM transforms it.
pub(super) fn is_sam(template: &Value) -> bool {
    let is_sam = |value: &Value| value == "AWS::Serverless-2016-10-31";
    let transform = template.get("Transform").unwrap_or(&Value::Null);
    let list = transform.as_array().map(|list| list.iter().any(is_sam));
    list.unwrap_or_else(|| is_sam(transform))
}

/// Reads the resources.
pub(super) fn read(template: &Value) -> Parts {
    let mut reader = Reader {
        resources: template.get("Resources").unwrap_or(&Value::Null),
        globals: template.pointer("/Globals/Function"),
        parts: Parts::default(),
        reached: BTreeSet::new(),
        aliases: BTreeMap::new(),
    };
    let resources = reader.resources.as_object().into_iter().flatten();
    for (id, resource) in resources {
        reader.resource(id, resource);
    }
    let Reader {
        mut parts,
        mut reached,
        mut aliases,
        ..
    } = reader;
    for function in &mut parts.functions {
        let alias = aliases.remove(&function.id);
        if let Some((_, alias)) = alias.filter(|(id, _)| reached.contains(id)) {
            reached.insert(function.id.clone());
            function.alias = Some(alias);
        }
    }
    // Others are behind queues, or are CDK's own.
    let is_reached = |function: &Function| reached.contains(&function.id);
    if parts.functions.iter().any(is_reached) {
        parts.functions.retain(is_reached);
    }
    parts
}

struct Reader<'t> {
    resources: &'t Value,
    globals: Option<&'t Value>,
    parts: Parts,
    /// Keys that a front names.
    reached: BTreeSet<String>,
    /// By the key of the function: that of its alias, and the alias.
    aliases: BTreeMap<String, (String, String)>,
}

impl<'t> Reader<'t> {
    fn resource(&mut self, id: &str, resource: &'t Value) {
        if id.starts_with("Fn::") {
            let unknown = "CloudFormation makes resources by a function, which init does not read";
            self.parts.unknown.insert(unknown);
        }
        let kind = resource.get("Type").and_then(Value::as_str);
        let (kind, own) = (kind.unwrap_or_default(), properties(resource));
        let text = |key: &str| own.get(key).and_then(Value::as_str);
        if FRONTS.iter().any(|front| kind.starts_with(front)) {
            mentions(own, &mut self.reached);
        }
        let route = match kind {
            "AWS::Serverless::Function" => return self.sam_function(id, own),
            "AWS::Lambda::Function" => return self.function(id, own, None),
            "AWS::Lambda::Alias" => {
                let function = reference(own.get("FunctionName"));
                if let (Some(function), Some(alias)) = (function, literal(own.get("Name"))) {
                    let alias = (id.to_owned(), alias);
                    self.aliases.insert(function.to_owned(), alias);
                }
                return;
            }
            "AWS::Lambda::Url" => Route::new("ANY", "/".to_owned(), Front::FunctionUrl, id),
            "AWS::ApiGatewayV2::Route" => {
                let api = reference(own.get("ApiId")).unwrap_or_default();
                let protocol = self.properties_of(api).get("ProtocolType");
                let key = text("RouteKey").unwrap_or_default();
                let (method, path) = key.split_once(' ').unwrap_or(("ANY", "/"));
                let route = Route::new(method, path.to_owned(), Front::Http, api);
                route.filter(|_| protocol.is_none_or(|protocol| protocol != "WEBSOCKET"))
            }
            "AWS::ApiGateway::Method" => {
                let api = reference(own.get("RestApiId")).unwrap_or_default();
                let path = self.resource_path(own.get("ResourceId"));
                let method = text("HttpMethod").unwrap_or_default();
                path.and_then(|path| Route::new(method, path, Front::Rest, api))
            }
            _ => None,
        };
        self.parts.routes.extend(route);
    }

    fn function(&mut self, id: &str, own: &Value, alias: Option<String>) {
        // A key in a template has letters and digits alone.
        if id.chars().all(|c| c.is_ascii_alphanumeric()) {
            self.parts.functions.push(Function {
                id: id.to_owned(),
                name: literal(own.get("FunctionName")),
                alias,
            });
        }
    }

    fn sam_function(&mut self, id: &str, own: &'t Value) {
        let globals = self.globals;
        let of = |key: &str| own.get(key).or_else(|| globals?.get(key));
        self.function(id, own, literal(of("AutoPublishAlias")));
        let before = self.parts.routes.len();
        let url = of("FunctionUrlConfig");
        let url = url.and_then(|_| Route::new("ANY", "/".to_owned(), Front::FunctionUrl, id));
        self.parts.routes.extend(url);
        let events = own.get("Events").and_then(Value::as_object);
        for event in events.into_iter().flat_map(Map::values) {
            let own = properties(event);
            let (kind, api, implicit) = match event.get("Type").and_then(Value::as_str) {
                Some("Api") => (Front::Rest, own.get("RestApiId"), "ServerlessRestApi"),
                Some("HttpApi") => (Front::Http, own.get("ApiId"), "ServerlessHttpApi"),
                Some(_) | None => continue,
            };
            let method = own.get("Method").and_then(Value::as_str);
            // An HTTP API without a path takes what no other route takes.
            let path = own.get("Path").map_or_else(|| "/".to_owned(), path);
            let api = reference(api).unwrap_or(implicit);
            let route = Route::new(method.unwrap_or("ANY"), path, kind, api);
            self.parts.routes.extend(route);
        }
        if self.parts.routes.len() > before {
            self.reached.insert(id.to_owned());
        }
    }

    /// The path of a REST API's resource, part by part up to the root.
    fn resource_path(&self, mut at: Option<&'t Value>) -> Option<String> {
        let mut below = String::new();
        for _ in 0..DEEPEST {
            let Some(id) = reference(at) else {
                let root = if below.is_empty() { "/" } else { &below };
                return at?.get("Fn::GetAtt").map(|_| root.to_owned());
            };
            let own = self.properties_of(id);
            below = format!("/{}{below}", path(own.get("PathPart")?));
            at = own.get("ParentId");
        }
        None
    }

    fn properties_of(&self, id: &str) -> &'t Value {
        self.resources.get(id).map_or(&Value::Null, properties)
    }
}

fn properties(resource: &Value) -> &Value {
    resource.get("Properties").unwrap_or(&Value::Null)
}

/// The key that a value refers to.
fn reference(value: Option<&Value>) -> Option<&str> {
    value?.get("Ref")?.as_str()
}

/// Adds every resource that a value names.
fn mentions(value: &Value, found: &mut BTreeSet<String>) {
    let first = |text: &str| text.split(['.', '}']).next().map(str::to_owned);
    match value {
        Value::String(text) => found.extend(text.split("${").skip(1).filter_map(first)),
        Value::Array(items) => items.iter().for_each(|item| mentions(item, found)),
        Value::Object(map) => {
            for (key, value) in map {
                if key == "Ref" || key == "Fn::GetAtt" {
                    let name = value.as_array().and_then(|parts| parts.first());
                    let name = name.unwrap_or(value).as_str();
                    found.extend(name.and_then(first));
                }
                mentions(value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
