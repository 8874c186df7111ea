//! How do we say it? The verdict as text: one format, one file, one function of a [`View`].
//!
//! This module is pure: data in, text out, with no I/O and no clock, so that a stored run can be rendered again anywhere.
//! It must not judge: what a check came to is the verdict's to say, and only its wording is decided here. Names and
//! messages come from outside and may be hostile; every format makes them harmless in its own way, beginning with `text`.
//! Only `junit` knows the crate `junit-report`.

#![expect(
    clippy::format_push_string,
    reason = "a report is some kilobytes of text, and appending reads better than a writer that cannot fail"
)]

mod annotations;
mod gated;
mod html;
mod input;
mod jobs;
mod junit;
mod k6_summary;
mod markdown;
mod openmetrics;
mod outputs;
mod preview;
#[cfg(test)]
mod samples;
mod side_by_side;
mod tables;
mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod trackers;
mod trial;
mod view;
mod wording;

pub use annotations::{Annotation, AnnotationLevel, annotations};
pub use gated::{GATED, gated};
pub use html::{html, side_by_side_html};
pub use input::{CommandHints, ComparedWith, ReportInput, SideBySide};
pub use jobs::jobs;
pub use junit::junit;
pub use k6_summary::performance;
pub use markdown::{Missing, comment, summary};
pub use openmetrics::{FAMILIES, Family, metrics};
pub use outputs::outputs;
pub use preview::{Improvement, LatencyAssumption, PlanChange, Preview, preview};
pub use side_by_side::side_by_side;
pub use terminal::{Colour, terminal, terminal_in_full, verdict_line};
pub use text::layout::wrap as wrapped;
pub use text::{fitted, inert, inert_coloured, quoted};
pub use trackers::{bencher, benchmark_action};
pub use trial::{HiddenValues, TrialReport, trial};
pub use view::View;
pub use wording::{remedy, short_commit};

/// Why a run could not be judged, if it could not: the first reasons, each the end of a sentence.
pub fn invalid_reasons(view: &View) -> Vec<String> {
    const LISTED: usize = 3;
    let reasons = wording::invalidities(view).into_iter().take(LISTED);
    reasons.map(|reason| reason.what.to_string()).collect()
}

/// What anyone who records a run should know: each a sentence without its capital.
pub fn recording_notes(view: &View) -> Vec<String> {
    let notes = wording::recording_warnings(view).into_iter();
    notes.map(|note| note.to_string()).collect()
}
