//! What makes a scenario the same scenario: a text with everything spelt out that decides what is sent, and its hash.
//!
//! Two files that differ in comments, in the order of keys, in a default that one of them writes down, in the target or
//! in the value of a secret have the same text. It has one fact per line, so that a diff of two reads well, and is
//! written by hand, since a baseline outlives any serializer's taste.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::phases::Block;
use super::{
    Auth, Body, Expect, HttpVersion, Pause, Phase, Request, Scenario, Shape, Source, Spacing, Step,
    Task, Template, UserClass,
};

/// The canonical text of a scenario, with the variables that it uses.
pub(super) fn canonical(
    scenario: &Scenario,
    blocks: &[Block],
    variables: &BTreeMap<&str, &Value>,
) -> String {
    let http = match scenario.http {
        HttpVersion::Http11 => "1.1",
        HttpVersion::Http2 => "2",
        HttpVersion::Auto => "auto",
    };
    let cold = scenario.cold_start.as_ref();
    let tree = record([
        ("name", scenario.name.as_str().into()),
        ("variables", sorted(&json!(variables))),
        ("http", http.into()),
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
pub(super) fn sha256(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

fn list<T>(items: &[T], item: impl Fn(&T) -> Value) -> Value {
    items.iter().map(item).collect()
}

/// A map of what is there. What is not leaves no line, so that the identity of a scenario outlives fields that the
/// format gains and it does not use.
fn record<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let there = |value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    };
    let fields = fields.into_iter().filter(|(_, value)| there(value));
    Value::Object(fields.map(|(key, value)| (key.to_owned(), value)).collect())
}

fn user_class(class: &UserClass, names: &[String]) -> Value {
    let auth = class.auth.as_ref().map(|auth| match auth {
        Auth::Bearer(token) => json!({"bearer": token.source()}),
    });
    record([
        ("name", class.name.as_str().into()),
        ("weight", class.weight.into()),
        ("wait", pause(class.wait).into()),
        ("auth", json!(auth)),
        ("on_start", list(&class.on_start, |own| step(own, names))),
        ("tasks", list(&class.tasks, |own| task(own, names))),
    ])
}

fn task(task: &Task, names: &[String]) -> Value {
    let set = task
        .set
        .iter()
        .map(|(name, value)| (name.clone(), sorted(value.source())));
    record([
        ("weight", task.weight.into()),
        ("set", pairs(set)),
        ("stop_on_failure", task.stop_on_failure.into()),
        ("steps", list(&task.steps, |own| step(own, names))),
    ])
}

fn step(step: &Step, names: &[String]) -> Value {
    match step {
        Step::Think(think) => json!({"think": pause(*think)}),
        Step::Request(request) => self::request(request, names),
    }
}

fn request(request: &Request, names: &[String]) -> Value {
    let lower =
        |(name, value): &(String, Template)| (name.to_ascii_lowercase(), value.source().into());
    let query = |(name, value): &(String, Template)| (name.clone(), value.source().into());
    let capture = request.capture.iter().map(|capture| {
        let from = match &capture.from {
            Source::Json(path) => path.to_string(),
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
    // An empty object is a body, and none is none.
    if let Some(Body::Json(body)) = &request.body {
        fields["json"] = sorted(body.source());
    }
    fields
}

fn expect(expect: &Expect) -> Value {
    match expect.status.as_slice() {
        [] => json!({"status": "below 400"}),
        status => json!({"status": status}),
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
    let (users, arrivals) = match phase.shape {
        Shape::Users { from, to } => (
            range(&from.to_string(), &to.to_string()).into(),
            [const { Value::Null }; 3],
        ),
        Shape::Arrivals {
            from,
            to,
            spacing,
            max_users,
        } => {
            let spacing = match spacing {
                Spacing::Even => "even",
                Spacing::Poisson => "poisson",
            };
            let rates = range(&format!("{from}/s"), &format!("{to}/s"));
            (
                Value::Null,
                [rates.into(), spacing.into(), max_users.into()],
            )
        }
    };
    let [arrivals, spacing, max_users] = arrivals;
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

/// A range as a scenario writes it; one value where both ends are the same.
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
        Value::Object(fields) => pairs(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), sorted(value))),
        ),
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// Writes a value as YAML of the plainest kind: every scalar as JSON, every collection as a block.
fn write(value: &Value, indent: usize, out: &mut String) {
    let margin = " ".repeat(indent);
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                out.push_str(&margin);
                out.push_str(&self::key(key));
                out.push(':');
                write_behind(value, indent + 2, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                let mut text = String::new();
                if is_block(item) {
                    write(item, indent + 2, &mut text);
                } else {
                    text = format!("{margin}  {item}\n");
                }
                out.push_str(&margin);
                out.push_str("- ");
                out.push_str(&text[indent + 2..]);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let _ = writeln!(out, "{margin}{value}");
        }
    }
}

fn write_behind(value: &Value, indent: usize, out: &mut String) {
    if is_block(value) {
        out.push('\n');
        write(value, indent, out);
    } else {
        let _ = writeln!(out, " {value}");
    }
}

/// Whether a value takes lines of its own: any collection that is not empty.
fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn key(key: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.chars().all(is_plain) {
        key.to_owned()
    } else {
        Value::from(key).to_string()
    }
}
