//! summary.md, for a pull request: the verdict in words, what failed first, then what to do, the rest folded away.
//!
//! One summary tells of one gate or of several. It stays below what GitHub takes as a comment: whole blocks are left out,
//! the least needed first, and nothing is cut in its middle.

mod blocks;
mod changes;
mod checks;
mod comment;
mod details;
mod gate;
mod gates;
mod syntax;

pub use comment::{Missing, comment};

use crate::report::text::Text;
use crate::report::view::View;
use crate::report::wording::headline;
use blocks::{Block, Priority};
use syntax::markdown;

/// The summary of a CI run over all its gates.
pub fn summary(views: &[View]) -> String {
    let mut blocks = Vec::new();
    match views {
        [] => blocks.push(Block::new(
            Priority::Always,
            "### No performance gate ran\n",
        )),
        [only] => blocks = of_one(only),
        several => gates::blocks(several, &mut blocks),
    }
    blocks::fitted(blocks)
}

fn of_one(view: &View) -> Vec<Block> {
    let mut blocks = vec![Block::new(Priority::Always, title("###", view))];
    blocks.extend(gate::blocks(view));
    blocks.push(Block::new(Priority::Always, gate::footer(view)));
    blocks
}

/// The headline of a gate below so many signs.
fn title(level: &str, view: &View) -> String {
    let emoji = view.outcome_style().emoji;
    format!("{level} {emoji} {}\n", markdown(&headline(view)))
}

/// A text as a sentence, with its capital and its full stop.
fn full_sentence(text: impl Into<Text>) -> String {
    markdown(&text.into().sentence())
}
