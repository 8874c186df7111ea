//! The body of a request: JSON, a form, text, or a file.

use super::fields::Text;
use super::inputs::Inputs;
use super::rules::BODIES;
use super::source::Step;
use super::template::{Bindings, Template};
use super::{Body, Method};
use crate::yaml::{Error, Located, Map, OneOrMany};

/// Compiles the body of a step, if it has one.
pub(super) fn body(
    step: &Located<'_, Step<'_>>,
    method: Method,
    inputs: &Inputs<'_>,
    names: Bindings<'_>,
) -> Result<Option<Body>, Error> {
    let mut entries = BODIES.iter().filter_map(|key| step.at.entry(key));
    let Some(entry) = entries.next() else {
        return Ok(None);
    };
    if let Some(other) = entries.next() {
        return Err(other.error(format_args!(
            "a request has one body, but this has both '{}' and '{}': remove one",
            entry.name(),
            other.name()
        )));
    }
    if method == Method::Head {
        return Err(entry.error("a HEAD request has no body; remove it"));
    }
    let step = &step.value;
    Ok(if let Some(json) = &step.json {
        Some(Body::Json(names.value(json)?))
    } else if let Some(fields) = &step.form {
        Some(Body::Form(form(fields, names)?))
    } else if let Some(text) = &step.raw {
        Some(Body::Raw(names.text(text)?))
    } else if let Some(file) = &step.file {
        Some(Body::File(inputs.bytes(&file.at)?))
    } else {
        None
    })
}

/// The fields of a form; one with a list is sent once for each of its values.
fn form<'d>(
    fields: &Map<'d, OneOrMany<Text<'d>>>,
    names: Bindings<'_>,
) -> Result<Vec<(String, Template)>, Error> {
    let mut form = Vec::new();
    for field in &fields.0 {
        for value in &field.value.0 {
            form.push((field.entry.name().to_owned(), names.text(value)?));
        }
    }
    Ok(form)
}
