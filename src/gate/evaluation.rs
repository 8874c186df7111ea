//! A gate judged, and its report files.

use std::path::{Path, PathBuf};
use std::slice;

use super::Error;
use super::aws::REQUESTS;
use super::console::{Console, DEFAULT_WIDTH, Verbosity, program};
use super::servers;
use crate::baseline::{Baseline, Matching, RunContext, anchor, matching};
use crate::error_chain;
use crate::exit::{Exit, Strictness};
use crate::files;
use crate::plan::{self, Gate};
use crate::record::{self, DocumentKind, RunRecord};
use crate::report::{self, Colour, CommandHints, ComparedWith, ReportInput, View};
use crate::thresholds::Thresholds;
use crate::verdict::{self, JudgeInput, Verdict};

/// What runs are held against: the files of a gate, or what stands in for them.
#[derive(Clone, Copy)]
pub(super) struct Criteria<'a> {
    pub(super) thresholds: &'a Thresholds,
    pub(super) thresholds_path: &'a Path,
    pub(super) baseline: Option<&'a Baseline>,
    /// The gate's folder.
    pub(super) folder: &'a Path,
}

impl<'a> From<&'a Gate> for Criteria<'a> {
    fn from(gate: &'a Gate) -> Self {
        Self {
            thresholds: &gate.thresholds,
            thresholds_path: &gate.thresholds_path,
            baseline: gate.baseline.as_ref(),
            folder: &gate.folder,
        }
    }
}

/// Runs, what they are held against, and their verdict.
pub(super) struct Evaluation<'a> {
    held: Criteria<'a>,
    pub(super) records: Vec<RunRecord>,
    pub(super) verdict: Verdict,
    strictness: Strictness,
    folder: PathBuf,
    gate_path: String,
    thresholds_path: String,
    files: Vec<String>,
    is_recorded: bool,
    is_untrusted: bool,
    exit: Exit,
}

/// Where the results of a verdict come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResultSource {
    /// A run that has just ended; its record lies beside the reports.
    Live,
    /// Stored results, judged again.
    Stored,
    /// The same of results that a stranger may have written.
    Untrusted,
    /// Stored results that are to be recorded; no report is written.
    ForRecording,
    /// A stored result that is rendered again; one report is written, or none.
    ForRendering,
}

/// The record of a run.
pub(super) const RESULT: &str = "result.json";

/// A report by the name of its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The terminal's, with nothing left out.
    Text,
    /// `report.html`.
    Html,
    /// `summary.md`.
    Summary,
    /// `junit.xml`.
    Junit,
    /// `metrics.txt`.
    Metrics,
    /// `metrics-gated.txt`.
    MetricsGated,
    /// `load-performance.json`.
    LoadPerformance,
    /// A list for github-action-benchmark.
    BenchmarkAction,
    /// The Bencher Metric Format.
    Bencher,
    /// `result.json` itself, in the schema of today.
    Result,
}

/// The files that are written beside the record.
const FILES: [(&str, Format); 6] = [
    ("junit.xml", Format::Junit),
    ("summary.md", Format::Summary),
    ("report.html", Format::Html),
    ("metrics.txt", Format::Metrics),
    ("metrics-gated.txt", Format::MetricsGated),
    ("load-performance.json", Format::LoadPerformance),
];

impl<'a> Evaluation<'a> {
    /// Judges the runs of a gate; there must be at least one.
    pub(super) fn new(
        held: impl Into<Criteria<'a>>,
        records: Vec<RunRecord>,
        occasion: ResultSource,
        strictness: Strictness,
        folder: &Path,
    ) -> Self {
        let held = held.into();
        let verdict = judge(held, &records);
        let exit = match (occasion, records[0].signal()) {
            (ResultSource::Live | ResultSource::ForRendering, Some(signal)) => Exit::Signal(signal),
            (ResultSource::Live | ResultSource::ForRendering, None)
            | (ResultSource::Stored | ResultSource::Untrusted | ResultSource::ForRecording, _) => {
                Exit::for_verdict(&verdict, strictness)
            }
        };
        let shown = |path: &Path| path.display().to_string();
        let reports = FILES.iter().map(|(name, _)| *name);
        let names: Vec<&str> = match occasion {
            ResultSource::Live => std::iter::once(RESULT).chain(reports).collect(),
            ResultSource::Stored | ResultSource::Untrusted => reports.collect(),
            ResultSource::ForRecording | ResultSource::ForRendering => Vec::new(),
        };
        Self {
            held,
            exit,
            records,
            verdict,
            strictness,
            folder: folder.to_owned(),
            gate_path: shown(held.folder),
            thresholds_path: shown(held.thresholds_path),
            files: names.iter().map(|name| shown(&folder.join(name))).collect(),
            is_recorded: false,
            is_untrusted: occasion == ResultSource::Untrusted,
        }
    }

