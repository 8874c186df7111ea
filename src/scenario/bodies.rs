//! Reads what a request sends: JSON, a form, text as it is, or a file.

use std::collections::BTreeSet;

use super::inputs::Inputs;
use super::template::{Place, Template};
use super::variables::Variables;
use super::{Body, Method};
use crate::yaml::{Cursor, Entry, Error, Fields, Value};

const BODIES: [&str; 4] = ["json", "form", "raw", "file"];

/// Reads the body of a step, if it has one.
pub(super) fn body(
    fields: &Fields<'_>,
    method: Method,
    variables: &Variables<'_>,
    inputs: &Inputs<'_>,
    settable: &BTreeSet<String>,
) -> Result<Option<Body>, Error> {
    let mut written = BODIES.iter().filter_map(|key| fields.entry(key));
    let Some(entry) = written.next() else {
        return Ok(None);
    };
    if let Some(other) = written.next() {
        return Err(other.error(format_args!(
            "a request has one body, and this has both '{}' and '{}': remove one",
            entry.key.text, other.key.text
        )));
    }
    if method == Method::Head {
        return Err(entry.error("a HEAD request has no body, remove it"));
    }
    let value = &entry.value;
    Ok(Some(match entry.key.text.as_str() {
        "json" => Body::Json(variables.value(value, settable)?),
        "form" => Body::Form(form(value, variables, settable)?),
        "raw" => Body::Raw(variables.template(value, Place::Plain, settable)?),
        _ => Body::File(inputs.bytes(value)?),
    }))
}

/// The fields of a form; one with a list is sent once for each of its values.
fn form(
    section: &Cursor<'_>,
    variables: &Variables<'_>,
    settable: &BTreeSet<String>,
) -> Result<Vec<(String, Template)>, Error> {
    let mut fields = Vec::new();
    for Entry { key, value, .. } in section.entries()? {
        let values = if matches!(value.node().value, Value::List(_)) {
            value.filled_list()?
        } else {
            vec![value]
        };
        for value in values {
            let template = variables.template(&value, Place::Plain, settable)?;
            fields.push((key.text.clone(), template));
        }
    }
    Ok(fields)
}
