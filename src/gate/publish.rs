//! What the CI platform gets of a run: annotations in the log, the job's summary, outputs for later steps.
//!
//! None of it may change how the run ends: what the platform does not take is said, and that is all.

use std::path::{Path, PathBuf};

use super::console::{Console, Verbosity};
use super::evaluation::Evaluation;
use crate::ci::github::Step;
use crate::exit::Exit;
use crate::report;

/// Tells the platform that this process runs on, where there is one. `results` are the records that were judged.
pub(super) fn publish(
    evaluations: &[Evaluation<'_>],
    results: &[PathBuf],
    out: &Path,
    exit: Exit,
    console: &Console,
) {
    // A story within another one is nobody's to see.
    if console.verbosity == Verbosity::Silent {
        return;
    }
    let Some(step) = Step::find(&|name| std::env::var(name).ok()) else {
        return;
    };
    let views: Vec<_> = evaluations.iter().map(Evaluation::view).collect();
    let annotations: Vec<_> = views.iter().flat_map(report::annotations).collect();
    Console::command(&step.commands(&annotations));
    match step.add_summary(&report::summary(&views)) {
        Ok(true) => {}
        Ok(false) => console.warn("loadgate: the job's summary is full, so this one was left out"),
        Err(error) => console.warn(&format!(
            "loadgate: cannot write the job's summary: {error}"
        )),
    }
    let mut outputs = vec![("exit-code", exit.code().to_string())];
    outputs.extend(report::outputs(&views));
    outputs.extend(paths(evaluations, results, out));
    if let Err(error) = step.set_outputs(&outputs) {
        console.warn(&format!("loadgate: cannot write the outputs: {error}"));
    }
}

/// Where everything lies. Of several gates the records and JUnit files are a line each.
fn paths(
    evaluations: &[Evaluation<'_>],
    results: &[PathBuf],
    out: &Path,
) -> Vec<(&'static str, String)> {
    let lines = |paths: &mut dyn Iterator<Item = PathBuf>| {
        let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
        paths.join("\n")
    };
    let mut junit = evaluations.iter().map(|one| one.folder().join("junit.xml"));
    vec![
        ("out-path", out.display().to_string()),
        ("results-path", lines(&mut results.iter().cloned())),
        ("junit-path", lines(&mut junit)),
        ("summary-path", out.join("summary.md").display().to_string()),
    ]
}
