//! Reads `capture`: what is taken from an answer, and where it stands there.

use serde_json_path::JsonPath;

use super::steps::header_name;
use super::template::{nesting, refuse_name};
use super::variables::Variables;
use super::{Capture, Source};
use crate::yaml::{Cursor, Entry, Error};

/// The longest `JSONPath`, in bytes, and the deepest nesting of its brackets. Paths are read by recursion that tries
/// every alternative anew at each level, so time and stack grow fast beyond what people write.
const LONGEST_PATH: usize = 500;
const DEEPEST_PATH: usize = 8;

/// Reads `capture` of a request.
pub(super) fn captures(
    section: &Cursor<'_>,
    variables: &Variables<'_>,
) -> Result<Vec<Capture>, Error> {
    let capture = |entry: &Entry<'_>| {
        Ok(Capture {
            variable: name(entry, variables)?,
            from: source(&entry.value)?,
        })
    };
    section.entries()?.iter().map(capture).collect()
}

/// A name under which a value is kept.
pub(super) fn name(entry: &Entry<'_>, variables: &Variables<'_>) -> Result<String, Error> {
    let name = &entry.key.text;
    if let Some(message) = refuse_name(name) {
        return Err(entry.error(message));
    }
    if variables.rows.has(name) {
        return Err(entry.error(format_args!(
            "'{name}' is the name of data as well, choose another name"
        )));
    }
    Ok(name.clone())
}

fn source(cursor: &Cursor<'_>) -> Result<Source, Error> {
    let text = cursor.line_of_text()?;
    if let Some(header) = text.strip_prefix("header:") {
        let name = header_name(header.trim()).map_err(|message| cursor.error(message))?;
        return Ok(Source::Header(name));
    }
    if !text.starts_with('$') {
        return Err(cursor.error(format_args!(
            "'{text}' is no place in an answer, write a JSONPath such as $.accessToken, or header:location"
        )));
    }
    let path = json_path(text).map_err(|message| cursor.error(message))?;
    Ok(Source::Json(path))
}

/// Reads a `JSONPath`.
pub(super) fn json_path(text: &str) -> Result<JsonPath, String> {
    if text.len() > LONGEST_PATH || nesting(text) > DEEPEST_PATH {
        return Err(format!(
            "a JSONPath is at most {LONGEST_PATH} bytes long and nested {DEEPEST_PATH} deep, take a value further up"
        ));
    }
    JsonPath::parse(text).map_err(|error| format!("'{text}' is not a JSONPath (RFC 9535): {error}"))
}
