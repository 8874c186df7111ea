//! Annotations: what a CI system pins to a line of a file, the worst first.

use crate::report::text::{Text, untrusted};
use crate::report::view::{CheckRow, Status, View};
use crate::report::wording::{MOST_REASONS, caution, invalidities, sentence, subject_name};
use crate::verdict::{Check, CheckKind, CheckOutcome, Enforcement, Outcome};

/// A remark on a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// How bad it is.
    pub severity: AnnotationLevel,
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
pub enum AnnotationLevel {
    /// It fails the build.
    Error,
    /// It does not, and should be looked at.
    Warning,
}

/// What is to be said of one gate: why it could not be judged, what failed, what is open, what only warns.
pub fn annotations(view: &View) -> Vec<Annotation> {
    let reasons = invalidities(view).into_iter();
    let reasons = reasons.take(MOST_REASONS).map(|reason| {
        let severity = severity(view, Outcome::Invalid);
        remark(view, severity, None, &reason.sentences())
    });
    let lines = view.rows().iter().flat_map(CheckRow::lines);
    let lines = lines.filter_map(|line| {
        let message = sentence(view, line).capitalized();
        Some(remark(view, of_line(view, line)?, Some(line), &message))
    });
    let mut all: Vec<Annotation> = reasons.chain(lines).collect();
    if view.verdict.outcome == Outcome::Passed {
        let cautions = view.verdict.warnings.iter();
        all.extend(cautions.map(|shown| {
            let message = caution(view, shown).capitalized();
            remark(view, AnnotationLevel::Warning, None, &message)
        }));
    }
    all.sort_by_key(|remark| remark.severity);
    all
}

/// How bad a line is; nothing where it needs no remark.
fn of_line(view: &View, line: &Check) -> Option<AnnotationLevel> {
    let status = Status::new(line);
    let is_gated = line.enforcement == Enforcement::Gated;
    match (status, &line.outcome) {
        (Status::Failed, _) => Some(severity(view, Outcome::Failed)),
        (Status::Warned, _) => Some(AnnotationLevel::Warning),
        (_, CheckOutcome::Inconclusive) if is_gated => Some(severity(view, Outcome::Inconclusive)),
        _ => None,
    }
}

/// What ends like this fails the build, unless the gate is only observed.
fn severity(view: &View, outcome: Outcome) -> AnnotationLevel {
    let is_blocking = match outcome {
        Outcome::Failed | Outcome::Invalid => true,
        Outcome::Inconclusive => view.strict,
        Outcome::Passed => false,
    };
    let fails = is_blocking && !view.verdict.observed;
    if fails {
        AnnotationLevel::Error
    } else {
        AnnotationLevel::Warning
    }
}

fn remark(
    view: &View,
    severity: AnnotationLevel,
    line: Option<&Check>,
    message: &Text,
) -> Annotation {
    let gate = untrusted(view.gate());
    let title = match line {
        Some(line) => format!("{gate}: {}", subject_name(&line.subject)),
        None => gate.to_string(),
    };
    let written = line.map(|line| written(view, line));
    Annotation {
        severity,
        file: (view.gate_path.is_some() && !view.thresholds_path.is_empty())
            .then(|| view.thresholds_path.to_owned()),
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
        CheckKind::Change(check) => {
            let accepted = check
                .acceptance
                .and_then(|index| regression.accepted.get(index));
            accepted.map(|accepted| accepted.line).or(regression.line)
        }
    }
}
