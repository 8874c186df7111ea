//! Values that a step takes from a response or from the output of a program.

use super::fields::{CaptureSource, json_path};
use super::header_names::HeaderName;
use super::template::{Rows, refuse_name};
use super::{Capture, Source};
use crate::yaml::{Cursor, Entry, Error, Map};

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
    refuse_name(name).map_err(|message| entry.error(message))?;
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
