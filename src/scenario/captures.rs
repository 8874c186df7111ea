//! Values that a step takes from a response or from the output of a program.

use serde_json_path::JsonPath;

use super::fields::CaptureSource;
use super::headers::HeaderName;
use super::template::{Rows, nesting, refuse_name};
use super::{Capture, Source};
use crate::yaml::{Cursor, Entry, Error, Map};

/// The longest `JSONPath`, in bytes, and the deepest nesting of its brackets. The parser of paths tries every alternative
/// at each level, so its time and its stack grow fast beyond what people write.
const LONGEST_PATH: usize = 500;
const DEEPEST_PATH: usize = 8;

/// Compiles the captures of a request.
pub(super) fn captures<'d>(
    captures: &Map<'d, CaptureSource<'d>>,
    rows: &Rows,
) -> Result<Vec<Capture>, Error> {
    let capture = captures.0.iter().map(|it| {
        Ok(Capture {
            variable: name(&it.entry, rows)?,
            from: source(&it.value)?,
        })
    });
    capture.collect()
}

/// The name of a value that a user keeps.
pub(super) fn name(entry: &Entry<'_>, rows: &Rows) -> Result<String, Error> {
    let name = entry.name();
    if let Some(message) = refuse_name(name) {
        return Err(entry.error(message));
    }
    if rows.has(name) {
        return Err(entry.error(format_args!(
            "'{name}' is the name of data as well; choose another name"
        )));
    }
    Ok(name.to_owned())
}

fn source(value: &Cursor<'_>) -> Result<Source, Error> {
    let text = value.line_of_text()?;
    if let Some(header) = text.strip_prefix("header:") {
        let name = HeaderName::parse(header.trim()).map_err(|message| value.error(message))?;
        return Ok(Source::Header(name.lowercase()));
    }
    if !text.starts_with('$') {
        return Err(value.error(format_args!(
            "'{text}' is not a place in a response; write a JSONPath such as $.accessToken, or header:location"
        )));
    }
    json_path(text)
        .map(Source::Json)
        .map_err(|message| value.error(message))
}

/// Parses a `JSONPath`.
pub(super) fn json_path(text: &str) -> Result<JsonPath, String> {
    if text.len() > LONGEST_PATH || nesting(text) > DEEPEST_PATH {
        return Err(format!(
            "a JSONPath is at most {LONGEST_PATH} bytes long and nested {DEEPEST_PATH} deep; take a value further up"
        ));
    }
    JsonPath::parse(text).map_err(|error| format!("'{text}' is not a JSONPath (RFC 9535): {error}"))
}