    /// The same of a run that becomes a part of the baseline.
    pub(super) fn into_recorded(self) -> Self {
        Self {
            is_recorded: true,
            ..self
        }
    }

    /// How the process ends for this gate.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// Writes every report that can be written into the gate's folder.
    pub(super) fn write(&self) -> Vec<Error> {
        let view = self.view();
        let write = |(name, format): &(&str, Format)| {
            write(&self.folder.join(name), &format.render(&view)).err()
        };
        FILES.iter().filter_map(write).collect()
    }

    /// The text for the terminal.
    pub(super) fn terminal_text(&self, console: &Console) -> String {
        self.render_for_terminal(|view| match console.verbosity {
            Verbosity::Full => report::terminal(view, console.width, console.colour),
            Verbosity::Quiet | Verbosity::Silent => {
                report::verdict_line(view, console.width, console.colour)
            }
        })
    }

    /// The same with nothing left out, each name in each phase as well.
    pub(super) fn full_terminal_text(&self, console: &Console) -> String {
        self.render_for_terminal(|view| {
            report::terminal_in_full(view, console.width, console.colour)
        })
    }

    /// Renders with commands that can be typed in this shell.
    fn render_for_terminal(&self, render: impl FnOnce(&View<'_>) -> String) -> String {
        let (program, result) = (program(), self.result());
        let mut input = self.report_input();
        input.hints.program = &program;
        if let Some(result) = &result {
            input.hints.result = result;
        }
        render(&View::new(input))
    }

    /// What whoever records the runs should know.
    pub(super) fn recording_notes(&self) -> Vec<String> {
        report::recording_notes(&self.view())
    }

    /// Where its files lie.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What its reports show.
    pub(super) fn view(&self) -> View<'_> {
        View::new(self.report_input())
    }

    fn report_input(&self) -> ReportInput<'_> {
        let newest = match matching(self.held.baseline, &RunContext::from(&self.records[0])) {
            Matching::Jobs(jobs) => jobs.last().copied(),
            Matching::None(_) => None,
        };
        ReportInput {
            verdict: &self.verdict,
            record: &self.records[0],
            others: &self.records[1..],
            thresholds: self.held.thresholds,
            gate_path: Some(&*self.gate_path).filter(|path| !path.is_empty()),
            thresholds_path: &self.thresholds_path,
            baseline: self.held.baseline,
            compared_with: match (&self.records[0].base, newest) {
                (Some(base), _) => ComparedWith::Base {
                    commit: base.commit.as_deref(),
                },
                (None, Some(job)) => ComparedWith::Baseline {
                    commit: job.commit.as_deref(),
                    started: job.started,
                },
                (None, None) => ComparedWith::Nothing,
            },
            strict: self.strictness == Strictness::Strict,
            exit: self.exit.code(),
            files: &self.files,
            is_recorded: self.is_recorded,
            is_untrusted: self.is_untrusted,
            hints: CommandHints::default(),
        }
    }

    /// The result, as the user would name it to a command.
    fn result(&self) -> Option<String> {
        let is_result = |path: &&String| Path::new(path).file_name() == Some(RESULT.as_ref());
        self.files
            .iter()
            .find(is_result)
            .map(|path| report::quoted(path))
    }
}

