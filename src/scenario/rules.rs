//! Rules of the JSON Schema that connect several keys of a map.

use serde_json::json;

use super::step::Method;
use crate::yaml::Schema;

/// The keys that a step with a pause may have.
pub(super) const OF_PAUSES: [&str; 2] = ["think", "when"];

/// The keys that a step with a program may have.
pub(super) const OF_COMMANDS: [&str; 4] = ["command", "capture", "timeout", "when"];

/// The kinds of bodies, of which a request has at most one.
pub(super) const BODIES: [&str; 4] = ["json", "form", "raw", "file"];

/// Exactly one of the keys is there.
pub(super) fn exactly_one(keys: &[&str]) -> Schema {
    let required = keys.iter().map(|key| json!({ "required": [key] }));
    json!({ "oneOf": required.collect::<Vec<_>>() })
}

/// A step does one thing, and has only the keys that belong to it.
pub(super) fn step() -> Schema {
    let actions = Method::ALL.map(Method::key).into_iter();
    let actions: Vec<_> = actions.chain(["think", "command"]).collect();
    let mut rules = exactly_one(&actions);
    rules["dependentSchemas"] = json!({
        "think": { "propertyNames": { "enum": OF_PAUSES } },
        "command": {
            "propertyNames": { "enum": OF_COMMANDS },
            "required": ["capture"],
            "properties": {
                "capture": {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": { "pattern": r"^\$" },
                },
            },
        },
    });
    for (index, body) in BODIES.iter().enumerate() {
        let others: Vec<_> = BODIES[index + 1..]
            .iter()
            .map(|key| json!({ "required": [key] }))
            .collect();
        if !others.is_empty() {
            rules["dependentSchemas"][body] = json!({ "not": { "anyOf": others } });
        }
    }
    rules
}

/// A phase has users or arrivals, and what belongs to arrivals only with them.
pub(super) fn phase() -> Schema {
    let mut rules = exactly_one(&["users", "arrivals"]);
    rules["dependentRequired"] = json!({ "spacing": ["arrivals"], "max_users": ["arrivals"] });
    rules
}
