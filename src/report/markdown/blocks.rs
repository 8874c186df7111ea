//! Blocks of Markdown, as many of them as fit.

/// What a comment may take, in bytes: GitHub refuses one above 65,536 characters, and the action adds a few lines.
pub(super) const BUDGET: usize = 60_000;

/// How much a block is needed; the last ones are left out first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Priority {
    /// The verdict and the last line.
    Always,
    /// Why it came to that.
    Finding,
    /// What to do about it.
    Advice,
    /// Folded away.
    Detail,
}

/// A piece of the summary that stands or goes as a whole.
pub(super) struct Block {
    need: Priority,
    text: String,
}

impl Block {
    /// A block; it begins on a line of its own.
    pub(super) fn new(need: Priority, text: impl Into<String>) -> Self {
        Self {
            need,
            text: text.into(),
        }
    }
}

/// The blocks that fit, and a word on those that do not.
pub(super) fn fitted(mut blocks: Vec<Block>) -> String {
    let mut left_out = 0_usize;
    while joined(&blocks, left_out).len() > BUDGET {
        // What takes half of all room goes first, else everything smaller would go for it. Then of those least needed the
        // largest, of equal ones the last. What is always needed is short by construction.
        let huge = |block: &Block| Some(block.text.len()).filter(|size| *size > BUDGET / 2);
        let Some(least) = blocks
            .iter()
            .enumerate()
            .filter(|(_, block)| block.need != Priority::Always)
            .max_by_key(|(index, block)| (huge(block), block.need, block.text.len(), *index))
            .map(|(index, _)| index)
        else {
            break;
        };
        blocks.remove(least);
        left_out += 1;
    }
    joined(&blocks, left_out)
}

/// Texts with an empty line between them.
pub(super) fn paragraphs<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let texts = texts.map(str::trim_end).filter(|text| !text.is_empty());
    texts.collect::<Vec<_>>().join("\n\n")
}

fn joined(blocks: &[Block], left_out: usize) -> String {
    let mut text = paragraphs(blocks.iter().map(|block| block.text.as_str()));
    if left_out > 0 {
        let (blocks, are) = if left_out == 1 {
            ("block", "is")
        } else {
            ("blocks", "are")
        };
        text += &format!(
            "\n\n{left_out} {blocks} did not fit into a comment and {are} left out; `result.json` has every figure."
        );
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_go_first_and_the_verdict_never() {
        let block = |need, size: usize| Block::new(need, format!("{need:?} {}", "x".repeat(size)));
        let text = fitted(vec![
            block(Priority::Always, 10),
            block(Priority::Finding, 20_000),
            block(Priority::Detail, 30_000),
            block(Priority::Advice, 20_000),
            block(Priority::Detail, 5_000),
        ]);
        assert!(text.len() <= BUDGET);
        for (need, stays) in [("Always", true), ("Finding", true), ("Advice", true)] {
            assert_eq!(text.contains(need), stays, "{need}");
        }
        assert_eq!(text.matches("Detail").count(), 1, "the large one went");
        assert!(text.ends_with(
            "1 block did not fit into a comment and is left out; `result.json` has every figure.\n"
        ));
    }

    #[test]
    fn one_huge_block_goes_before_everything_that_would_fit() {
        let block = |need, size: usize| Block::new(need, format!("{need:?} {}", "x".repeat(size)));
        let text = fitted(vec![
            block(Priority::Always, 10),
            block(Priority::Finding, 90_000),
            block(Priority::Finding, 1_000),
            block(Priority::Advice, 1_000),
            block(Priority::Detail, 30_001),
            block(Priority::Detail, 5_000),
        ]);
        assert!(text.len() <= BUDGET);
        for (need, times) in [("Always", 1), ("Finding", 1), ("Advice", 1), ("Detail", 2)] {
            assert_eq!(text.matches(need).count(), times, "{need}");
        }
    }
}
