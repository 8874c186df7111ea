//! The verdict of one gate as data: every figure that a report shows, and no prose.

use super::{Check, InvalidReason, Noise, ReferenceUse, Warning};
use crate::baseline::Mismatch;
use crate::measurement::Totals;

/// The whole judgement of one gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Name of the gate.
    pub gate: String,
    /// The outcome.
    pub outcome: Outcome,
    /// Whether the thresholds say `mode: observe`, so that the outcome fails nothing.
    pub observed: bool,
    /// The reference of the changes.
    pub comparison: Comparison,
    /// How a reference service was used; none without one, and in a duet.
    pub reference: Option<ReferenceUse>,
    /// Every check: limits first, in the order of the file, then changes: overall before names, gated before reported.
    pub checks: Vec<Check>,
    /// Why the run as a whole could not be judged; empty unless invalid.
    pub invalid: Vec<InvalidReason>,
    /// What a person should know although no outcome depends on it.
    pub warnings: Vec<Warning>,
    /// How noisy the run was; none where too little was measured.
    pub noise: Option<Noise>,
    /// Whether a duet that has further looks may end: with the rest of its load, hardly anything would come out otherwise.
    pub settled: bool,
    /// Requests and failures over the measured phases of the deployment under test.
    pub totals: Totals,
}

/// The outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Good enough.
    Passed,
    /// A limit is broken or a metric regressed.
    Failed,
    /// The run does not suffice to decide.
    Inconclusive,
    /// The run could not be judged.
    Invalid,
}

/// The reference that changes were judged against.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// The base arm of the same job.
    Duet {
        /// Pairs kept.
        pairs: u32,
        /// Pairs dropped, since the generator fell behind in them.
        dropped: u32,
    },
    /// Five or more matching jobs of the baseline.
    History {
        /// Matching jobs.
        jobs: u32,
        /// Candidate jobs judged as one.
        candidates: u32,
    },
    /// One to four matching jobs: provisional, only large changes are seen.
    Provisional {
        /// Matching jobs.
        jobs: u32,
        /// Candidate jobs judged as one.
        candidates: u32,
    },
    /// Nothing: the limits alone decide.
    None(NoComparison),
}

/// Why nothing was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoComparison {
    /// No job of the baseline may be compared with.
    Baseline(Mismatch),
    /// The run could not be judged at all.
    NotJudged,
}
