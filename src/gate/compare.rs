//! The difference of two results, of which the older is all that there was before; and results beside each other that
//! differ in one label.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Error;
use super::console::Console;
use crate::baseline::{self, Job, Matching, RunContext};
use crate::exit::Exit;
use crate::files;
use crate::plan;
use crate::record::RunRecord;
use crate::report::{self, ComparedWith, ReportInput, SideBySide, View};
use crate::thresholds::{MissingBaseline, Mode, Regression, Thresholds};
use crate::verdict::{self, JudgeInput};

/// Tells how the second result differs from the first. It judges for nobody: the exit is 0 whatever the difference.
pub fn compare(old: PathBuf, new: PathBuf, console: &Console) -> Result<Exit, Error> {
    let paths = [old, new];
    let records = plan::read_results(&paths)?;
    let [before, now] = records.as_slice() else {
        return Ok(Exit::Usage);
    };
    same_scenario(&paths, (before, now), 1)?;
    let held = baseline::add(None, &before.scenario, Job::from_record(before, false));
    let job = &held.jobs[0];
    warn_of_differences(job, now, console);
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

/// Puts results beside each other by the value of a label, on the console and into a page. Without `by` it is the
/// only label in which they differ.
pub fn compare_by(
    by: Option<String>,
    paths: &[PathBuf],
    page: Option<&Path>,
    console: &Console,
) -> Result<Exit, Error> {
    let mut records = plan::read_results(paths)?;
    let by = by.map_or_else(|| differing_label(&records), Ok)?;
    let mut labels: Vec<String> = Vec::new();
    for (record, path) in records.iter_mut().zip(paths) {
        // Results that differ in this label alone are comparable.
        let label = record.labels.remove(&by).ok_or_else(|| Error::NoLabel {
            file: path.clone(),
            label: by.clone(),
        })?;
        if let Some(twin) = labels.iter().position(|known| *known == label) {
            return Err(Error::SameLabel {
                first: paths[twin].clone(),
                second: path.clone(),
                label: format!("{by}={label}"),
            });
        }
        labels.push(label);
    }
    let Some((first, others)) = records.split_first() else {
        return Ok(Exit::Usage);
    };
    let job = Job::from_record(first, false);
    for (index, other) in (1..).zip(others) {
        same_scenario(paths, (first, other), index)?;
        warn_of_differences(&job, other, console);
    }
    let runs = labels.iter().map(String::as_str).zip(&records);
    let view = SideBySide {
        gate: &first.scenario.name,
        label: &by,
        variants: &verdict::variants(&runs.collect::<Vec<_>>()),
    };
    if let Some(path) = page {
        files::write(path, report::side_by_side_html(&view)).map_err(|source| Error::Retold {
            path: path.to_owned(),
            source,
        })?;
    }
    console.print(&report::side_by_side(&view, console.width));
    Ok(Exit::Passed)
}

/// The only label in which results differ.
fn differing_label(records: &[RunRecord]) -> Result<String, Error> {
    let names: BTreeSet<&String> = records.iter().flat_map(|it| it.labels.keys()).collect();
    let mut differing = names.into_iter().filter(|name| {
        let values = records.iter().map(|record| record.labels.get(*name));
        values.collect::<BTreeSet<_>>().len() > 1
    });
    match (differing.next(), differing.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => Err(Error::NoDifferingLabel),
        (Some(first), Some(second)) => Err(Error::DifferingLabels(first.clone(), second.clone())),
    }
}

/// Refuses a result, the one of this index, that is of another scenario than the first.
fn same_scenario(
    paths: &[PathBuf],
    (before, now): (&RunRecord, &RunRecord),
    index: usize,
) -> Result<(), Error> {
    if before.scenario.sha256 == now.scenario.sha256 {
        return Ok(());
    }
    Err(Error::OtherScenario {
        file: paths[index].display().to_string(),
        gate: paths[0].display().to_string(),
        diff: baseline::scenario_diff(
            ("the old result", &before.scenario.text),
            ("the new result", &now.scenario.text),
        ),
    })
}

fn warn_of_differences(job: &Job, now: &RunRecord, console: &Console) {
    for difference in baseline::differences(job, &RunContext::from(now)) {
        console.warn(&format!(
            "the results are not comparable: {} was {} and is {}",
            difference.property, difference.baseline, difference.current
        ));
    }
}
