//! Accepted runs, added to the baseline.

use std::path::{Path, PathBuf};

use super::Error;
use super::console::{Console, program};
use super::evaluation::{Evaluation, RESULT, ResultSource};
use super::judge::same_scenario;
use crate::baseline::store::Update;
use crate::baseline::{self, Baseline, Job, StoreError};
use crate::error_chain;
use crate::exit::{Exit, Strictness};
use crate::files;
use crate::plan::{self, Gate, Plan, RecordMode};
use crate::record::{Ended, RunRecord, ScenarioIdentity};
use crate::report;
use crate::verdict::{InvalidReason, Outcome, Verdict};

/// Whether results that were judged worse are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptMode {
    /// They are refused.
    GoodOnly,
    /// They are added: `--accept`.
    Worse,
}

/// What is done to the baseline beside adding jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BaselineEdit {
    /// A new ring begins: what was there before is dropped.
    pub restart: bool,
    /// The last result becomes the release that drift is held against.
    pub anchor: bool,
}

/// Adds the results at `paths` to the gate's baseline, oldest first. Either all are added or none.
pub fn record(
    gate: &mut Gate,
    paths: &[PathBuf],
    acceptance: AcceptMode,
    change: BaselineEdit,
    console: &Console,
) -> Result<Exit, Error> {
    let records = plan::read_results(paths)?;
    let update = Update::new(&gate.baseline_path)?;
    // Another process may have added a job since the gate was read.
    gate.baseline = update.read()?.filter(|_| !change.restart);
    for (record, path) in records.iter().zip(paths) {
        same_scenario(gate, record, path)?;
        same_scenario_as_baseline(gate, record, path)?;
        let evaluation = Evaluation::new(
            &*gate,
            vec![record.clone()],
            ResultSource::ForRecording,
            Strictness::Lenient,
            Path::new(""),
        );
        if let Some((why, exit)) = refusal(record, &evaluation.verdict, acceptance) {
            console.warn(&format!(
                "loadgate: {} was not recorded, and neither was anything else: {}",
                path.display(),
                with_reasons(why, &evaluation)
            ));
            console.print(&evaluation.terminal_text(console));
            return Ok(exit);
        }
        for note in evaluation.recording_notes() {
            console.warn(&format!("{}: {note}", path.display()));
        }
        let worse = evaluation.verdict.outcome == Outcome::Failed;
        add(
            gate,
            path,
            &record.scenario,
            Job::from_record(record, worse),
            console,
        );
    }
    if let (Some(held), Some(last), true) = (&mut gate.baseline, records.last(), change.anchor) {
        baseline::set_anchor(held, &last.run);
    }
    if let Some(held) = &gate.baseline {
        update.write(held)?;
        console.print(&recorded(gate, held));
    }
    let anchor = gate.baseline.as_ref().and_then(|held| held.anchor.as_ref());
    if let (Some(anchor), true) = (anchor, change.anchor) {
        console.print(&format!(
            "Drift is measured from the job of {:.0} from now on.",
            anchor.started
        ));
    }
    Ok(Exit::Passed)
}

/// Lists the jobs of a gate's baseline.
pub fn list_jobs(gate: &Gate, console: &Console) -> Result<Exit, Error> {
    let held = gate.baseline.as_ref();
    let held = held.ok_or_else(|| Error::NoBaseline(gate.baseline_path.clone()))?;
    console.print(&report::jobs(held));
    Ok(Exit::Passed)
}

/// Takes jobs out of a gate's baseline: all that are named, or none.
pub fn drop_jobs(gate: &Gate, names: &[String], console: &Console) -> Result<Exit, Error> {
    let update = Update::new(&gate.baseline_path)?;
    let missing = || Error::NoBaseline(gate.baseline_path.clone());
    let mut held = update.read()?.ok_or_else(missing)?;
    let had_anchor = held.anchor.is_some();
    let mut dropped = Vec::new();
    for name in names {
        dropped.push(baseline::remove(&mut held, name)?);
    }
    update.write(&held)?;
    for job in dropped {
        console.print(&format!("dropped {} of {}", job.id, job.started));
    }
    if had_anchor && held.anchor.is_none() {
        console.warn(
            "loadgate: the anchor was dropped, so drift is not checked; set another with 'record --anchor'",
        );
    }
    console.print(&recorded(gate, &held));
    Ok(Exit::Passed)
}

/// Adds one result, unless the baseline holds it already.
fn add(gate: &mut Gate, path: &Path, scenario: &ScenarioIdentity, job: Job, console: &Console) {
    if let Some(held) = &gate.baseline
        && baseline::contains(held, &job)
    {
        console.note(&format!("{} is in the baseline already", path.display()));
        return;
    }
    gate.baseline = Some(baseline::add(gate.baseline.take(), scenario, job));
}

/// Whether a run may become a part of the baseline.
pub(super) fn is_acceptable(evaluation: &Evaluation<'_>) -> bool {
    refusal(
        &evaluation.records[0],
        &evaluation.verdict,
        AcceptMode::GoodOnly,
    )
    .is_none()
}

