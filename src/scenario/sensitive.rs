//! Finds the values of `--set` that are secret: those with the name of a secret, and those that are used as one.
//!
//! Secrets are used in credentials, and in headers, query parameters, form fields and JSON fields with the name of a secret.
//! Expressions use a value directly, through other variables, or through the values that tasks set.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::template::names_in;
use super::{Action, Auth, Body, Request, Scenario};
use crate::redact::names_secret;

/// The names of variables that hold a secret of `set`: those that it sets, and those that use them.
pub(super) fn holders(
    scenario: &Scenario,
    written: &BTreeMap<String, Value>,
    set: &BTreeMap<String, String>,
) -> BTreeSet<String> {
    if set.is_empty() {
        return BTreeSet::new();
    }
    let tasks = || scenario.user_classes.iter().flat_map(|class| &class.tasks);
    let set_by_tasks = tasks()
        .flat_map(|task| &task.set)
        .map(|(name, value)| (name, value.source()));
    let mut parts: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, value) in written.iter().chain(set_by_tasks) {
        collect_names(value, parts.entry(name).or_default());
    }
    let mut found = BTreeSet::new();
    for name in parts.keys().filter(|name| names_secret(name)) {
        found.insert((*name).to_owned());
    }
    for class in &scenario.user_classes {
        class
            .auth
            .iter()
            .for_each(|auth| collect_auth(auth, &mut found));
        let steps = class.tasks.iter().flat_map(|task| &task.steps);
        for step in class.on_start.iter().chain(steps) {
            if let Action::Request(request) = &step.action {
                collect_request(request, &mut found);
            }
        }
    }
    add_parts(&mut found, &parts);
    let given = set.keys().filter(|name| found.contains(*name)).cloned();
    add_users(given.collect(), written, &parts)
}

/// Adds the parts of secrets, which are secrets too.
fn add_parts(secrets: &mut BTreeSet<String>, parts: &BTreeMap<&str, BTreeSet<String>>) {
    let mut open: Vec<String> = secrets.iter().cloned().collect();
    while let Some(name) = open.pop() {
        for part in parts.get(name.as_str()).into_iter().flatten() {
            if secrets.insert(part.clone()) {
                open.push(part.clone());
            }
        }
    }
}

/// Adds the variables that use a secret, and so hold it.
fn add_users(
    mut holders: BTreeSet<String>,
    written: &BTreeMap<String, Value>,
    parts: &BTreeMap<&str, BTreeSet<String>>,
) -> BTreeSet<String> {
    loop {
        let uses = |name: &str| parts.get(name).is_some_and(|it| !it.is_disjoint(&holders));
        let others = written.keys().filter(|name| !holders.contains(*name));
        let more: Vec<String> = others.filter(|name| uses(name)).cloned().collect();
        if more.is_empty() {
            return holders;
        }
        holders.extend(more);
    }
}

fn collect_auth(auth: &Auth, found: &mut BTreeSet<String>) {
    let templates = match auth {
        Auth::Bearer(token) => vec![token],
        Auth::Basic { username, password } => vec![username, password],
        Auth::ApiKey { value, .. } => vec![value],
        Auth::AwsSigV4(signature) => [&signature.access_key, &signature.secret_key]
            .into_iter()
            .chain(&signature.session_token)
            .collect(),
    };
    for template in templates {
        found.extend(names_in(template.source()));
    }
}

fn collect_request(request: &Request, found: &mut BTreeSet<String>) {
    let form = match &request.body {
        Some(Body::Form(form)) => form.as_slice(),
        Some(Body::Json(json)) => {
            collect_json(json.source(), found);
            &[]
        }
        Some(Body::Raw(_) | Body::File(_)) | None => &[],
    };
    let pairs = request.headers.iter().chain(&request.query).chain(form);
    for (_, template) in pairs.filter(|(name, _)| names_secret(name)) {
        found.extend(names_in(template.source()));
    }
    let query = request.path.source().split_once('?');
    for pair in query.into_iter().flat_map(|(_, query)| query.split('&')) {
        if let Some((_, value)) = pair.split_once('=').filter(|(name, _)| names_secret(name)) {
            found.extend(names_in(value));
        }
    }
}

/// Collects the names used in JSON fields with the name of a secret.
fn collect_json(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if names_secret(name) {
                    collect_names(value, found);
                } else {
                    collect_json(value, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_json(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Collects the names used in the texts of a value.
fn collect_names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => found.extend(names_in(text)),
        Value::Array(items) => items.iter().for_each(|item| collect_names(item, found)),
        Value::Object(fields) => fields
            .values()
            .for_each(|field| collect_names(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
