//! `report`: a stored result, rendered in one format.

use std::path::Path;

use super::Error;
use super::console::Console;
use super::evaluation::{Criteria, Evaluation, Format, ResultSource};
use super::judge::same_scenario;
use crate::baseline::exclude_runs;
use crate::exit::{Exit, Strictness};
use crate::files;
use crate::plan::{self, BaselineLocation, Gate};

/// What a stored result is judged by.
#[derive(Debug)]
pub enum CriteriaSource {
    /// The gate that it was judged with.
    Gate(Box<Gate>),
    /// No gate: the limits that hold where thresholds.yml is silent, and a baseline where one is given.
    Defaults(Option<BaselineLocation>),
}

/// Renders a result again as its run did, on standard output or into a file. The exit says whether that worked; what
/// the run came to is in the report.
pub fn report(
    result: &Path,
    mut against: CriteriaSource,
    format: Format,
    strictness: Strictness,
    out: Option<&Path>,
    console: &Console,
) -> Result<Exit, Error> {
    let mut records = plan::read_results(&[result.to_owned()])?;
    let Some(record) = records.pop() else {
        return Ok(Exit::Usage);
    };
    let has_gate = matches!(against, CriteriaSource::Gate(_));
    let (thresholds, mut baseline, note);
    let (held, note) = match &mut against {
        CriteriaSource::Gate(gate) => {
            same_scenario(gate, &record, result)?;
            // A run that was recorded since is not held against itself.
            if let Some(held) = &mut gate.baseline {
                exclude_runs(held, std::slice::from_ref(&record));
            }
            let gate: &Gate = gate;
            (Criteria::from(gate), gate.baseline_note.as_deref())
        }
        CriteriaSource::Defaults(place) => {
            thresholds = plan::empty_thresholds(&record)?;
            (baseline, note) = place
                .as_ref()
                .map_or(Ok((None, None)), plan::read_baseline_at)?;
            if let Some(held) = &mut baseline {
                exclude_runs(held, std::slice::from_ref(&record));
            }
            let held = Criteria {
                thresholds: &thresholds,
                thresholds_path: Path::new("thresholds.yml"),
                baseline: baseline.as_ref(),
                // Stands where advice names the gate.
                folder: Path::new("GATE"),
            };
            (held, note.as_deref())
        }
    };
    if let Some(note) = note {
        console.warn(&format!("loadgate: {note}"));
    }
    if !has_gate {
        console
            .warn("rendered with the default limits; use --gate GATE for the thresholds of a gate");
    }
    let evaluation = Evaluation::new(
        held,
        vec![record],
        ResultSource::ForRendering,
        strictness,
        Path::new(""),
    );
    match (out, format) {
        (Some(path), _) => {
            files::write(path, format.render(&evaluation.view())).map_err(|source| {
                Error::Retold {
                    path: path.to_owned(),
                    source,
                }
            })?;
        }
        (None, Format::Text) => console.print(&evaluation.full_terminal_text(console)),
        (None, _) => console.print(&format.render(&evaluation.view())),
    }
    Ok(Exit::Passed)
}
