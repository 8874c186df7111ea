//! Annotations: what a CI system pins to a line of a file, the worst first.

use crate::report::text::{Text, untrusted};
use crate::report::view::{Status, View};
use crate::report::wording::{MOST_REASONS, caution, invalidities, sentence, subject_name};
use crate::verdict::{Check, CheckKind, CheckOutcome, Enforcement, Outcome};

/// A remark on a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// How bad it is.
    pub severity: Severity,
    /// The file, as the user wrote its path; none where the remark is about no file.
    pub file: Option<String>,
    /// The line of the file, from 1.
    pub line: u32,
    /// What it is about, on one line.
    pub title: String,
    /// What is to be said, on one line.
    pub message: String,
}

/// How bad a remark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It fails the build.
    Error,
    /// It does not, and should be looked at.
    Warning,
}

/// What is to be said of one gate: why it could not be judged, what failed, what is open, what only warns.
pub fn annotations(view: &View) -> Vec<Annotation> {
    let reasons = invalidities(view).into_iter();
    let mut all: Vec<Annotation> = reasons
        .take(MOST_REASONS)
        .map(|reason| {
            let message = reason.sentences();
            remark(view, severity(view, Outcome::Invalid), None, &message)
        })
        .collect();
    for row in view.rows() {
        for line in row.lines() {
            if let Some(severity) = of_line(view, line) {
                let message = sentence(view, line).capitalized();
                all.push(remark(view, severity, Some(line), &message));
            }
        }
    }
    if view.verdict.outcome == Outcome::Passed {
        let cautions = view.verdict.warnings.iter();
        all.extend(cautions.map(|shown| {
            let message = caution(view, shown).capitalized();
            remark(view, Severity::Warning, None, &message)
        }));
    }
    all.sort_by_key(|remark| remark.severity);
    all
}

/// How bad a line is; nothing where it needs no remark.
fn of_line(view: &View, line: &Check) -> Option<Severity> {
    let status = Status::new(line);
    let is_open =
        line.outcome == CheckOutcome::Inconclusive && line.enforcement == Enforcement::Gated;
    if status == Status::Failed {
        Some(severity(view, Outcome::Failed))
    } else if status == Status::Warned {
        Some(Severity::Warning)
    } else {
        is_open.then(|| severity(view, Outcome::Inconclusive))
    }
}

/// What ends like this fails the build, unless the gate is only observed.
fn severity(view: &View, outcome: Outcome) -> Severity {
    let is_blocking = match outcome {
        Outcome::Failed | Outcome::Invalid => true,
        Outcome::Inconclusive => view.strict,
        Outcome::Passed => false,
    };
    if is_blocking && !view.verdict.observed {
        Severity::Error
    } else {
        Severity::Warning
    }
}

fn remark(view: &View, severity: Severity, line: Option<&Check>, message: &Text) -> Annotation {
    let gate = untrusted(view.gate());
    let title = match line {
        Some(line) => format!("{gate}: {}", subject_name(&line.subject)),
        None => gate.to_string(),
    };
    let written = line.map(|line| written(view, line));
    Annotation {
        severity,
        file: (!view.thresholds_path.is_empty()).then(|| view.thresholds_path.to_owned()),
        line: written.flatten().unwrap_or(1),
        title: format!("loadgate {title}"),
        message: message.to_string(),
    }
}

/// The line of thresholds.yml by which a line was judged; none for what holds where the file is silent.
fn written(view: &View, line: &Check) -> Option<u32> {
    let regression = &view.thresholds.regression;
    match &line.kind {
        CheckKind::Limit(limit) => limit.line,
        CheckKind::Change(check) => check
            .acceptance
            .and_then(|index| regression.accepted.get(index))
            .map(|accepted| accepted.line)
            .or(regression.line),
    }
}
