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
mod course;
mod figures;
mod gated;
mod html;
mod jobs;
mod junit;
mod layout;
mod markdown;
mod metrics;
mod numbers;
mod outlook;
mod outputs;
mod performance;
mod rehearsal;
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
mod words;

use jiff::Timestamp;

use crate::baseline::{Baseline, Job, Matching, Setting, matching};
use crate::record::RunRecord;
use crate::thresholds::Thresholds;
use crate::verdict::{Caution, Line, Verdict};

pub use annotations::{Annotation, Severity, annotations};
pub use comment::{Missing, comment};
pub use gated::gated;
pub use html::html;
pub use jobs::jobs;
pub use junit::junit;
pub use layout::wrap as wrapped;
pub use metrics::metrics;
pub use outlook::{Answers, Outlook, outlook};
pub use outputs::outputs;
pub use performance::performance;
pub use rehearsal::{Secrets, Seen, rehearsal};
pub use summary::summary;
pub use terminal::{Colour, terminal, terminal_in_full, verdict_line};
pub use text::{fitted, inert, inert_coloured, quoted};
pub use words::remedy;

/// What whoever records a run should know: each a sentence without its capital.
pub fn recording_notes(story: &Story) -> Vec<String> {
    words::of_recording(story, words::Medium::Plain)
}

/// All that the reports of one gate are told from.
#[derive(Clone, Copy, Debug)]
pub struct Story<'a> {
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
    pub before: Before<'a>,
    /// Whether an inconclusive verdict blocks (`--strict`).
    pub strict: bool,
    /// Exit code of the gate.
    pub exit: u8,
    /// Files that were written, as the user would open them; none where the story is only told.
    pub files: &'a [String],
    /// Whether the run becomes a part of the baseline.
    pub is_recorded: bool,
    /// Whether a stranger may have written the record: what it says of how it was run is then no command to be typed.
    pub is_hearsay: bool,
    /// How commands that the reader may type name this program and the result.
    pub typed: Typed<'a>,
}

/// How a command that the reader may type names what it is about.
#[derive(Clone, Copy, Debug)]
pub struct Typed<'a> {
    /// This program.
    pub program: &'a str,
    /// The result that is told of.
    pub result: &'a str,
}

impl Default for Typed<'_> {
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
pub enum Before<'a> {
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

impl<'a> Story<'a> {
    /// Every candidate's record.
    fn records(&self) -> impl Iterator<Item = &'a RunRecord> {
        std::iter::once(self.record).chain(self.others)
    }

    /// Whether two results are compared, with nothing promised and no verdict.
    fn is_comparison(&self) -> bool {
        matches!(self.before, Before::Result { .. })
    }

    /// The jobs that the run is compared with, newest last: of a comparison the older result, whatever its circumstances.
    fn jobs_before(&self) -> Vec<&'a Job> {
        if self.is_comparison() {
            return self.baseline.iter().flat_map(|held| &held.jobs).collect();
        }
        match matching(self.baseline, &Setting::from(self.record)) {
            Matching::Jobs(jobs) => jobs,
            Matching::None(_) => Vec::new(),
        }
    }

    /// Name of the gate.
    fn gate(&self) -> &'a str {
        &self.verdict.gate
    }

    /// The line by which an abort failed, which the verdict puts first.
    fn abort_line(&self) -> Option<&'a Line> {
        let mut cautions = self.verdict.cautions.iter();
        let aborted = cautions.any(|caution| matches!(caution, Caution::Aborted { .. }));
        self.verdict.lines.first().filter(|_| aborted)
    }

    /// Whether this is the line by which an abort failed.
    fn is_abort(&self, line: &Line) -> bool {
        self.abort_line()
            .is_some_and(|abort| std::ptr::eq(abort, line))
    }

    /// Whether a file of this name was written beside the others.
    fn has_file(&self, name: &str) -> bool {
        let mut files = self.files.iter();
        files.any(|path| path.rsplit(['/', '\\']).next() == Some(name))
    }
}
