//! The verdict in one sentence.

use super::finding::{difference, finding};
use crate::report::text::numbers::counted;
use crate::report::text::{Text, text, untrusted};
use crate::report::view::View;
use crate::verdict::{Comparison, HISTORY_FROM, InvalidReason, Outcome};

/// The verdict of one gate in one sentence.
pub(crate) fn headline(view: &View) -> Text {
    if view.is_comparison() {
        let (gate, what) = (untrusted(view.gate()), difference(view));
        return text!("{}: {}", gate, what);
    }
    let text = text!(
        "performance gate {} {}{}: {}",
        untrusted(view.gate()),
        ending(view),
        provisional(view),
        finding(view)
    );
    if view.verdict.observed {
        return text!("Observed only, nothing fails. {}", text.capitalized());
    }
    text.capitalized()
}

fn ending(view: &View) -> &'static str {
    let interrupted = view.verdict.invalid.contains(&InvalidReason::Interrupted);
    match (view.verdict.outcome, view.verdict.observed) {
        (Outcome::Passed, _) => "passed",
        (Outcome::Failed, false) => "failed",
        (Outcome::Failed, true) => "would have failed",
        (Outcome::Inconclusive, false) if view.strict => "is INCONCLUSIVE (--strict fails it)",
        (Outcome::Inconclusive, false) => "is INCONCLUSIVE (not a pass; the build is not blocked)",
        (Outcome::Inconclusive, true) => "is INCONCLUSIVE",
        (Outcome::Invalid, _) if interrupted => "was interrupted and NOT JUDGED",
        (Outcome::Invalid, _) => "could NOT BE JUDGED",
    }
}

/// How little a verdict is worth that rests on few jobs.
fn provisional(view: &View) -> String {
    match view.verdict.comparison {
        Comparison::Provisional { jobs, .. } if view.verdict.outcome != Outcome::Invalid => {
            let jobs = counted(u64::from(jobs), "baseline job");
            format!(" (provisional: {jobs}, a history needs {HISTORY_FROM})")
        }
        Comparison::Provisional { .. }
        | Comparison::Duet { .. }
        | Comparison::History { .. }
        | Comparison::None(_) => String::new(),
    }
}
