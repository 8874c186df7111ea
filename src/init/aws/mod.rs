//! Projects that deploy Lambda functions: their routes and functions, as far as their files say them.

mod serverless;
mod template;
#[cfg(test)]
mod tests;
pub(super) mod texts;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::document;
use super::openapi::is_plain;
use crate::files::Repository;

/// CDK's templates that are read at most. An app rarely has more stacks.
const MOST_TEMPLATES: usize = 20;
/// Files of CDK's output that are looked at: assets lie beside the templates.
const MOST_FILES: usize = 10_000;

/// The tool that deploys a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    Sam,
    Serverless,
    Cdk,
    Sst,
}

/// A project that deploys Lambda functions.
#[derive(Debug)]
pub(super) struct Project {
    tool: Tool,
    /// What its routes are read from.
    file: String,
    /// The stack of the candidate, which is deployed beside the live one.
    stack: String,
    parts: Parts,
}

/// What the files of a project say.
#[derive(Debug, Default)]
struct Parts {
    /// The name of the whole.
    service: Option<String>,
    region: Option<String>,
    functions: Vec<Function>,
    routes: Vec<Route>,
    /// What they do not say.
    unknown: BTreeSet<&'static str>,
}

/// A Lambda function behind the routes.
#[derive(Debug, PartialEq)]
struct Function {
    /// Its key in the file.
    id: String,
    /// Its name; none if the deployment makes one.
    name: Option<String>,
    alias: Option<String>,
}

/// A method of a path.
#[derive(Debug, PartialEq)]
struct Route {
    /// In capital letters; `ANY` for all.
    method: String,
    /// From the root of the stage, as far as the file says it.
    path: String,
    kind: Front,
    /// The key of the API, or of the function with a URL.
    front: String,
}

/// What has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Front {
    Rest,
    Http,
    FunctionUrl,
}

/// Looks for a project. Also returns each file that could not be used, and why.
pub(super) fn find(root: &Path) -> (Option<Project>, Vec<(String, String)>) {
    let mut unused = Vec::new();
    let Ok(repository) = Repository::of(root, root) else {
        return (None, unused);
    };
    let mut read = |file: &str| match document::read(&repository, &root.join(file))? {
        Ok(value) => Some(value),
        Err(why) => {
            unused.push((file.to_owned(), why));
            None
        }
    };
    let mut found = None;
    for (tool, stem) in [(Tool::Sam, "template"), (Tool::Serverless, "serverless")] {
        for file in ["yaml", "yml", "json"].map(|end| format!("{stem}.{end}")) {
            let parts = read(&file).and_then(|value| match tool {
                Tool::Sam => template::is_sam(&value).then(|| template::read(&value)),
                Tool::Serverless | Tool::Cdk | Tool::Sst => serverless::read(&value),
            });
            found = found.or(parts.map(|parts| (tool, file, parts)));
        }
    }
    let has = |file: &str| root.join(file).is_file();
    if found.is_none() && has("cdk.json") {
        found = Some((Tool::Cdk, "cdk.out".to_owned(), cdk(root, read)));
    } else if found.is_none() && has("sst.config.ts") {
        let mut parts = Parts::default();
        let unknown = "sst.config.ts is a program, so init cannot read its routes: add them here";
        parts.unknown.insert(unknown);
        found = Some((Tool::Sst, "sst.config.ts".to_owned(), parts));
    }
    let project = found.map(|(tool, file, parts)| {
        let folder = root.canonicalize().ok();
        let folder = folder.as_deref().and_then(Path::file_name);
        let folder = folder.unwrap_or_default().to_string_lossy();
        let stack = stack(parts.service.as_deref().unwrap_or(&folder));
        Project {
            tool,
            file,
            stack,
            parts,
        }
    });
    (project, unused)
}

/// What the templates say that `cdk synth` wrote.
fn cdk(root: &Path, mut read: impl FnMut(&str) -> Option<Value>) -> Parts {
    let entries = std::fs::read_dir(root.join("cdk.out")).into_iter();
    let names = entries.flatten().take(MOST_FILES).flatten();
    let mut names: Vec<String> = names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".template.json"))
        .collect();
    names.sort();
    let mut parts = Parts::default();
    for name in names.iter().take(MOST_TEMPLATES) {
        let more = read(&format!("cdk.out/{name}")).map(|template| template::read(&template));
        let more = more.unwrap_or_default();
        parts.functions.extend(more.functions);
        parts.routes.extend(more.routes);
        parts.unknown.extend(more.unknown);
    }
    if parts.routes.is_empty() {
        parts.unknown.insert(
            "a CDK app is a program, and cdk.out has no routes: add them here, or run 'cdk synth' before init",
        );
    }
    parts
}

/// The candidate's stack of a service.
fn stack(service: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = service.chars().map(plain).take(60).collect();
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    format!("{}{name}-candidate", if begins { "" } else { "app-" })
}

/// A word that a file writes as it is: a name of a function, an alias, a service or a region.
fn literal(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let is_word = (1..=140).contains(&text.len()) && text.chars().all(is_plain);
    is_word.then(|| text.to_owned())
}

/// A path as far as the file says it.
fn path(value: &Value) -> String {
    let value = value.get("Fn::Sub").unwrap_or(value);
    let parts = value.as_array().and_then(|parts| parts.first());
    let text = parts.unwrap_or(value).as_str();
    text.unwrap_or("${PATH}").chars().take(200).collect()
}

impl Route {
    /// A route; none if the method is not one.
    fn new(method: &str, path: String, kind: Front, front: &str) -> Option<Self> {
        let mut method = method.to_ascii_uppercase();
        if method == "*" {
            "ANY".clone_into(&mut method);
        }
        let methods = [
            "ANY", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS",
        ];
        methods.contains(&&*method).then(|| Self {
            method,
            path,
            kind,
            front: front.to_owned(),
        })
    }

    /// Why it is not loaded as it is; none if it is.
    fn reason(&self) -> Option<&'static str> {
        let is_read = ["GET", "ANY"].contains(&&*self.method);
        match &*self.path {
            path if path.contains("${") || !path.starts_with('/') => {
                Some("its path is computed: write it here")
            }
            _ if !is_read => Some("may change data: add its body, or leave it out"),
            path if path.contains('{') => Some("give each value in 'variables'"),
            path if !path.chars().all(is_plain) => Some("check its path"),
            _ => None,
        }
    }
}

impl Project {
    /// What the gate loads: the front of the first route that can be loaded, else of the first route.
    fn front(&self) -> Option<(Front, &str)> {
        let routes = &self.parts.routes;
        let loadable = routes.iter().find(|route| route.reason().is_none());
        let route = loadable.or(routes.first())?;
        Some((route.kind, &route.front))
    }

    fn region(&self) -> Option<&str> {
        self.parts.region.as_deref()
    }

    /// The routes of that front.
    fn routes(&self) -> impl Iterator<Item = &Route> {
        let front = self.front();
        let routes = self.parts.routes.iter();
        routes.filter(move |route| Some((route.kind, &*route.front)) == front)
    }

    /// What the gate was made of; none if the files give nothing to load.
    pub(super) fn origin(&self) -> Option<String> {
        let loaded = self.routes().filter(|route| route.reason().is_none());
        let (all, loaded) = (self.routes().count(), loaded.count());
        (loaded > 0).then(|| format!(", of {loaded} of {all} routes in {}", self.file))
    }
}