impl Format {
    /// The report as the text of a file.
    pub(super) fn render(self, view: &View<'_>) -> String {
        match self {
            Self::Text => report::terminal_in_full(view, DEFAULT_WIDTH, Colour::Never),
            Self::Html => report::html(view),
            Self::Summary => report::summary(slice::from_ref(view)),
            Self::Junit => report::junit(slice::from_ref(view)),
            Self::Metrics => report::metrics(view),
            Self::MetricsGated => report::gated(slice::from_ref(view)),
            Self::LoadPerformance => report::performance(view),
            Self::BenchmarkAction => report::benchmark_action(view),
            Self::Bencher => report::bencher(view),
            Self::Result => view.record.to_json(),
        }
    }
}

/// Removes what earlier runs left in an output folder and in the folders of several gates in it, so that none of it is taken
/// for the result of a run that ends before it has one. Links are removed or passed over, never followed.
pub fn clear_results(out: &Path) -> Result<(), Error> {
    clear(out)?;
    let Ok(entries) = std::fs::read_dir(out) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && holds_result(&entry.path()) {
            clear(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes the reports, but not the results, that an output folder holds.
pub fn clear_reports(out: &Path) -> Result<(), Error> {
    files::reject_link_out(out).map_err(|source| plan::Error::Folder {
        path: out.to_owned(),
        source,
    })?;
    remove(out, FILES.iter().map(|(name, _)| *name))
}

/// Removes what an earlier run left in a folder, the result last: by it the folder is known.
pub(super) fn clear(folder: &Path) -> Result<(), Error> {
    clear_reports(folder)?;
    remove(folder, servers::LOGS.into_iter().chain([RESULT, REQUESTS]))
}

fn remove(folder: &Path, names: impl Iterator<Item = &'static str>) -> Result<(), Error> {
    for name in names {
        let path = folder.join(name);
        // A folder of this name is not of loadgate's making.
        if std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
            continue;
        }
        files::remove(&path).map_err(|source| Error::Remove { path, source })?;
    }
    Ok(())
}

/// Whether loadgate has written a result into a folder.
fn holds_result(folder: &Path) -> bool {
    let path = folder.join(RESULT);
    let is_file = std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
    let text = is_file.then(|| files::read(&path).ok()).flatten();
    text.is_some_and(|text| {
        matches!(
            record::detect_document(&text),
            Ok((_, DocumentKind::Result))
        )
    })
}

/// Judges records of one job; there must be at least one.
pub(super) fn judge<'a>(held: impl Into<Criteria<'a>>, records: &[RunRecord]) -> Verdict {
    let (held, setting) = (held.into(), RunContext::from(&records[0]));
    verdict::judge(&JudgeInput {
        thresholds: held.thresholds,
        candidates: records,
        matching: matching(held.baseline, &setting),
        anchor: anchor(held.baseline, &setting),
    })
}

/// Writes one summary over several gates, as far as it can be written.
pub(super) fn write_summary(out: &Path, evaluations: &[Evaluation<'_>]) -> Vec<Error> {
    let views: Vec<View<'_>> = evaluations.iter().map(Evaluation::view).collect();
    let texts = [
        ("metrics-gated.txt", report::gated(&views)),
        ("summary.md", report::summary(&views)),
    ];
    let write = |(name, text): &(&str, String)| write(&out.join(name), text).err();
    texts.iter().filter_map(write).collect()
}

/// Says which files could not be written. A verdict without its reports does not pass.
pub(super) fn report_unwritten(unwritten: &[Error], console: &Console) -> Exit {
    for error in unwritten {
        console.warn(&format!("error: {}", error_chain::error_chain(error)));
    }
    if unwritten.is_empty() {
        Exit::Passed
    } else {
        Exit::Invalid
    }
}

/// Writes one file, whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Error> {
    files::write(path, text).map_err(|source| Error::Write {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_knows_every_file_of_a_run() {
        let reports = FILES.into_iter().map(|(name, _)| name);
        let results = [RESULT, REQUESTS].into_iter();
        let own = results.chain(reports).chain(servers::LOGS);
        assert_eq!(own.collect::<Vec<_>>(), plan::OUTPUTS);
    }
}
