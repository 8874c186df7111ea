//! How do we say it? The verdict as text: one format, one file, one function.
//!
//! This room is pure: data in, text out, with no I/O and no clock, so that a stored run can be told again anywhere. It
//! must not judge: what a line came to is the verdict's to say, and only its wording is decided here. Names and messages
//! come from outside and may be hostile; every format makes them harmless in its own way, beginning with `text`.
//! Only `junit` knows the crate `junit-report`.

#![expect(
    clippy::format_push_string,
    reason = "a report is some kilobytes of text, and appending reads better than a writer that cannot fail"
)]

mod annotations;
mod answers;
mod comment;
mod figures;
mod gated;
mod html;
mod jobs;
mod junit;
mod k6_summary;
mod layout;
mod markdown;
mod numbers;
mod openmetrics;
mod outputs;
mod preview;
mod responses;
mod rows;
#[cfg(test)]
mod samples;
mod spark;
mod summary;
mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod time_series;
mod trial;
mod wording;

use jiff::Timestamp;

use crate::baseline::{Baseline, Job, Matching, RunContext, matching};
use crate::record::RunRecord;
use crate::thresholds::Thresholds;
use crate::verdict::{Check, Verdict, Warning};

pub use annotations::{Annotation, Severity, annotations};
pub use comment::{Missing, comment};
pub use gated::{GATED, gated};
pub use html::html;
pub use jobs::jobs;
pub use junit::junit;
pub use k6_summary::performance;
pub use layout::wrap as wrapped;
pub use openmetrics::{FAMILIES, Family, metrics};
pub use outputs::outputs;
pub use preview::{LatencyAssumption, Preview, preview};
pub use summary::summary;
pub use terminal::{Colour, terminal, terminal_in_full, verdict_line};
pub use text::{fitted, inert, inert_coloured, quoted};
pub use trial::{Secrets, TrialReport, rehearsal};
pub use wording::remedy;

/// Why a run could not be judged, if it could not: the first reasons, each the end of a sentence.
pub fn invalid_reasons(story: &ReportInput) -> Vec<String> {
    const LISTED: usize = 3;
    let reasons = wording::invalidities(story, wording::Medium::Plain).into_iter();
    reasons.take(LISTED).map(|reason| reason.what).collect()
}

/// What whoever records a run should know: each a sentence without its capital.
pub fn recording_notes(story: &ReportInput) -> Vec<String> {
    wording::of_recording(story, wording::Medium::Plain)
}

/// All that the reports of one gate are told from.
#[derive(Clone, Copy, Debug)]
pub struct ReportInput<'a> {
    /// What the run came to.
    pub verdict: &'a Verdict,
    /// The run; of several candidates the first.
    pub record: &'a RunRecord,
    /// The other candidates, where several results were judged as one job.
    pub others: &'a [RunRecord],
    /// What was promised.
    pub thresholds: &'a Thresholds,
    /// The gate's folder, as the user wrote it.
    pub gate_path: &'a str,
    /// The thresholds file, as the user would open it.
    pub thresholds_path: &'a str,
    /// The gate's baseline, where there is one; of a comparison the older result as its one job.
    pub baseline: Option<&'a Baseline>,
    /// Where the figures before come from.
    pub compared_with: ComparedWith<'a>,
    /// Whether an inconclusive verdict blocks (`--strict`).
    pub strict: bool,
    /// Exit code of the gate.
    pub exit: u8,
    /// Files that were written, as the user would open them; none where the story is only told.
    pub files: &'a [String],
    /// Whether the run becomes a part of the baseline.
    pub is_recorded: bool,
    /// Whether a stranger may have written the record: what it says of how it was run is then no command to be typed.
    pub is_untrusted: bool,
    /// How commands that the reader may type name this program and the result.
    pub hints: CommandHints<'a>,
}

/// How a command that the reader may type names what it is about.
#[derive(Clone, Copy, Debug)]
pub struct CommandHints<'a> {
    /// This program.
    pub program: &'a str,
    /// The result that is told of.
    pub result: &'a str,
}

impl Default for CommandHints<'_> {
    /// For readers on another machine.
    fn default() -> Self {
        Self {
            program: "loadgate",
            result: "RESULT",
        }
    }
}

/// Where the figures before come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComparedWith<'a> {
    /// Nothing was compared.
    Nothing,
    /// Jobs of a baseline.
    Baseline {
        /// Commit of the newest job, where known.
        commit: Option<&'a str>,
        /// Start of the newest job.
        started: Timestamp,
    },
    /// An older result that this one is compared with, which no gate judges.
    Result {
        /// Its commit, where known.
        commit: Option<&'a str>,
        /// Its start.
        started: Timestamp,
    },
    /// The base arm of a duet; its address is in the record.
    Base {
        /// Its commit, where known.
        commit: Option<&'a str>,
    },
}

impl<'a> ReportInput<'a> {
    /// Every candidate's record.
    fn records(&self) -> impl Iterator<Item = &'a RunRecord> {
        std::iter::once(self.record).chain(self.others)
    }

    /// Whether two results are compared, with nothing promised and no verdict.
    fn is_comparison(&self) -> bool {
        matches!(self.compared_with, ComparedWith::Result { .. })
    }

    /// The jobs that the run is compared with, newest last: of a comparison the older result, whatever its circumstances.
    fn jobs_before(&self) -> Vec<&'a Job> {
        if self.is_comparison() {
            return self.baseline.iter().flat_map(|held| &held.jobs).collect();
        }
        match matching(self.baseline, &RunContext::from(self.record)) {
            Matching::Jobs(jobs) => jobs,
            Matching::None(_) => Vec::new(),
        }
    }

    /// Name of the gate.
    fn gate(&self) -> &'a str {
        &self.verdict.gate
    }

    /// The line by which an abort failed, which the verdict puts first.
    fn abort_line(&self) -> Option<&'a Check> {
        let mut cautions = self.verdict.warnings.iter();
        let aborted = cautions.any(|caution| matches!(caution, Warning::Aborted { .. }));
        self.verdict.checks.first().filter(|_| aborted)
    }

    /// Whether this is the line by which an abort failed.
    fn is_abort(&self, line: &Check) -> bool {
        self.abort_line()
            .is_some_and(|abort| std::ptr::eq(abort, line))
    }

    /// Whether a file of this name was written beside the others.
    fn has_file(&self, name: &str) -> bool {
        let mut files = self.files.iter();
        files.any(|path| path.rsplit(['/', '\\']).next() == Some(name))
    }
}
