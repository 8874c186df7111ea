//! What to do next if a gate failed or was inconclusive.

use super::cautions::sees_more;
use crate::report::text::numbers::count;
use crate::report::text::{Text, command, quoted, text, untrusted};
use crate::report::view::{CheckRow, Status, View};
use crate::verdict::{Check, CheckKind, CheckOutcome, Comparison, Measure, Outcome, Warning};

/// What to do next: for a gate that failed, where the broken promises are written; for an inconclusive one, what would
/// let it tell. An invalid run has a remedy for each of its reasons.
pub(crate) fn advice(view: &View) -> Vec<Text> {
    match view.verdict.outcome {
        Outcome::Passed | Outcome::Invalid => Vec::new(),
        Outcome::Failed if view.abort_line().is_some() => {
            vec![text!("Fix the errors first, then run it again.")]
        }
        Outcome::Failed => broken_limits(view)
            .into_iter()
            .chain(drifted(view))
            .collect(),
        Outcome::Inconclusive => remedies(view).into_iter().map(Text::from).collect(),
    }
}

/// What to do about what added up since the anchor.
fn drifted(view: &View) -> Option<Text> {
    let rows = view.rows();
    let failed = |row: &&CheckRow| row.is_drift() && row.status == Status::Failed;
    rows.iter().find(failed)?;
    Some(text!(
        "Changes since the anchor add up, although no single run failed; find them in the history. If all of them are wanted, set a new anchor with {}.",
        command(&format!(
            "{} record {} {} --accept --anchor",
            view.hints.program,
            quoted(view.gate_path),
            view.hints.result
        ))
    ))
}

/// Lines of the thresholds that are named at most.
const MOST_LINES: usize = 20;

/// Where the limits are written that are broken.
fn broken_limits(view: &View) -> Option<Text> {
    let failed = view
        .verdict
        .checks
        .iter()
        .filter(|line| Status::new(line) == Status::Failed);
    let mut written: Vec<Option<u32>> = failed
        .filter_map(|line| match &line.kind {
            CheckKind::Limit(limit) => Some(limit.line),
            CheckKind::Change(_) => None,
        })
        .collect();
    written.sort_unstable();
    written.dedup();
    let path = untrusted(view.thresholds_path);
    let lines: Vec<String> = written.iter().flatten().map(u32::to_string).collect();
    if let more @ 1.. = lines.len().saturating_sub(MOST_LINES) {
        return Some(text!(
            "The broken limits are in {} lines {} and {}.",
            path,
            lines[..MOST_LINES].join(", "),
            count(more as u64) + " more"
        ));
    }
    match (written.as_slice(), lines.as_slice()) {
        ([], _) => None,
        (_, []) => Some(text!(
            "The default limit is broken: {} ({} does not set it).",
            broken_default(view),
            path
        )),
        ([Some(_)], [line]) => Some(text!("The broken limit is in {} line {}.", path, line)),
        (_, [line]) => Some(text!("A broken limit is in {} line {}.", path, line)),
        (_, [first @ .., last]) => Some(text!(
            "The broken limits are in {} lines {} and {}.",
            path,
            first.join(", "),
            last
        )),
    }
}

/// The limit that holds where the thresholds set none, and is broken.
fn broken_default(view: &View) -> &'static str {
    let mut checks = view.verdict.checks.iter();
    let is_unavailable = checks
        .any(|check| Status::new(check) == Status::Failed && check.measure == Measure::Unavailable);
    if is_unavailable {
        "limits.overall.unavailable, 10 % of a phase, or half of it for one name"
    } else {
        "limits.overall.error_rate, 1 %"
    }
}

/// What would make an inconclusive run conclusive.
fn remedies(view: &View) -> Vec<String> {
    let rows = view.rows();
    let open: Vec<&Check> = rows.iter().filter_map(CheckRow::open_line).collect();
    let mut remedies = Vec::new();
    let is_cold = |line: &&Check| matches!(line.outcome, CheckOutcome::NotJudged(_));
    if open.iter().any(is_cold) {
        remedies.push(
            "To measure cold starts, send bursts of more users after idle gaps, and mark cold responses with a header (docs: how-to/cold-starts)."
                .to_owned(),
        );
    }
    let open: Vec<&Check> = open.into_iter().filter(|line| !is_cold(line)).collect();
    if open
        .iter()
        .any(|line| matches!(line.kind, CheckKind::Change(_)))
    {
        let mut cautions = view.verdict.warnings.iter();
        let blind = cautions.find_map(|caution| {
            let Warning::CannotDetect { advice: enough, .. } = caution else {
                return None;
            };
            Some(*enough)
        });
        remedies.push(match (blind, &view.verdict.comparison) {
            (Some(enough @ Some(_)), _) | (Some(enough), Comparison::Duet { .. }) => format!(
                "For a clear result: {}.",
                sees_more(view, enough)
            ),
            (None, Comparison::Duet { .. }) => {
                "For a clear result, run more pairs or use a quieter runner.".to_owned()
            }
            (
                Some(None) | None,
                Comparison::History { .. } | Comparison::Provisional { .. } | Comparison::None(_),
            ) => "For a clear result, run it again. If that does not help, record more jobs, use a quieter runner, or compare with --against."
                .to_owned(),
        });
    }
    if open
        .iter()
        .any(|line| matches!(line.kind, CheckKind::Limit(_)))
    {
        remedies.push("A limit is too close to call: run longer or with more users.".to_owned());
    }
    remedies
}
