//! `try`: one user of each class does every task once, and each request and response is shown: for writing a scenario.

use super::console::Console;
use super::{Error, bug, measure, secrets, signals};
use crate::exit::Exit;
use crate::load::{self, StepKind, Stop, TrialStep};
use crate::measurement::{Arm, UnreachableCause};
use crate::plan::{Gate, Plan};
use crate::processes;
use crate::report::{HiddenValues, TrialReport, remedy, trial};

/// Tries the only gate of a plan. If a step fails the exit is 1, and 3 if nothing responded at all.
pub fn try_gate(plan: &Plan, console: &Console) -> Result<Exit, Error> {
    let stop = Stop::default();
    signals::listen({
        let stop = stop.clone();
        move |signal| stop.set(signal)
    })
    .map_err(Error::Signals)?;
    let mut worst = Exit::Passed;
    for gate in &plan.gates {
        let (exit, ended) = one(plan, gate, &stop, console)?;
        worst = worst.worse(exit);
        if let Some(signal) = ended {
            return Ok(Exit::Signal(signal));
        }
    }
    Ok(worst)
}

fn one(
    plan: &Plan,
    gate: &Gate,
    stop: &Stop,
    console: &Console,
) -> Result<(Exit, Option<i32>), Error> {
    let target = gate.target()?;
    bug::sending();
    console.note(&format!("{}: trying {target}", gate.scenario.name));
    let mut hiding = HiddenValues::new(&secrets::known(plan, gate));
    let mut last = None;
    let mut cause = UnreachableCause::Unknown;
    let (mut steps, mut failed, mut sent, mut answered) = (0_usize, 0_usize, false, false);
    let mut on_step = |done: &TrialStep| {
        steps += 1;
        failed += usize::from(done.failure.is_some());
        if cause == UnreachableCause::Unknown {
            cause = done.cause;
        }
        if let StepKind::Request {
            took,
            answered: came,
            ..
        } = &done.deed
        {
            sent |= took.is_some();
            answered |= came;
        }
        let place = (done.class, done.task);
        if last != Some(place) {
            last = Some(place);
            console.print(&heading(gate, place));
        }
        let shown = seen(gate, done);
        console.print(&trial(&shown, &mut hiding, console.width));
    };
    let order = measure::order(plan, gate, target, &|_| {});
    let whole = load::rehearse(&order, &mut on_step, stop);
    processes::kill_orphans();
    let whole = whole?;
    if !whole {
        return Ok((Exit::Passed, stop.signal()));
    }
    let exit = match (failed, sent && !answered) {
        (_, true) => Exit::Invalid,
        (0, false) => Exit::Passed,
        (_, false) => Exit::Failed,
    };
    console.print(&match exit {
        Exit::Invalid => format!("\n{target} does not respond, so nothing could be tried"),
        Exit::Passed if steps == 1 => "\nthe step succeeded".to_owned(),
        Exit::Passed => format!("\nall {steps} steps succeeded"),
        Exit::Failed | Exit::Usage | Exit::Inconclusive | Exit::Signal(_) => {
            let ending = if steps == 1 { "" } else { "s" };
            format!("\n{failed} of {steps} step{ending} failed")
        }
    });
    if cause != UnreachableCause::Unknown {
        console.print(&format!("Fix: {}", remedy(cause, Arm::Target)));
    }
    Ok((exit, None))
}

fn heading(gate: &Gate, (class, task): (usize, Option<usize>)) -> String {
    let name = &gate.scenario.user_classes[class].name;
    match task {
        None => format!("\n== {name}: on_start"),
        Some(task) => format!("\n== {name}: task {}", task + 1),
    }
}

fn seen<'a>(gate: &'a Gate, done: &'a TrialStep) -> TrialReport<'a> {
    let witness = &done.witness;
    let (what, took) = match &done.deed {
        StepKind::Request { name, took, .. } => (gate.scenario.requests[*name].clone(), *took),
        StepKind::Command(program) => (format!("command {program}"), None),
        StepKind::Think => ("think, skipped".to_owned(), None),
        StepKind::Skipped => ("skipped: its condition is false".to_owned(), None),
    };
    TrialReport {
        what,
        took,
        request: &witness.request,
        answer: witness.answer.as_ref().map(|answer| {
            (
                answer.status,
                answer.headers.as_slice(),
                answer.body.as_slice(),
            )
        }),
        length: witness.answer.as_ref().map_or(0, |answer| answer.length),
        captured: &witness.captured,
        secrets: &witness.secrets,
        failure: done.failure.as_deref(),
        unfollowed: done.unfollowed.as_deref(),
    }
}
