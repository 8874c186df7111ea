//! summary.md, for a pull request: the verdict in words, what failed first, then what to do, the rest folded away.
//!
//! One summary tells of one gate or of several. It stays below what GitHub takes as a comment: whole blocks are left out,
//! the least needed first, and nothing is cut in its middle.

mod answers;
mod blocks;
mod changes;
mod checks;
mod details;
mod gate;
mod overview;

use super::ReportInput;
use super::rows::rows;
use super::text::capitalized;
use super::wording::{Medium, headline};
use crate::verdict::{Outcome, Verdict};
use blocks::{Block, Priority};

const MEDIUM: Medium = Medium::Markdown;

/// The summary of a CI run over all its gates.
pub fn summary(stories: &[ReportInput]) -> String {
    let mut blocks = Vec::new();
    match stories {
        [] => blocks.push(Block::new(
            Priority::Always,
            "### No performance gate ran\n",
        )),
        [only] => blocks = of_one(only),
        several => overview::blocks(several, &mut blocks),
    }
    blocks::fitted(blocks)
}

fn of_one(story: &ReportInput) -> Vec<Block> {
    let title = format!("### {} {}\n", icon(story.verdict), headline(story, MEDIUM));
    let mut blocks = vec![Block::new(Priority::Always, title)];
    blocks.extend(gate::blocks(story));
    blocks.push(Block::new(Priority::Always, gate::footer(story)));
    blocks
}

/// Whether the summary of a gate lists every one of its checks: of very many, some do not fit.
pub(super) fn lists_every_check(story: &ReportInput) -> bool {
    let rows = rows(story);
    checks::all_unfolded(story, &rows)
        || blocks::kept(of_one(story))
            .iter()
            .any(details::is_all_checks)
}

/// A mark beside the words. Where nothing may fail, nothing looks like a failure.
fn icon(verdict: &Verdict) -> &'static str {
    match (verdict.outcome, verdict.observed) {
        (Outcome::Passed, _) => "✅",
        (Outcome::Failed, false) => "❌",
        (Outcome::Invalid, false) => "🛑",
        (Outcome::Inconclusive, _) | (Outcome::Failed | Outcome::Invalid, true) => "⚠️",
    }
}

/// What a gate came to, in one or two words.
fn outcome_word(story: &ReportInput) -> String {
    let word = match (story.verdict.outcome, story.verdict.observed) {
        (Outcome::Passed, _) => "passed",
        (Outcome::Failed, false) => "failed",
        (Outcome::Failed, true) => "would have failed",
        (Outcome::Inconclusive, _) => "inconclusive",
        (Outcome::Invalid, _) => "not judged",
    };
    format!("{} {word}", icon(story.verdict))
}

/// A sentence with its capital and its full stop.
fn full_sentence(text: &str) -> String {
    stopped(&capitalized(text))
}

/// The end of a sentence with its full stop.
fn stopped(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) {
        return text.to_owned();
    }
    format!("{text}.")
}
