//! Stored results, judged again without a network.

use std::path::{Path, PathBuf};

use super::Error;
use super::console::Console;
use super::evaluation::{Evaluation, ResultSource, report_unwritten};
use super::publish;
use crate::baseline::{exclude_runs, scenario_diff};
use crate::exit::{Exit, Strictness};
use crate::plan::{self, Gate};
use crate::record::RunRecord;

/// Judges the results at `paths` as one job and writes the reports into `out`.
pub fn judge(
    gate: &mut Gate,
    paths: &[PathBuf],
    out: &Path,
    strictness: Strictness,
    console: &Console,
) -> Result<Exit, Error> {
    if let Some(note) = &gate.baseline_note {
        console.warn(&format!("loadgate: {note}"));
    }
    let records = plan::read_results(paths)?;
    for (record, path) in records.iter().zip(paths) {
        same_scenario(gate, record, path)?;
    }
    same_run(&records, paths)?;
    let held = gate.baseline.as_mut();
    if held.is_some_and(|held| exclude_runs(held, &records)) {
        console.warn(
            "loadgate: the baseline already contains this run, so it is compared with the other jobs only",
        );
    }
    plan::make_folder(out)?;
    let evaluation = Evaluation::new(&*gate, records, ResultSource::Stored, strictness, out);
    let unwritten = evaluation.write();
    console.print(&evaluation.terminal_text(console));
    let exit = evaluation
        .exit()
        .worse(report_unwritten(&unwritten, console));
    publish::publish(&[evaluation], paths, out, exit, console);
    Ok(exit)
}

/// Refuses a result of another scenario: its numbers mean something else.
pub(super) fn same_scenario(gate: &Gate, record: &RunRecord, path: &Path) -> Result<(), Error> {
    if record.scenario.sha256 == gate.scenario.sha256 {
        return Ok(());
    }
    Err(Error::OtherScenario {
        file: path.display().to_string(),
        gate: gate.folder.display().to_string(),
        diff: scenario_diff(
            ("the gate", &gate.scenario.canonical),
            ("the result", &record.scenario.text),
        ),
    })
}

/// Refuses a mix of runs: several candidates are one job only if one CI run measured them.
pub(super) fn same_run(records: &[RunRecord], paths: &[PathBuf]) -> Result<(), Error> {
    let run = |record: &RunRecord| {
        let attempt = record
            .run
            .attempt
            .map_or_else(String::new, |attempt| format!(", attempt {attempt}"));
        format!("{}{attempt}", record.run.id)
    };
    let Some(first) = records.first() else {
        return Ok(());
    };
    let stray = records.iter().position(|record| run(record) != run(first));
    match stray {
        None => Ok(()),
        Some(index) => Err(Error::TwoRuns {
            first: paths[0].display().to_string(),
            first_run: run(first),
            second: paths[index].display().to_string(),
            second_run: run(&records[index]),
        }),
    }
}
