//! A gate judged, and the files that tell of it.

use std::path::{Path, PathBuf};

use super::Error;
use super::console::{Console, Loudness};
use crate::baseline::{Matching, Setting, anchor, matching};
use crate::exit::{Exit, Strictness};
use crate::files;
use crate::plan::Gate;
use crate::record::RunRecord;
use crate::report::{self, Before, Story};
use crate::verdict::{self, Case, Verdict};

/// A gate, its runs and their verdict.
pub(super) struct Told<'a> {
    gate: &'a Gate,
    pub(super) records: Vec<RunRecord>,
    pub(super) verdict: Verdict,
    strictness: Strictness,
    folder: PathBuf,
    gate_path: String,
    thresholds_path: String,
    files: Vec<String>,
    exit: Exit,
}

/// What a verdict is told at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// A run that has just ended; its record lies beside the reports.
    Run,
    /// Stored results, judged again.
    Judgement,
    /// Stored results that are to be recorded; no report is written.
    Recording,
}

/// The record of a run.
pub(super) const RESULT: &str = "result.json";

/// One report: a story in, the text of a file out.
type Teller = fn(&Story<'_>) -> String;

/// The files that are written beside the record, with the function that tells each.
const FILES: [(&str, Teller); 6] = [
    ("junit.xml", |story| report::junit(&[*story])),
    ("summary.md", |story| report::summary(&[*story])),
    ("report.html", report::html),
    ("metrics.txt", report::metrics),
    ("metrics-gated.txt", |story| report::gated(&[*story])),
    ("load-performance.json", report::performance),
];

impl<'a> Told<'a> {
    /// Judges the runs of a gate; there must be at least one.
    pub(super) fn new(
        gate: &'a Gate,
        records: Vec<RunRecord>,
        occasion: Occasion,
        strictness: Strictness,
        folder: &Path,
    ) -> Self {
        let verdict = judge(gate, &records);
        let exit = match (occasion, records[0].signal()) {
            (Occasion::Run, Some(signal)) => Exit::Signal(signal),
            (Occasion::Run, None) | (Occasion::Judgement | Occasion::Recording, _) => {
                Exit::of(&verdict, strictness)
            }
        };
        let shown = |path: &Path| path.display().to_string();
        let reports = FILES.iter().map(|(name, _)| *name);
        let names: Vec<&str> = match occasion {
            Occasion::Run => std::iter::once(RESULT).chain(reports).collect(),
            Occasion::Judgement => reports.collect(),
            Occasion::Recording => Vec::new(),
        };
        Self {
            gate,
            exit,
            records,
            verdict,
            strictness,
            folder: folder.to_owned(),
            gate_path: shown(&gate.folder),
            thresholds_path: shown(&gate.thresholds_path),
            files: names.iter().map(|name| shown(&folder.join(name))).collect(),
        }
    }

    /// How the process ends for this gate.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// Writes every report into the gate's folder.
    pub(super) fn write(&self) -> Result<(), Error> {
        let story = self.story();
        FILES
            .iter()
            .try_for_each(|(name, tell)| write(&self.folder.join(name), &tell(&story)))
    }

    /// What the terminal is told.
    pub(super) fn text(&self, console: &Console) -> String {
        match console.loudness {
            Loudness::Full => report::terminal(&self.story(), console.width, console.colour),
            Loudness::Quiet | Loudness::Silent => {
                report::verdict_line(&self.story(), console.width, console.colour)
            }
        }
    }

    /// Where its files lie.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What its reports are told from.
    pub(super) fn story(&self) -> Story<'_> {
        let newest = match matching(
            self.gate.baseline.as_ref(),
            &Setting::from(&self.records[0]),
        ) {
            Matching::Jobs(jobs) => jobs.last().copied(),
            Matching::None(_) => None,
        };
        Story {
            verdict: &self.verdict,
            record: &self.records[0],
            others: &self.records[1..],
            thresholds: &self.gate.thresholds,
            gate_path: &self.gate_path,
            thresholds_path: &self.thresholds_path,
            baseline: self.gate.baseline.as_ref(),
            before: match (&self.records[0].base, newest) {
                (Some(_), _) => Before::Base { commit: None },
                (None, Some(job)) => Before::Baseline {
                    commit: job.commit.as_deref(),
                    started: job.started,
                },
                (None, None) => Before::Nothing,
            },
            strict: self.strictness == Strictness::Strict,
            exit: self.exit.code(),
            files: &self.files,
        }
    }
}

/// Judges records of one job; there must be at least one.
pub(super) fn judge(gate: &Gate, records: &[RunRecord]) -> Verdict {
    verdict::judge(&Case {
        thresholds: &gate.thresholds,
        candidates: records,
        matching: matching(gate.baseline.as_ref(), &Setting::from(&records[0])),
        anchor: anchor(gate.baseline.as_ref(), &Setting::from(&records[0])),
    })
}

/// Writes one summary over several gates.
pub(super) fn write_summary(out: &Path, told: &[Told<'_>]) -> Result<(), Error> {
    let stories: Vec<Story<'_>> = told.iter().map(Told::story).collect();
    write(&out.join("metrics-gated.txt"), &report::gated(&stories))?;
    write(&out.join("summary.md"), &report::summary(&stories))
}

/// Writes one file, whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Error> {
    files::write(path, text).map_err(|source| Error::Write {
        path: path.to_owned(),
        source,
    })
}
