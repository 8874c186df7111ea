//! How much of a gate a screen has room for: everything if it fits, else its less telling parts give way.

/// Lines of the smallest screen that a gate is fitted to.
pub(super) const SCREEN: usize = 24;

/// How much of each part is shown.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each part of the text is there or not, independently of the others"
)]
pub(super) struct DetailLevel {
    /// Whether the versions that were compared are named, and how noisy the run was.
    pub(super) circumstances: bool,
    /// Request names in the table of latencies, all together not counted.
    pub(super) names: usize,
    /// Of these, how many with what they were before, all together counted; phases only where all names are.
    pub(super) before: usize,
    /// Kinds of failure; a broken target has one or two.
    pub(super) kinds: usize,
    /// Lines that one kind of failure may take.
    pub(super) lines: usize,
    pub(super) phases: usize,
    /// What the run showed of itself.
    pub(super) insights: usize,
    /// Whether the requests in flight are shown as well.
    pub(super) concurrency: bool,
    pub(super) failing: usize,
    /// Lines that the reasons of such a check may take.
    pub(super) reasons: usize,
    pub(super) passed: usize,
    pub(super) notes: usize,
    /// Whether every file is named.
    pub(super) files: bool,
    /// Whether every paragraph stands apart.
    pub(super) airy: bool,
}

pub(super) const ALL: usize = usize::MAX;

/// From what a screen may have room for to the least that still says what happened.
pub(super) const LEVELS: usize = 11;

impl DetailLevel {
    /// The level of this index below [`LEVELS`]: the higher, the less is shown.
    pub(super) fn new(level: usize) -> Self {
        Self {
            circumstances: level < 3,
            names: [ALL, ALL, ALL, ALL, ALL, ALL, ALL, 3, 3, 0, 0][level],
            before: [ALL, ALL, 1, 1, 1, 1, 1, 0, 0, 1, 0][level],
            kinds: [6, 6, 6, 3, 3, 3, 3, 2, 2, 1, 1][level],
            lines: [ALL, ALL, ALL, 2, 2, 1, 1, 1, 1, 1, 1][level],
            phases: [ALL, ALL, ALL, ALL, ALL, ALL, ALL, 4, 4, 4, 4][level],
            insights: [ALL, ALL, ALL, 2, 2, 1, 1, 0, 0, 0, 0][level],
            concurrency: false,
            failing: [ALL, ALL, ALL, ALL, ALL, ALL, ALL, 4, 4, 2, 2][level],
            reasons: [ALL, ALL, ALL, 2, 2, 1, 1, 1, 1, 1, 1][level],
            passed: [ALL, ALL, ALL, 4, 4, 0, 0, 0, 0, 0, 0][level],
            notes: [ALL, ALL, ALL, ALL, ALL, 2, 2, 1, 1, 0, 0][level],
            files: level == 0,
            airy: [0, 1, 2, 3, 5, 7].contains(&level),
        }
    }

    /// Everything, on request.
    pub(super) fn in_full() -> Self {
        Self {
            kinds: ALL,
            concurrency: true,
            ..Self::new(0)
        }
    }
}
