//! summary.md, for a pull request: the verdict in words, what failed first, then what to do, the rest folded away.
//!
//! One summary tells of one gate or of several. It stays below what GitHub takes as a comment: whole blocks are left out,
//! the least needed first, and nothing is cut in its middle.

mod blocks;
mod changes;
mod details;
mod gate;
mod overview;

use super::Story;
use super::text::capitalized;
use super::words::{Medium, headline};
use crate::verdict::{Outcome, Verdict};
use blocks::{Block, Need};

const MEDIUM: Medium = Medium::Markdown;

/// The summary of a CI run over all its gates.
pub fn summary(stories: &[Story]) -> String {
    let mut blocks = Vec::new();
    match stories {
        [] => blocks.push(Block::new(Need::Always, "### No performance gate ran\n")),
        [only] => {
            let verdict = only.verdict;
            let title = format!("### {} {}\n", icon(verdict), headline(only, MEDIUM));
            blocks.push(Block::new(Need::Always, title));
            blocks.extend(gate::blocks(only));
            blocks.push(Block::new(Need::Always, gate::footer(only)));
        }
        several => overview::blocks(several, &mut blocks),
    }
    blocks::fitted(blocks)
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
fn outcome_word(story: &Story) -> String {
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
    let text = capitalized(text);
    if text.ends_with(['.', '!', '?']) {
        return text;
    }
    text + "."
}
