//! What the reports of one gate are made from: the verdict and the files it rests on.

use jiff::Timestamp;

use crate::baseline::{Baseline, Job, Matching, RunContext, matching};
use crate::record::RunRecord;
use crate::thresholds::Thresholds;
use crate::verdict::{Check, Variant, Verdict, Warning};

/// Results of one gate that differ in one label.
#[derive(Clone, Copy, Debug)]
pub struct SideBySide<'a> {
    /// Name of the gate.
    pub gate: &'a str,
    /// Name of the label.
    pub label: &'a str,
    /// The results.
    pub variants: &'a [Variant],
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
    /// The gate's folder, as the user wrote it; none for a URL, which has no files to edit.
    pub gate_path: Option<&'a str>,
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
    pub(super) fn records(&self) -> impl Iterator<Item = &'a RunRecord> {
        std::iter::once(self.record).chain(self.others)
    }

    /// Whether two results are compared, with nothing promised and no verdict.
    pub(super) fn is_comparison(&self) -> bool {
        matches!(self.compared_with, ComparedWith::Result { .. })
    }

    /// The jobs that the run is compared with, newest last: of a comparison the older result, whatever its circumstances.
    pub(super) fn jobs_before(&self) -> Vec<&'a Job> {
        if self.is_comparison() {
            return self.baseline.iter().flat_map(|held| &held.jobs).collect();
        }
        match matching(self.baseline, &RunContext::from(self.record)) {
            Matching::Jobs(jobs) => jobs,
            Matching::None(_) => Vec::new(),
        }
    }

    pub(super) fn gate(&self) -> &'a str {
        &self.verdict.gate
    }

    /// The line by which an abort failed, which the verdict puts first.
    pub(super) fn abort_line(&self) -> Option<&'a Check> {
        let mut cautions = self.verdict.warnings.iter();
        let aborted = cautions.any(|caution| matches!(caution, Warning::Aborted { .. }));
        self.verdict.checks.first().filter(|_| aborted)
    }

    /// Whether this is the line by which an abort failed.
    pub(super) fn is_abort(&self, line: &Check) -> bool {
        self.abort_line()
            .is_some_and(|abort| std::ptr::eq(abort, line))
    }

    /// Whether a file of this name was written beside the others.
    pub(super) fn has_file(&self, name: &str) -> bool {
        let mut files = self.files.iter();
        files.any(|path| path.rsplit(['/', '\\']).next() == Some(name))
    }
}
