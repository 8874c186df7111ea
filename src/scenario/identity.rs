//! The identity of a scenario: a canonical text of everything that decides what is sent, and its hash.
//!
//! Files that differ in comments, in the order of keys, in explicit defaults, in the target or in the value of a secret
//! have the same text. It has one fact per line, so a diff of two texts is readable. It is written by hand, since stored
//! baselines must outlive changes of any serializer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::hex::hex;
use super::number::{self, plain_path};
use super::phases::Block;
use super::{
    Action, Auth, Body, Command, Data, Expect, KeyPlace, Pause, Phase, Request, Scenario, Shape,
    Source, Step, Task, Template, UserClass, Wanted,
};
use crate::yaml::Words as _;

/// The canonical text of a scenario, with the variables that it uses.
pub(super) fn canonical(
    scenario: &Scenario,
    blocks: &[Block],
    variables: &BTreeMap<&str, &Value>,
) -> String {
    let cold = scenario.cold_start.as_ref();
    let tree = record([
        ("name", scenario.name.as_str().into()),
        ("variables", sorted(&json!(variables))),
        ("data", data(scenario)),
        ("http", scenario.http.word().into()),
        (
            "user_classes",
            list(&scenario.user_classes, |class| {
                user_class(class, &scenario.requests)
            }),
        ),
        ("load", list(blocks, block)),
        (
            "cold_start",
            json!(cold.map(|cold| json!({"header": cold.header, "equals": cold.equals}))),
        ),
    ]);
    let mut text = String::new();
    write(&tree, 0, &mut text);
    text
}

/// The SHA-256 of a text, in hex.
pub(super) fn sha256(text: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(text))
}

fn list<T>(items: &[T], item: impl Fn(&T) -> Value) -> Value {
    items.iter().map(item).collect()
}

/// A map without empty fields, so new fields of the format do not change the identity of scenarios that do not use them.
fn record<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let is_there = |value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    };
    let fields = fields.into_iter().filter(|(_, value)| is_there(value));
    Value::Object(fields.map(|(key, value)| (key.to_owned(), value)).collect())
}

fn user_class(class: &UserClass, names: &[String]) -> Value {
    record([
        ("name", class.name.as_str().into()),
        ("weight", class.weight.into()),
        ("wait", pause(class.wait).into()),
        ("cookies", json!(class.cookies.then_some(true))),
        ("auth", pairs(class.auth.iter().map(auth))),
        ("on_start", list(&class.on_start, |it| step(it, names))),
        ("tasks", list(&class.tasks, |it| task(it, names))),
    ])
}

/// The data that users take rows of: its content, and not its path.
fn data(scenario: &Scenario) -> Value {
    let classes = scenario.user_classes.iter();
    let used: BTreeSet<usize> = classes
        .flat_map(|class| {
            let rows = class.tasks.iter().flat_map(|task| &task.rows);
            class.own_rows.iter().chain(&class.start_rows).chain(rows)
        })
        .copied()
        .collect();
    let used: Vec<&Data> = used.iter().map(|index| &scenario.data[*index]).collect();
    list(&used, |data| {
        json!({
            "name": data.name,
            "order": data.order.word(),
            "rows": data.table.rows(),
            "sha256": data.table.sha256(),
        })
    })
}

fn auth(auth: &Auth) -> (String, Value) {
    let (kind, value) = match auth {
        Auth::Bearer(token) => ("bearer", token.source().into()),
        Auth::Basic { username, password } => (
            "basic",
            json!({"username": username.source(), "password": password.source()}),
        ),
        Auth::ApiKey { place, value } => (
            "api_key",
            match place {
                KeyPlace::Header(name) => {
                    json!({"header": name.to_ascii_lowercase(), "value": value.source()})
                }
                KeyPlace::Query(name) => json!({"query": name, "value": value.source()}),
            },
        ),
        // A session token is not part of the identity: credentials may be temporary or not.
        Auth::AwsSigV4(signature) => (
            "aws_sigv4",
            json!({
                "region": signature.region.source(),
                "service": signature.service.source(),
                "access_key": signature.access_key.source(),
                "secret_key": signature.secret_key.source(),
            }),
        ),
    };
    (kind.to_owned(), value)
}

fn task(task: &Task, names: &[String]) -> Value {
    let set = task.set.iter();
    let set = set.map(|(name, value)| (name.clone(), sorted(value.source())));
    record([
        ("weight", task.weight.into()),
        ("set", pairs(set)),
        ("stop_on_failure", task.stop_on_failure.into()),
        ("steps", list(&task.steps, |it| step(it, names))),
    ])
}

fn step(step: &Step, names: &[String]) -> Value {
    let mut fields = match &step.action {
        Action::Think(think) => json!({"think": pause(*think)}),
        Action::Request(request) => self::request(request, names),
        Action::Command(command) => self::command(command),
    };
    if let Some(when) = &step.when {
        fields["when"] = when.source().into();
    }
    fields
}

fn command(command: &Command) -> Value {
    let capture = command.capture.iter();
    let arguments: Vec<&str> = command.arguments.iter().map(Template::source).collect();
    record([
        ("command", json!(arguments)),
        (
            "capture",
            pairs(capture.map(|(name, path)| (name.clone(), plain_path(&path.to_string()).into()))),
        ),
        ("timeout", seconds(command.timeout).into()),
    ])
}

