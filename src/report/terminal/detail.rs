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

/// Everything, on request.
pub(super) const IN_FULL: DetailLevel = DetailLevel {
    kinds: ALL,
    concurrency: true,
    ..WHOLE
};

/// From what a screen may have room for to the least that still says what happened.
pub(super) const LEVELS: [DetailLevel; 11] = [
    WHOLE, SHORT, BESIDE, FEWER, PACKED, NAMED, CLOSE, WORST, DENSE, SUMS, LEAST,
];

const WHOLE: DetailLevel = DetailLevel {
    circumstances: true,
    names: ALL,
    before: ALL,
    // A broken target has one kind or two.
    kinds: 6,
    lines: ALL,
    phases: ALL,
    insights: ALL,
    concurrency: false,
    failing: ALL,
    reasons: ALL,
    passed: ALL,
    notes: ALL,
    files: true,
    airy: true,
};

const SHORT: DetailLevel = DetailLevel {
    files: false,
    ..WHOLE
};

const BESIDE: DetailLevel = DetailLevel { before: 1, ..SHORT };

const FEWER: DetailLevel = DetailLevel {
    circumstances: false,
    kinds: 3,
    lines: 2,
    insights: 2,
    reasons: 2,
    passed: 4,
    ..BESIDE
};

const PACKED: DetailLevel = DetailLevel {
    airy: false,
    ..FEWER
};

const NAMED: DetailLevel = DetailLevel {
    lines: 1,
    insights: 1,
    reasons: 1,
    passed: 0,
    notes: 2,
    ..FEWER
};

const CLOSE: DetailLevel = DetailLevel {
    airy: false,
    ..NAMED
};

const WORST: DetailLevel = DetailLevel {
    names: 3,
    before: 0,
    kinds: 2,
    phases: 4,
    insights: 0,
    failing: 4,
    notes: 1,
    ..NAMED
};

const DENSE: DetailLevel = DetailLevel {
    airy: false,
    ..WORST
};

const SUMS: DetailLevel = DetailLevel {
    names: 0,
    before: 1,
    kinds: 1,
    failing: 2,
    notes: 0,
    ..DENSE
};

const LEAST: DetailLevel = DetailLevel { before: 0, ..SUMS };
