//! What came back? Counts, latencies and failures, by slice, phase and request name, mergeable.
//!
//! This module is pure. It must not know how load is sent, what is promised, or what anything is called in a report.
//! A `Measurement` is filled by one core without a lock and merged with the others' after they have joined.

mod cause;
mod conditions;
mod failure;
mod flow;
mod histogram;
mod parts;
mod sent;
mod stats;
mod totals;

use std::collections::BTreeMap;
use std::time::Duration;

pub use cause::UnreachableCause;
pub use conditions::{Interleaving, Scheduling};
pub use failure::{FailureKind, UnknownFailure};
pub use flow::{Flow, Silence, SliceInstants, silences};
pub use histogram::{DecodeError, LatencyHistogram};
pub use parts::{Part, Parts};
use schemars::JsonSchema;
pub use sent::{RequestId, SentRequest, SentTrace, TraceRoot};
use serde::{Deserialize, Serialize};
pub use stats::{ColdStartMark, RequestStats};
pub use totals::Totals;

/// Which deployment a slice loaded: the one under test, or the one it is compared with in a duet.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// The deployment under test.
    #[default]
    Target,
    /// The deployment it is compared with, in a duet.
    Base,
}

/// One slice of a phase: the unit that verdicts are drawn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// Index of the phase in the scenario's load, repeats pooled under one index.
    pub phase: usize,
    /// Which pass of a repeated phase, from 0.
    pub pass: u32,
    /// The deployment loaded.
    pub arm: Arm,
    /// In a duet, the pair that the slice belongs to, counted over the run.
    pub pair: Option<u32>,
    /// Start, from the start of the load.
    pub start: Duration,
    /// Length of the window in which requests became due.
    pub length: Duration,
    /// The generator's own delay of each request of the slice.
    pub late: LatencyHistogram,
    /// By request, in the order of [`Measurement::requests`].
    pub cells: Vec<RequestStats>,
    /// By class and request, when responses came; the same ones in the same order in every slice of an arm.
    pub flows: Vec<Flow>,
}

impl Slice {
    /// Keeps the slice in little memory; see [`LatencyHistogram::compact`].
    pub fn compact(&mut self) {
        self.late.compact();
        self.cells.iter_mut().for_each(RequestStats::compact);
    }
}

/// One second of the run, by when responses came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Second {
    /// Users present, the most in that second.
    pub users: u32,
    /// Responses and failures.
    pub requests: u64,
    /// Failures by kind.
    pub errors: BTreeMap<FailureKind, u64>,
    /// Latencies of successes and of censored requests.
    pub latencies: LatencyHistogram,
}

/// All that came back of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement {
    /// Request names; everything by request is in this order.
    pub requests: Vec<String>,
    /// Slices in the order of their start.
    pub slices: Vec<Slice>,
    /// By phase, arm and request.
    pub parts: BTreeMap<(usize, Arm, usize), Parts>,
    /// Seconds from the start of the load.
    pub timeline: Vec<Second>,
    /// Requests whose response has an id, if they are kept one by one; in no order.
    pub sent: Vec<SentRequest>,
    /// Those of them that were sent with the root of a trace.
    pub traces: Vec<SentTrace>,
}

impl Measurement {
    /// Adds what another core measured of the same plan: the same requests and slices, in the same order. What was
    /// merged is compact, so that a long run takes little memory here too.
    /// A slice that only one side has is kept as it is.
    pub fn merge(&mut self, other: Self) {
        let mut theirs = other.slices.into_iter();
        for (mine, slice) in self.slices.iter_mut().zip(theirs.by_ref()) {
            mine.late.merge(&slice.late);
            for (cell, other) in mine.cells.iter_mut().zip(&slice.cells) {
                cell.merge(other);
            }
            for (flow, other) in mine.flows.iter_mut().zip(&slice.flows) {
                flow.merge(other);
            }
            mine.compact();
        }
        self.slices.extend(theirs);
        self.sent.extend(other.sent);
        self.traces.extend(other.traces);
        for (key, parts) in other.parts {
            let mine = self.parts.entry(key).or_default();
            mine.merge(&parts);
            mine.compact();
        }
        self.add_timeline(other.timeline, |mine, theirs| mine + theirs);
    }

    /// Adds what was measured of another arm of the same run: other slices, in the order of their start. `users` says how
    /// many are present in a second in which both arms have some.
    pub fn add_arm(&mut self, other: Self, users: fn(u32, u32) -> u32) {
        if self.requests.is_empty() {
            self.requests = other.requests;
        }
        self.slices.extend(other.slices);
        self.slices.sort_by_key(|slice| slice.start);
        self.parts.extend(other.parts);
        self.sent.extend(other.sent);
        self.traces.extend(other.traces);
        self.add_timeline(other.timeline, users);
    }

    fn add_timeline(&mut self, timeline: Vec<Second>, users: fn(u32, u32) -> u32) {
        if self.timeline.len() < timeline.len() {
            self.timeline.resize_with(timeline.len(), Second::default);
        }
        for (mine, second) in self.timeline.iter_mut().zip(timeline) {
            mine.users = users(mine.users, second.users);
            mine.requests += second.requests;
            totals::add_counts(&mut mine.errors, &second.errors);
            mine.latencies.merge(&second.latencies);
            mine.latencies.compact();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_load_together_and_arms_in_turns() {
        let of = |users| Measurement {
            timeline: vec![Second {
                users,
                requests: 10,
                ..Second::default()
            }],
            ..Measurement::default()
        };
        let (mut cores, mut arms) = (of(20), of(20));
        cores.merge(of(15));
        arms.add_arm(of(15), u32::max);
        assert_eq!(
            (cores.timeline[0].users, cores.timeline[0].requests),
            (35, 20)
        );
        assert_eq!(
            (arms.timeline[0].users, arms.timeline[0].requests),
            (20, 20)
        );
    }
}
