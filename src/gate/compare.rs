//! The difference of two results: the older one is all that there was before.

use std::path::PathBuf;

use super::Error;
use super::console::Console;
use crate::baseline::{self, Job, Matching, RunContext};
use crate::exit::Exit;
use crate::plan;
use crate::report::{self, ComparedWith, ReportInput, View};
use crate::thresholds::{MissingBaseline, Mode, Regression, Thresholds};
use crate::verdict::{self, JudgeInput};

/// Tells how the second result differs from the first. It judges for nobody: the exit is 0 whatever the difference.
pub fn compare(old: PathBuf, new: PathBuf, console: &Console) -> Result<Exit, Error> {
    let paths = [old, new];
    let records = plan::read_results(&paths)?;
    let [before, now] = records.as_slice() else {
        return Ok(Exit::Usage);
    };
    if before.scenario.sha256 != now.scenario.sha256 {
        return Err(Error::OtherScenario {
            file: paths[1].display().to_string(),
            gate: paths[0].display().to_string(),
            diff: baseline::scenario_diff(
                ("the old result", &before.scenario.text),
                ("the new result", &now.scenario.text),
            ),
        });
    }
    let held = baseline::add(None, &before.scenario, Job::from_record(before, false));
    let job = &held.jobs[0];
    for difference in baseline::differences(job, &RunContext::from(now)) {
        console.warn(&format!(
            "the results are not comparable: {} was {} and is {}",
            difference.property, difference.baseline, difference.current
        ));
    }
    let thresholds = Thresholds {
        mode: Mode::Observe,
        limits: Vec::new(),
        availability: None,
        aws: Vec::new(),
        regression: Regression {
            missing_baseline: MissingBaseline::Warn,
            ..Regression::default()
        },
        abort: None,
    };
    let verdict = verdict::judge(&JudgeInput {
        thresholds: &thresholds,
        candidates: std::slice::from_ref(now),
        matching: Matching::Jobs(vec![job]),
        anchor: None,
    });
    let view = View::new(ReportInput {
        verdict: &verdict,
        record: now,
        others: &[],
        thresholds: &thresholds,
        gate_path: Some(""),
        thresholds_path: "",
        baseline: Some(&held),
        compared_with: ComparedWith::Result {
            commit: job.commit.as_deref(),
            started: job.started,
        },
        strict: false,
        exit: Exit::Passed.code(),
        files: &[],
        is_recorded: false,
        is_untrusted: false,
        hints: report::CommandHints::default(),
    });
    console.print(&report::terminal_in_full(
        &view,
        console.width,
        console.colour,
    ));
    Ok(Exit::Passed)
}
