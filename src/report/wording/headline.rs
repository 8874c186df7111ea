//! The verdict in one sentence.

use super::Medium;
use super::finding::{difference, finding};
use crate::report::ReportInput;
use crate::report::numbers::counted;
use crate::report::text::capitalized;
use crate::verdict::{Comparison, HISTORY_FROM, InvalidReason, Outcome};

/// The verdict of one gate in one sentence.
pub(in crate::report) fn headline(story: &ReportInput, medium: Medium) -> String {
    if story.is_comparison() {
        let (gate, what) = (medium.untrusted(story.gate()), difference(story, medium));
        return format!("{gate}: {what}");
    }
    let told = format!(
        "performance gate {} {}{}: {}",
        medium.untrusted(story.gate()),
        ending(story),
        provisional(story),
        finding(story, medium)
    );
    if story.verdict.observed {
        return format!("Observed only, nothing fails. {}", capitalized(&told));
    }
    capitalized(&told)
}

fn ending(story: &ReportInput) -> &'static str {
    let interrupted = story.verdict.invalid.contains(&InvalidReason::Interrupted);
    match (story.verdict.outcome, story.verdict.observed) {
        (Outcome::Passed, _) => "passed",
        (Outcome::Failed, false) => "failed",
        (Outcome::Failed, true) => "would have failed",
        (Outcome::Inconclusive, false) if story.strict => "is INCONCLUSIVE, which --strict fails",
        (Outcome::Inconclusive, false) => "is INCONCLUSIVE, which is no pass and does not block",
        (Outcome::Inconclusive, true) => "is INCONCLUSIVE",
        (Outcome::Invalid, _) if interrupted => "was interrupted and NOT JUDGED",
        (Outcome::Invalid, _) => "could NOT BE JUDGED",
    }
}

/// How little a verdict is worth that rests on few jobs.
fn provisional(story: &ReportInput) -> String {
    match story.verdict.comparison {
        Comparison::Provisional { jobs, .. } if story.verdict.outcome != Outcome::Invalid => {
            let jobs = counted(u64::from(jobs), "baseline job");
            format!(" (provisional: {jobs}, {HISTORY_FROM} make a history)")
        }
        Comparison::Provisional { .. }
        | Comparison::Duet { .. }
        | Comparison::History { .. }
        | Comparison::None(_) => String::new(),
    }
}
