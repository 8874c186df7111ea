//! The story: from a plan to an exit code.
//!
//! It calls the rooms in the order of the sentence and writes the files. It must not know the command line, judge, or
//! word a verdict. Everything is written before the exit code is returned, whatever it is.

mod aws;
mod bug;
mod checkout;
mod comment;
mod compare;
mod console;
mod error;
mod evaluation;
mod judge;
mod measure;
mod planned;
mod progress;
mod publish;
mod record;
mod reference;
mod render;
mod replay;
mod secrets;
mod servers;
mod signals;
mod spending;
mod trial;
mod validate;

pub use aws::add_to_result;
pub use bug::end_at_panics;
pub use comment::{Commenting, Source, When, comment};
pub use compare::{compare, compare_by};
pub use console::{Console, ProgressMode, Verbosity, print_error, program};
pub use error::Error;
pub use evaluation::{Format, clear_reports, clear_results};
pub use judge::judge;
pub use record::{AcceptMode, BaselineEdit, drop_jobs, list_jobs, record};
pub use render::{CriteriaSource, report};
pub use trial::try_gate;
pub use validate::validate;

use std::path::Path;

use crate::exit::{Exit, Strictness};
use crate::load::Stop;
use crate::plan::{GateText, JudgeMode, Plan, RecordMode};
use crate::record::{Ended, RunRecord};
use crate::report::quoted;
use evaluation::{Evaluation, ResultSource, report_unwritten};

/// Loads, measures, judges and reports every gate of a plan; the exit is the worst of them.
pub fn run(plan: &Plan, strictness: Strictness, console: &Console) -> Result<Exit, Error> {
    plan.make_folders()?;
    clear_results(&plan.out)?;
    for gate in &plan.gates {
        evaluation::clear(&plan.folder(gate))?;
    }
    record::prepare(plan)?;
    let stop = Stop::default();
    signals::listen({
        let stop = stop.clone();
        move |signal| stop.set(signal)
    })
    .map_err(Error::Signals)?;
    let mut evaluations: Vec<Evaluation<'_>> = Vec::new();
    let mut exit = Exit::Passed;
    for gate in &plan.gates {
        if let Some(note) = &gate.baseline_note {
            console.warn(&format!("loadgate: {note}"));
        }
        let mut record = measure::measure(plan, gate, &stop, console)?;
        aws::add(plan, gate, &mut record, &stop, console);
        let interrupted = record.is_partial();
        let folder = plan.folder(gate);
        let result = evaluation::write(&folder.join(evaluation::RESULT), &record.to_json());
        let requests = aws::write_requests(&folder, &record);
        let mut unwritten: Vec<Error> = [result, requests]
            .into_iter()
            .filter_map(Result::err)
            .collect();
        if plan.judging == JudgeMode::Deferred {
            exit = exit.worse(unjudged(&record, &folder, console));
            exit = exit.worse(report_unwritten(&unwritten, console));
            if interrupted {
                break;
            }
            continue;
        }
        let one = Evaluation::new(gate, vec![record], ResultSource::Live, strictness, &folder);
        let one = match plan.recording {
            RecordMode::IfAcceptable if record::is_acceptable(&one) => one.into_recorded(),
            RecordMode::IfAcceptable | RecordMode::Off => one,
        };
        unwritten.extend(one.write());
        console.print(&one.terminal_text(console));
        exit = exit.worse(report_unwritten(&unwritten, console));
        if plan.recording == RecordMode::IfAcceptable {
            exit = exit.worse(record::record_if_acceptable(gate, &one, console));
        }
        evaluations.push(one);
        if interrupted {
            break;
        }
    }
    if plan.judging == JudgeMode::Deferred {
        return Ok(exit);
    }
    if plan.gates.len() > 1 {
        let unwritten = evaluation::write_summary(&plan.out, &evaluations);
        exit = exit.worse(report_unwritten(&unwritten, console));
    }
    let exit = evaluations
        .iter()
        .map(Evaluation::exit)
        .fold(exit, Exit::worse);
    let results: Vec<_> = evaluations
        .iter()
        .map(|one| one.folder().join(evaluation::RESULT))
        .collect();
    publish::publish(&evaluations, &results, &plan.out, exit, console);
    Ok(exit)
}

/// Says where a result lies that another job judges. The exit says whether there is something to judge.
fn unjudged(record: &RunRecord, folder: &Path, console: &Console) -> Exit {
    let exit = match &record.run.ended {
        Ended::Completed | Ended::Aborted { .. } => Exit::Passed,
        Ended::Unreachable { .. } | Ended::BudgetSpent { .. } => Exit::Invalid,
        Ended::Interrupted { signal } => Exit::Signal(*signal),
    };
    console.print(&format!(
        "{} was measured, not judged; judge it and other results of this CI run with '{} judge GATE {}'",
        record.scenario.name,
        program(),
        folder.join(evaluation::RESULT).display()
    ));
    exit
}

/// Says how to write a gate that was run without a folder.
pub fn print_how_to_keep(text: &GateText, console: &Console) {
    let words: Vec<_> = text.arguments.iter().map(|word| quoted(word)).collect();
    if console.verbosity == Verbosity::Full {
        console.print("");
        for name in text.environment.keys() {
            console.print(&format!(
                "{name} stands for a secret that you gave; set it before the gate runs."
            ));
        }
        let command = format!("{} init --target {}", program(), words.join(" "));
        console.print(&format!("Keep it: {command}"));
    }
}

/// Listens for SIGINT and SIGTERM from now on. The function that it returns waits for the first.
pub fn signal_waiter() -> Result<impl FnOnce(), Error> {
    signals::waiter().map_err(Error::Signals)
}
