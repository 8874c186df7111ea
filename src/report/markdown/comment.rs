//! The one comment on a pull request: the summary, and which gates left no result.

use super::summary;
use super::syntax::{code, link};
use crate::report::text::{capped, counted};
use crate::report::view::View;

/// Gates without a result that are listed at most.
const MOST_MISSING: usize = 20;

/// A gate without a result, and why it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The gate, as the user wrote it.
    pub gate: String,
    /// Why, as the end of a sentence.
    pub why: String,
}

/// All that there is to say of a job, in Markdown. Without any result it says so: an older comment must not stand as if it
/// were of this run.
pub fn comment(views: &[View], missing: &[Missing], url: Option<&str>) -> String {
    let log = url.map_or_else(
        || "the job's log".to_owned(),
        |url| link("the job's log", url),
    );
    let lines = missing.iter().map(|missing| {
        let (gate, why) = (code(&missing.gate), code(&missing.why));
        format!("- 🛑 Gate {gate} has no result: {why}")
    });
    let more = |more| {
        let gates = counted(more as u64, "more gate");
        format!("- 🛑 {gates} without a result")
    };
    let lines = capped(lines.collect(), MOST_MISSING, more);
    let missing = if lines.is_empty() {
        String::new()
    } else {
        format!("\n{}\n\nSee {log}.\n", lines.join("\n"))
    };
    if views.is_empty() {
        return format!("### 🛑 Performance: NOT JUDGED, no gate left a result\n{missing}");
    }
    summary(views) + &missing
}