/// Tries that every baseline that will be recorded can be written, so that it shows before the first request. What a
/// process that was killed left beside a baseline is removed.
pub(super) fn prepare(plan: &Plan) -> Result<(), Error> {
    for gate in &plan.gates {
        match plan.recording {
            RecordMode::IfAcceptable => drop(Update::new(&gate.baseline_path)?),
            RecordMode::Off => files::clean(&gate.baseline_path),
        }
    }
    Ok(())
}

/// Adds the run that was just judged, when it passed or was inconclusive (`--record`). Its reports are written by then: a
/// baseline that cannot be written leaves the run unfinished, as a report that cannot be written does.
pub(super) fn record_if_acceptable(
    gate: &Gate,
    evaluation: &Evaluation<'_>,
    console: &Console,
) -> Exit {
    let record = &evaluation.records[0];
    if let Some((why, _)) = refusal(record, &evaluation.verdict, AcceptMode::GoodOnly) {
        console.warn(&format!("not recorded: {}", with_reasons(why, evaluation)));
        return Exit::Passed;
    }
    match add_run(gate, record, console) {
        Ok(held) => {
            console.note(&recorded(gate, &held));
            for note in evaluation.recording_notes() {
                console.warn(&note);
            }
            Exit::Passed
        }
        Err(error) => {
            console.warn(&format!(
                "loadgate: the run was not recorded: {}; record it later with `{} record {} {}`",
                error_chain::error_chain(&error),
                program(),
                gate.folder.display(),
                evaluation.folder().join(RESULT).display()
            ));
            Exit::Invalid
        }
    }
}

fn add_run(gate: &Gate, record: &RunRecord, console: &Console) -> Result<Baseline, StoreError> {
    let update = Update::new(&gate.baseline_path)?;
    let stored = update.read()?;
    let is_new = |held: &Baseline| held.scenario.sha256 != record.scenario.sha256;
    if stored.as_ref().is_some_and(is_new) {
        console.warn("the scenario differs from the baseline's; a new ring starts");
    }
    // The numbers of another scenario mean something else.
    let held = stored.filter(|held| !is_new(held));
    let held = baseline::add(held, &record.scenario, Job::from_record(record, false));
    update.write(&held)?;
    Ok(held)
}

/// Why a run was not recorded, with what made it invalid.
fn with_reasons(why: &str, evaluation: &Evaluation<'_>) -> String {
    let reasons = report::invalid_reasons(&evaluation.view());
    if reasons.is_empty() {
        return why.to_owned();
    }
    format!("{why} ({})", reasons.join("; "))
}

/// Why a run may not become part of the baseline, and how `record` then exits.
fn refusal(
    record: &RunRecord,
    verdict: &Verdict,
    acceptance: AcceptMode,
) -> Option<(&'static str, Exit)> {
    // The first job has no baseline to be held against, however sternly the thresholds ask for one.
    let is_first = verdict.invalid == [InvalidReason::MissingBaseline];
    let outcome = if is_first {
        Outcome::Inconclusive
    } else {
        verdict.outcome
    };
    match (&record.run.ended, outcome, acceptance) {
        (Ended::Interrupted { .. }, _, _) => Some(("the run was interrupted", Exit::Invalid)),
        (Ended::Aborted { .. }, _, _) => Some(("the run was aborted", Exit::Failed)),
        (Ended::BudgetSpent { .. }, _, _) => Some(("the run had spent its budget", Exit::Invalid)),
        (Ended::Unreachable { .. }, _, _) => Some(("the target was not reached", Exit::Invalid)),
        (Ended::Completed, Outcome::Invalid, _) => Some(("the run is invalid", Exit::Invalid)),
        (Ended::Completed, Outcome::Failed, AcceptMode::GoodOnly) => Some((
            "it was judged worse; use --accept to add it anyway",
            Exit::Failed,
        )),
        (Ended::Completed, _, _) if record.is_mixed() => Some((
            "its target got half of the load, the base the other half; record a run that loads the target alone (--no-base)",
            Exit::Usage,
        )),
        (Ended::Completed, _, _) if record.run.from_pull_request => Some((
            "its commit is from a pull or merge request; record after the merge",
            Exit::Usage,
        )),
        (Ended::Completed, Outcome::Failed, AcceptMode::Worse)
        | (Ended::Completed, Outcome::Passed | Outcome::Inconclusive, _) => None,
    }
}

/// Refuses a result whose scenario differs from the baseline's, unless a new ring begins.
fn same_scenario_as_baseline(gate: &Gate, record: &RunRecord, path: &Path) -> Result<(), Error> {
    let Some(held) = gate
        .baseline
        .as_ref()
        .filter(|held| held.scenario.sha256 != record.scenario.sha256)
    else {
        return Ok(());
    };
    Err(Error::OtherScenario {
        file: path.display().to_string(),
        gate: format!(
            "{} (start a new ring with --restart)",
            gate.baseline_path.display()
        ),
        diff: baseline::scenario_diff(
            ("the baseline", &held.scenario.text),
            ("the result", &record.scenario.text),
        ),
    })
}

fn recorded(gate: &Gate, held: &Baseline) -> String {
    format!(
        "{} holds {} recorded {}",
        gate.baseline_path.display(),
        held.jobs.len(),
        if held.jobs.len() == 1 { "job" } else { "jobs" }
    )
}