fn request(request: &Request, names: &[String]) -> Value {
    let lower =
        |(name, value): &(String, Template)| (name.to_ascii_lowercase(), value.source().into());
    let query = |(name, value): &(String, Template)| (name.clone(), value.source().into());
    let capture = request.capture.iter().map(|capture| {
        let from = match &capture.from {
            Source::Json(path) => plain_path(&path.to_string()),
            Source::Header(name) => format!("header:{name}"),
        };
        (capture.variable.clone(), from.into())
    });
    let method = request.method.as_str().to_ascii_lowercase();
    let mut fields = record([
        (&method, request.path.source().into()),
        ("name", names[request.name].as_str().into()),
        ("query", pairs(request.query.iter().map(query))),
        ("headers", pairs(request.headers.iter().map(lower))),
        ("expect", expect(&request.expect)),
        ("capture", pairs(capture)),
        ("timeout", seconds(request.timeout).into()),
        ("redirects", request.redirects.into()),
    ]);
    // Added after `record`: an empty object is a body too.
    match &request.body {
        Some(Body::Json(body)) => fields["json"] = sorted(body.source()),
        Some(Body::Form(form)) => {
            let field = |(name, value): &(String, Template)| json!([name, value.source()]);
            fields["form"] = form.iter().map(field).collect();
        }
        Some(Body::Raw(text)) => fields["raw"] = text.source().into(),
        Some(Body::File(bytes)) => fields["file"] = sha256(bytes).into(),
        None => {}
    }
    fields
}

fn expect(expect: &Expect) -> Value {
    let status = match expect.status.as_slice() {
        [] => "below 400".into(),
        status => json!(status),
    };
    let json = expect.json.iter().map(|check| {
        let wanted = wanted(&check.wanted, |value| sorted(value.source()));
        (plain_path(&check.path.to_string()), wanted)
    });
    let header = expect.header.iter().map(|check| {
        let wanted = wanted(&check.wanted, |text| text.source().into());
        (check.header.clone(), wanted)
    });
    record([
        ("status", status),
        ("json", pairs(json)),
        ("header", pairs(header)),
        ("body", list(&expect.body, |text| text.source().into())),
    ])
}

fn wanted<T>(wanted: &Wanted<T>, source: impl FnOnce(&T) -> Value) -> Value {
    match wanted {
        Wanted::Equals(value) => json!({"is": source(value)}),
        Wanted::Contains(value) => json!({"contains": source(value)}),
        Wanted::Exists(exists) => json!({"exists": exists}),
    }
}

fn block(block: &Block) -> Value {
    let phases = list(&block.phases, phase);
    match (block.passes, phases) {
        (1, Value::Array(mut only)) if only.len() == 1 => only.remove(0),
        (passes, phases) => json!({"repeat": passes, "phases": phases}),
    }
}

fn phase(phase: &Phase) -> Value {
    let [users, arrivals, spacing, max_users] = match phase.shape {
        Shape::Users { from, to } => {
            let users = range(&from.to_string(), &to.to_string());
            [users.into(), Value::Null, Value::Null, Value::Null]
        }
        Shape::Arrivals {
            from,
            to,
            spacing,
            max_users,
        } => {
            let rate = range(&format!("{from}/s"), &format!("{to}/s"));
            let spacing = spacing.word().into();
            [Value::Null, rate.into(), spacing, max_users.into()]
        }
    };
    record([
        ("phase", phase.name.as_str().into()),
        ("users", users),
        ("arrivals", arrivals),
        ("spacing", spacing),
        ("max_users", max_users),
        ("for", seconds(phase.duration).into()),
        ("measure", phase.measure.into()),
    ])
}

fn pause(pause: Pause) -> String {
    range(&seconds(pause.from), &seconds(pause.to))
}

/// A range as in a scenario; one value if both ends are equal.
fn range(from: &str, to: &str) -> String {
    if from == to {
        return from.to_owned();
    }
    format!("{from}..{to}")
}

fn seconds(duration: std::time::Duration) -> String {
    format!("{}s", duration.as_secs_f64())
}

fn pairs(pairs: impl Iterator<Item = (String, Value)>) -> Value {
    Value::Object(pairs.collect::<BTreeMap<_, _>>().into_iter().collect())
}

/// The value with the keys of all its objects in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter();
            pairs(fields.map(|(key, value)| (key.clone(), sorted(value))))
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => number::plain(value),
    }
}

/// Writes a value as simple YAML: scalars as JSON, collections as blocks.
fn write(value: &Value, indent: usize, out: &mut String) {
    let margin = " ".repeat(indent);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let _ = write!(out, "{margin}{}:", self::key(key));
                if is_block(value) {
                    out.push('\n');
                    write(value, indent + 2, out);
                } else {
                    let _ = writeln!(out, " {value}");
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let mut text = String::new();
                write(item, indent + 2, &mut text);
                let _ = write!(out, "{margin}- {}", &text[indent + 2..]);
            }
        }
        Value::Object(_)
        | Value::Array(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_) => {
            let _ = writeln!(out, "{margin}{value}");
        }
    }
}

/// Whether a value is written as a block: a collection that is not empty.
fn is_block(value: &Value) -> bool {
    value.as_object().is_some_and(|fields| !fields.is_empty())
        || value.as_array().is_some_and(|items| !items.is_empty())
}

fn key(key: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.chars().all(is_plain) {
        key.to_owned()
    } else {
        Value::from(key).to_string()
    }
}
