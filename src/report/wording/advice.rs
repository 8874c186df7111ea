//! What to do next if a gate failed or was inconclusive.

use super::cautions::sees_more;
use super::reasons::record_command;
use crate::report::text::{Text, capped, count, text, untrusted};
use crate::report::view::{CheckRow, Status, View};
use crate::verdict::{Check, Measure, Outcome, Warning};

/// What to do next: for a gate that failed, where the broken promises are written; for an inconclusive one, what would
/// let it tell. An invalid run has a remedy for each of its reasons.
pub(crate) fn advice(view: &View) -> Vec<Text> {
    match view.verdict.outcome {
        Outcome::Passed | Outcome::Invalid => Vec::new(),
        Outcome::Failed if view.abort_line().is_some() => {
            vec![text!("Fix the errors first, then run it again.")]
        }
        Outcome::Failed => {
            let advice = [broken_limits(view), drifted(view)].into_iter();
            advice.flatten().collect()
        }
        Outcome::Inconclusive => remedies(view),
    }
}

/// What to do about what added up since the anchor.
fn drifted(view: &View) -> Option<Text> {
    let failed = |row: &&CheckRow| row.is_drift() && row.status == Status::Failed;
    view.rows().iter().find(failed)?;
    Some(text!(
        "Changes since the anchor add up, although no single run failed; find them in the history. If all of them are wanted, set a new anchor with {}.",
        record_command(view, &format!("{} --accept --anchor", view.hints.result))
    ))
}

/// Lines of the thresholds that are named at most.
const MOST_LINES: usize = 20;

/// Where the limits are written that are broken.
fn broken_limits(view: &View) -> Option<Text> {
    let failed = view
        .lines()
        .filter(|line| Status::new(line) == Status::Failed);
    let mut written: Vec<Option<u32>> =
        failed.filter_map(|line| Some(line.limit()?.line)).collect();
    written.sort_unstable();
    written.dedup();
    let path = untrusted(view.thresholds_path);
    let lines: Vec<String> = written.iter().flatten().map(u32::to_string).collect();
    let more = |more| format!("{} more", count(more as u64));
    match capped(lines, MOST_LINES, more).as_slice() {
        _ if view.gate_path.is_none() => None,
        [] if written.is_empty() => None,
        [] => Some(text!(
            "The default limit is broken: {} ({} does not set it).",
            broken_default(view),
            path
        )),
        [line] => {
            let one = if written.len() == 1 { "The" } else { "A" };
            Some(text!("{} broken limit is in {} line {}.", one, path, line))
        }
        [first @ .., last] => Some(text!(
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
fn remedies(view: &View) -> Vec<Text> {
    let open = view.rows().iter().filter_map(CheckRow::open_line);
    let is_cold = |line: &&Check| line.why_not_judged().is_some();
    let (cold, open): (Vec<&Check>, Vec<&Check>) = open.partition(is_cold);
    let (limits, changes): (Vec<&Check>, Vec<&Check>) =
        open.into_iter().partition(|line| line.limit().is_some());
    let cold = (!cold.is_empty()).then(|| {
        text!("To measure cold starts, send bursts of more users after idle gaps, and mark cold responses with a header (docs: how-to/cold-starts).")
    });
    let changes = (!changes.is_empty()).then(|| text!("For a clear result{}.", clearer(view)));
    let limits = (!limits.is_empty())
        .then(|| text!("A limit is too close to call: run longer or with more users."));
    [cold, changes, limits].into_iter().flatten().collect()
}

/// What lets a run tell whether something changed.
fn clearer(view: &View) -> String {
    let mut cautions = view.verdict.warnings.iter();
    let blind = cautions.find_map(|caution| {
        let Warning::CannotDetect { advice, .. } = caution else {
            return None;
        };
        Some(*advice)
    });
    match blind {
        Some(advice) if advice.is_some() || view.is_duet() => {
            format!(": {}", sees_more(view, advice))
        }
        None if view.is_duet() => ", run more pairs or use a quieter runner".to_owned(),
        Some(_) | None => {
            ", run it again. If that does not help, record more jobs, use a quieter runner, or compare with --against"
                .to_owned()
        }
    }
}
