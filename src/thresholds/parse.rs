//! The file as a whole: mode, limits, regression and abort, each handed to its reader.

use std::time::Duration;

use super::{Abort, Error, Mode, Names, Thresholds, limits, regression};
use crate::units::{Share, parse_duration};
use crate::yaml::{Cursor, Document, Keys};

/// How much of the load passes before a run may be stopped, where `abort.after` is silent.
const DEFAULT_ABORT_AFTER: Duration = Duration::from_secs(10);

/// Parses thresholds. `file` is how errors name it, and `names` what the scenario sends and when. An empty text gives
/// what holds where there is no file.
pub fn parse(file: &str, text: &str, names: &Names<'_>) -> Result<Thresholds, Error> {
    let document = Document::parse(file, text)?;
    let keys = ["mode", "limits", "regression", "abort"];
    let root = document.root().fields(Keys::known(&keys))?;
    Ok(Thresholds {
        mode: root.read_or("mode", Mode::default(), |cursor| {
            cursor.one_of(&[("enforce", Mode::Enforce), ("observe", Mode::Observe)])
        })?,
        limits: limits::read(root.get("limits"), names)?,
        regression: regression::read(root.entry("regression"), names)?,
        abort: root.get("abort").map(abort).transpose()?,
    })
}

fn abort(cursor: &Cursor<'_>) -> Result<Abort, Error> {
    let fields = cursor.fields(Keys::known(&["error_rate", "after"]))?;
    let rate = fields.require("error_rate")?;
    let error_rate: Share = rate.read(str::parse)?;
    if error_rate.fraction() <= 0.0 {
        return Err(rate.error("must be above 0%, or every run would be stopped"));
    }
    Ok(Abort {
        error_rate,
        after: fields.read_or("after", DEFAULT_ABORT_AFTER, |cursor| {
            cursor.read(parse_duration)
        })?,
    })
}
