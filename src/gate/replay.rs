//! A load that is not sent: a generated result stands in for what would have been measured.
//!
//! It is for tests of what comes after a load. Builds without debug assertions, and so every release, never replay.

use std::ffi::OsString;
use std::path::Path;

use super::Error;
use crate::plan;
use crate::record::{RunInfo, RunRecord};

/// The folder of the results to replay, each named after the sha256 of its scenario.
fn folder() -> Option<OsString> {
    cfg!(debug_assertions)
        .then(|| std::env::var_os("LOADGATE_REPLAY"))
        .flatten()
}

/// Whether loads are replayed.
pub(super) fn is_on() -> bool {
    folder().is_some()
}

/// The record with the measurement of the stored result of its scenario; all else is of this run.
pub(super) fn over(record: RunRecord) -> Result<RunRecord, Error> {
    let Some(folder) = folder() else {
        return Ok(record);
    };
    let file = Path::new(&folder).join(format!("{}.json", record.scenario.sha256));
    let mut stored = plan::read_results(&[file])?;
    Ok(stored.pop().map_or(record.clone(), |stored| RunRecord {
        run: RunInfo {
            duration_s: stored.run.duration_s,
            ended: stored.run.ended,
            ..record.run
        },
        health: stored.health,
        requests: stored.requests,
        phases: stored.phases,
        slices: stored.slices,
        parts: stored.parts,
        timeline: stored.timeline,
        ..record
    }))
}
