//! Which values are secret: those named like a secret, and those that go where secrets go or come from where they are.
//!
//! Secrets go into credentials, headers, query parameters, form fields and JSON fields that are named like a secret, and behind
//! such a name in other text. A value gets there by an expression that names it, also through other variables and what tasks
//! set.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use serde_json_path::JsonPath;

use super::template::{Segment, names_in, split, texts};
use super::{Action, Body, Capture, Expect, Request, Scenario, Source, Template};
use crate::redact::{names_secret, without_credentials};

/// The names of variables that hold a secret of `set`: those that it sets, and those that are made of them.
pub(super) fn holders(
    scenario: &Scenario,
    written: &BTreeMap<String, Value>,
    set: &BTreeMap<String, String>,
) -> BTreeSet<String> {
    if set.is_empty() {
        return BTreeSet::new();
    }
    let parts = Parts::new(scenario, written);
    let found = parts.behind(used(scenario));
    let given = set.keys().filter(|name| found.contains(*name)).cloned();
    let mut holders = parts.made_of(given.collect());
    holders.retain(|name| written.contains_key(name));
    holders
}

/// The names of all values that are secret, beside variables that are `known` to be: for what is rendered as users run.
pub(super) fn names(
    scenario: &Scenario,
    written: &BTreeMap<String, Value>,
    known: BTreeSet<String>,
) -> BTreeSet<String> {
    let parts = Parts::new(scenario, written);
    let mut found = parts.behind(used(scenario));
    found.extend(known);
    found.insert("env".to_owned());
    found.extend(scenario.steps().flat_map(|step| captured(&step.action)));
    parts.made_of(found)
}

/// What variables, and what tasks set, are made of.
struct Parts<'s>(BTreeMap<&'s str, BTreeSet<String>>);

impl<'s> Parts<'s> {
    fn new(scenario: &'s Scenario, written: &'s BTreeMap<String, Value>) -> Self {
        let tasks = scenario.user_classes.iter().flat_map(|class| &class.tasks);
        let set = tasks.flat_map(|task| &task.set);
        let set = set.map(|(name, value)| (name, value.source()));
        let mut parts: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (name, value) in written.iter().chain(set) {
            collect_names(value, parts.entry(name).or_default());
        }
        Self(parts)
    }

    /// The names of secrets, with those that these and all that is named like a secret are made of.
    fn behind(&self, mut found: BTreeSet<String>) -> BTreeSet<String> {
        let named = self.0.keys().filter(|name| names_secret(name));
        found.extend(named.map(|name| (*name).to_owned()));
        let mut open: Vec<String> = found.iter().cloned().collect();
        while let Some(name) = open.pop() {
            for part in self.0.get(name.as_str()).into_iter().flatten() {
                if found.insert(part.clone()) {
                    open.push(part.clone());
                }
            }
        }
        found
    }

    /// The names, with all that is made of them.
    fn made_of(&self, mut found: BTreeSet<String>) -> BTreeSet<String> {
        loop {
            let made = self.0.iter().filter(|(_, own)| !own.is_disjoint(&found));
            let made = made.filter(|(name, _)| !found.contains(**name));
            let more: Vec<String> = made.map(|(name, _)| (*name).to_owned()).collect();
            if more.is_empty() {
                return found;
            }
            found.extend(more);
        }
    }
}

/// The names that expressions name where secrets go.
fn used(scenario: &Scenario) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for auth in scenario.user_classes.iter().flat_map(|class| &class.auth) {
        found.extend(auth.secrets().flat_map(|secret| names_in(secret.source())));
    }
    for step in scenario.steps() {
        match &step.action {
            Action::Request(request) => collect_request(request, &mut found),
            Action::Command(command) => {
                let arguments: Vec<&str> = command.arguments.iter().map(Template::source).collect();
                collect_text(&arguments.join(" "), &mut found);
            }
            Action::Think(_) => {}
        }
    }
    found
}

/// The names of what is captured from where secrets are.
fn captured(action: &Action) -> Vec<String> {
    let is_secret = |capture: &&Capture| {
        names_secret(&capture.variable)
            || match &capture.from {
                Source::Json(path) => leads_to_secret(path),
                Source::Header(name) => names_secret(name),
            }
    };
    match action {
        Action::Request(request) => {
            let secret = request.capture.iter().filter(is_secret);
            secret.map(|capture| capture.variable.clone()).collect()
        }
        Action::Command(command) => {
            let captures = command.capture.iter();
            let secret =
                captures.filter(|(name, path)| names_secret(name) || leads_to_secret(path));
            secret.map(|(name, _)| name.clone()).collect()
        }
        Action::Think(_) => Vec::new(),
    }
}

/// Whether a place in JSON is named like a secret, or lies within one that is.
fn leads_to_secret(path: &JsonPath) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let path = path.to_string();
    path.split(|c| !is_of_name(c)).any(names_secret)
}

fn collect_request(request: &Request, found: &mut BTreeSet<String>) {
    let mut named = vec![&request.headers, &request.query];
    match &request.body {
        Some(Body::Form(form)) => named.push(form),
        Some(Body::Json(json)) => collect_json(json.source(), found),
        Some(Body::Raw(text)) => collect_text(text.source(), found),
        Some(Body::File(_)) | None => {}
    }
    for (name, template) in named.into_iter().flatten() {
        collect_named(name, template, found);
    }
    // Parameters of the query, and of segments as in `/items;token=1`.
    collect_text(request.path.source(), found);
    collect_expect(&request.expect, found);
}

fn collect_expect(expect: &Expect, found: &mut BTreeSet<String>) {
    for check in &expect.json {
        match check.wanted.value() {
            Some(wanted) if leads_to_secret(&check.path) => collect_names(wanted.source(), found),
            Some(wanted) => collect_json(wanted.source(), found),
            None => {}
        }
    }
    for check in &expect.header {
        if let Some(wanted) = check.wanted.value() {
            collect_named(&check.header, wanted, found);
        }
    }
    for wanted in &expect.body {
        collect_text(wanted.source(), found);
    }
}

/// What stands in a field of this name.
fn collect_named(name: &str, template: &Template, found: &mut BTreeSet<String>) {
    if names_secret(name) {
        found.extend(names_in(template.source()));
    } else {
        collect_text(template.source(), found);
    }
}

/// What stands in JSON under the names of secrets.
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
        Value::String(text) => collect_text(text, found),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What stands in text where [`without_credentials`] hides something: behind the name of a secret, behind `Bearer`, or as the
/// password of an address.
fn collect_text(text: &str, found: &mut BTreeSet<String>) {
    if !text.contains("{{") {
        return;
    }
    let segments = split(text).unwrap_or_default();
    let (mut filled, mut stand_ins) = (String::new(), Vec::new());
    for segment in &segments {
        match segment {
            Segment::Literal(text) => filled += text,
            Segment::Expression(source) => {
                let stand_in = format!("expression{}.", stand_ins.len());
                filled += &stand_in;
                stand_ins.push((stand_in, source));
            }
        }
    }
    let left = without_credentials(&filled);
    for (_, source) in stand_ins.iter().filter(|(it, _)| !left.contains(it)) {
        found.extend(names_in(&format!("{{{{ {source} }}}}")));
    }
}

/// The names that the texts in a value name.
fn collect_names(value: &Value, found: &mut BTreeSet<String>) {
    found.extend(texts(value).flat_map(names_in));
}
