//! What came back? Counts, latencies and failures, by slice, phase and request name, mergeable.
//!
//! This room is pure. It must not know how load is sent, what is promised, or what anything is called in a report.
//! A `Measurement` is filled by one core without a lock and merged with the others' after they have joined.

mod cause;
mod failure;
mod flow;
mod latency;
mod packed;
mod resolution;
mod sparse;
mod totals;

use std::collections::BTreeMap;
use std::time::Duration;

pub use cause::UnreachableCause;
pub use failure::{FailureKind, UnknownFailure};
pub use flow::{Flow, Silence, SliceInstants, silences};
pub use latency::LatencyHistogram;
pub use packed::DecodeError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use totals::Totals;
use totals::add_failures;

use crate::metric::StartFilter;

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

/// What an answer says of the cold start that may have delayed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ColdStartMark {
    /// Nothing: the scenario knows of no mark.
    #[default]
    Untracked,
    /// Nothing: it has no mark, and counts as warm.
    NoHeader,
    /// That there was none.
    Warm,
    /// That there was one.
    Cold,
}

/// The latencies and failures of one request name in one slice.
///
/// The first three histograms are disjoint: their counts add up to the number of requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestStats {
    /// Requests that succeeded.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub succeeded: LatencyHistogram,
    /// Timeouts and unfinished requests at the time that had passed: lower bounds.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub censored: LatencyHistogram,
    /// All other failures; kept apart, since fast errors would flatter the quantiles.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub failed: LatencyHistogram,
    /// Those of the successes that a cold start delayed. All other requests count as warm.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub cold: LatencyHistogram,
    /// Failures by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<FailureKind, u64>,
}

impl RequestStats {
    /// Counts one request; `latency` runs from the instant it was due.
    pub fn record(&mut self, latency: Duration, failure: Option<FailureKind>) {
        let Some(kind) = failure else {
            self.succeeded.record(latency);
            return;
        };
        *self.errors.entry(kind).or_default() += 1;
        if kind.is_censored() {
            self.censored.record(latency);
        } else {
            self.failed.record(latency);
        }
    }

    /// Counts one request that succeeded after a cold start.
    pub fn record_cold(&mut self, latency: Duration) {
        self.record(latency, None);
        self.cold.record(latency);
    }

    /// Adds all requests of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.succeeded.merge(&other.succeeded);
        self.cold.merge(&other.cold);
        self.censored.merge(&other.censored);
        self.failed.merge(&other.failed);
        add_failures(&mut self.errors, &other.errors);
    }

    /// All requests of several: as merging one after the other, and quicker.
    pub fn sum(cells: &[&Self]) -> Self {
        let of = |latencies: fn(&Self) -> &LatencyHistogram| {
            LatencyHistogram::sum(cells.iter().map(|cell| latencies(cell)))
        };
        Self {
            succeeded: of(|cell| &cell.succeeded),
            censored: of(|cell| &cell.censored),
            failed: of(|cell| &cell.failed),
            cold: of(|cell| &cell.cold),
            errors: Totals::from_stats(cells.iter().copied()).failures,
        }
    }

    /// Keeps the cell in little memory; see [`LatencyHistogram::compact`].
    pub fn compact(&mut self) {
        for latencies in [
            &mut self.succeeded,
            &mut self.censored,
            &mut self.failed,
            &mut self.cold,
        ] {
            latencies.compact();
        }
    }

    /// Takes the cell in its compact form and leaves an empty one that keeps its memory.
    #[must_use]
    pub fn take_compact(&mut self) -> Self {
        Self {
            succeeded: self.succeeded.take_compact(),
            censored: self.censored.take_compact(),
            failed: self.failed.take_compact(),
            cold: self.cold.take_compact(),
            errors: std::mem::take(&mut self.errors),
        }
    }

    /// Requests counted.
    pub fn requests(&self) -> u64 {
        self.succeeded.count() + self.censored.count() + self.failed.count()
    }

    /// Requests that failed.
    pub fn failures(&self) -> u64 {
        self.censored.count() + self.failed.count()
    }

    /// The latencies that quantiles are taken of: successes, and censored ones at their elapsed time.
    pub fn latencies(&self) -> LatencyHistogram {
        let mut latencies = self.succeeded.clone();
        latencies.merge(&self.censored);
        latencies
    }

    /// Requests of some starts.
    pub fn requests_of(&self, starts: StartFilter) -> u64 {
        match starts {
            StartFilter::All => self.requests(),
            StartFilter::Cold => self.cold.count(),
            StartFilter::Warm => self.requests().saturating_sub(self.cold.count()),
        }
    }

    /// Requests of some starts over a latency limit in seconds; every failure is warm, and counts as over any limit.
    pub fn over(&self, starts: StartFilter, limit: f64) -> u64 {
        let all = || self.succeeded.count_over(limit) + self.failures();
        match starts {
            StartFilter::All => all(),
            StartFilter::Cold => self.cold.count_over(limit),
            StartFilter::Warm => all().saturating_sub(self.cold.count_over(limit)),
        }
    }
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

/// Where the time of requests went, and how cold starts compare, for one request name in one phase and arm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Parts {
    /// Waiting for an idle user: the target's doing.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub queue: LatencyHistogram,
    /// The generator's own delay.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub late: LatencyHistogram,
    /// From sending to the end of the answer.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub service: LatencyHistogram,
    /// The same of requests that opened a connection; the others reused one.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub opened: LatencyHistogram,
    /// Name resolution, of new connections.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub dns: LatencyHistogram,
    /// TCP connect, of new connections.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub connect: LatencyHistogram,
    /// TLS handshake, of new connections.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub tls: LatencyHistogram,
    /// From the request's last byte to the answer's first.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub first_byte: LatencyHistogram,
    /// From the answer's first byte to its last.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub body: LatencyHistogram,
    /// Latency of answers that a cold start delayed, failures among them, where the scenario says how the target marks one.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub cold: LatencyHistogram,
    /// Latency of the other successful answers, where the scenario says how the target marks a cold start.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub warm: LatencyHistogram,
    /// Answers that say whether there was a cold start, be it that there was none.
    #[serde(default, rename = "told")]
    pub marked: u64,
    /// Connections opened.
    #[serde(default)]
    pub connections: u64,
    /// Reused connections that the server had closed, opened again.
    #[serde(default)]
    pub reopened: u64,
    /// Requests that got no response on a reused connection after they had been written, and were sent again, whatever came
    /// of them then.
    #[serde(default)]
    pub resent: u64,
    /// Responses by status: of a request that was redirected, the last one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub statuses: BTreeMap<u16, u64>,
    /// Successful responses that redirect, were not followed, and that no `expect.status` asks for.
    #[serde(default)]
    pub unfollowed: u64,
    /// Where the first redirect led that was not followed, without credentials, query and fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
    /// Bytes received.
    #[serde(default)]
    pub bytes: u64,
}

/// One part of a request's latency that is the target's doing, in the order in which they follow each other.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Waiting for an idle user.
    Queue,
    /// Name resolution.
    Dns,
    /// TCP connect.
    Connect,
    /// TLS handshake.
    Tls,
    /// From the request's last byte to the answer's first.
    FirstByte,
    /// From the answer's first byte to its last.
    Body,
}

impl Part {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [
        Self::Queue,
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::FirstByte,
        Self::Body,
    ];
}

impl Parts {
    /// The times of one part, of those requests that had it.
    pub fn times(&self, part: Part) -> &LatencyHistogram {
        match part {
            Part::Queue => &self.queue,
            Part::Dns => &self.dns,
            Part::Connect => &self.connect,
            Part::Tls => &self.tls,
            Part::FirstByte => &self.first_byte,
            Part::Body => &self.body,
        }
    }

    /// The quantile `q` of one part over all requests, in seconds: a request that did not have it spent no time in it.
    pub fn quantile(&self, part: Part, q: f64) -> f64 {
        let times = self.times(part);
        let (all, had) = (self.service.count() as f64, times.count() as f64);
        let without = (all - had).max(0.0);
        let above = q * all.max(had) - without;
        if had <= 0.0 || above <= 0.0 {
            return 0.0;
        }
        times.quantile((above / had).min(1.0)).unwrap_or(0.0)
    }

    /// Keeps the parts in little memory; see [`LatencyHistogram::compact`].
    pub fn compact(&mut self) {
        for latencies in [
            &mut self.queue,
            &mut self.late,
            &mut self.service,
            &mut self.opened,
            &mut self.dns,
            &mut self.connect,
            &mut self.tls,
            &mut self.first_byte,
            &mut self.body,
            &mut self.cold,
            &mut self.warm,
        ] {
            latencies.compact();
        }
    }

    /// The same at two significant digits, which is what explaining a change takes: a third of the size.
    #[must_use]
    pub fn to_coarse(&self) -> Self {
        let mut coarse = self.clone();
        for latencies in [
            &mut coarse.queue,
            &mut coarse.late,
            &mut coarse.service,
            &mut coarse.opened,
            &mut coarse.dns,
            &mut coarse.connect,
            &mut coarse.tls,
            &mut coarse.first_byte,
            &mut coarse.body,
            &mut coarse.cold,
            &mut coarse.warm,
        ] {
            *latencies = latencies.to_coarse();
            latencies.compact();
        }
        coarse
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.queue, &other.queue),
            (&mut self.late, &other.late),
            (&mut self.service, &other.service),
            (&mut self.opened, &other.opened),
            (&mut self.dns, &other.dns),
            (&mut self.connect, &other.connect),
            (&mut self.tls, &other.tls),
            (&mut self.first_byte, &other.first_byte),
            (&mut self.body, &other.body),
            (&mut self.cold, &other.cold),
            (&mut self.warm, &other.warm),
        ] {
            mine.merge(theirs);
        }
        self.marked += other.marked;
        self.connections += other.connections;
        self.reopened += other.reopened;
        self.bytes += other.bytes;
        self.merge_wire(other);
    }

    /// Adds what `other` says of responses beside their times.
    pub fn merge_wire(&mut self, other: &Self) {
        self.resent += other.resent;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.unfollowed += other.unfollowed;
        if self.redirect.is_none() {
            self.redirect.clone_from(&other.redirect);
        }
    }
}

/// One second of the run, by when answers came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Second {
    /// Users present, the most in that second.
    pub users: u32,
    /// Answers and failures.
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
}

impl Measurement {
    /// Adds what another core measured of the same plan: the same requests and slices, in the same order. What was merged
    /// is compact, so that a long run takes little memory here too.
    ///
    /// # Panics
    ///
    /// Never; a slice that only one side has is kept as it is.
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
        for (key, parts) in other.parts {
            let mine = self.parts.entry(key).or_default();
            mine.merge(&parts);
            mine.compact();
        }
        self.add_timeline(other.timeline, |mine, theirs| mine + theirs);
    }

    /// Adds what was measured of another arm of the same run: other slices, in the order of their start.
    pub fn add_arm(&mut self, other: Self) {
        if self.requests.is_empty() {
            self.requests = other.requests;
        }
        self.slices.extend(other.slices);
        self.slices.sort_by_key(|slice| slice.start);
        self.parts.extend(other.parts);
        // The arms take turns: in a second that both have a part of, their users are never present together.
        self.add_timeline(other.timeline, u32::max);
    }

    fn add_timeline(&mut self, timeline: Vec<Second>, users: fn(u32, u32) -> u32) {
        if self.timeline.len() < timeline.len() {
            self.timeline.resize_with(timeline.len(), Second::default);
        }
        for (mine, second) in self.timeline.iter_mut().zip(timeline) {
            mine.users = users(mine.users, second.users);
            mine.requests += second.requests;
            for (kind, count) in second.errors {
                *mine.errors.entry(kind).or_default() += count;
            }
            mine.latencies.merge(&second.latencies);
            mine.latencies.compact();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_failures_do_not_flatter_the_quantiles() {
        let mut cell = RequestStats::default();
        for _ in 0..10 {
            cell.record(Duration::from_millis(100), None);
        }
        for _ in 0..90 {
            cell.record(Duration::from_millis(1), Some(FailureKind::Status(429)));
        }
        assert!(cell.latencies().quantile(0.5).unwrap() > 0.09);
        assert_eq!((cell.requests(), cell.failures()), (100, 90));
    }

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
        arms.add_arm(of(15));
        assert_eq!(
            (cores.timeline[0].users, cores.timeline[0].requests),
            (35, 20)
        );
        assert_eq!(
            (arms.timeline[0].users, arms.timeline[0].requests),
            (20, 20)
        );
    }

    #[test]
    fn every_failure_is_over_any_limit() {
        let mut cell = RequestStats::default();
        cell.record(Duration::from_millis(1), None);
        cell.record(Duration::from_millis(1), Some(FailureKind::Reset));
        cell.record(Duration::from_secs(30), Some(FailureKind::Timeout));
        assert_eq!(cell.over(StartFilter::All, 60.0), 2);
    }

    #[test]
    fn every_request_is_cold_or_warm_and_a_failure_is_never_cold() {
        let mut cell = RequestStats::default();
        cell.record(Duration::from_millis(10), None);
        cell.record_cold(Duration::from_millis(500));
        cell.record_cold(Duration::from_millis(900));
        cell.record(Duration::from_millis(1), Some(FailureKind::Status(503)));
        for (starts, requests, over) in [
            (StartFilter::All, 4, 2),
            (StartFilter::Cold, 2, 1),
            (StartFilter::Warm, 2, 1),
        ] {
            assert_eq!(cell.requests_of(starts), requests, "{starts:?}");
            assert_eq!(cell.over(starts, 0.6), over, "{starts:?}");
        }
        let warm = cell.latencies().without(&cell.cold);
        assert_eq!(warm.count(), 1);
        assert!(warm.max().unwrap() < 0.011);
    }

    #[test]
    fn a_timeout_counts_at_the_time_that_passed() {
        let mut cell = RequestStats::default();
        cell.record(Duration::from_secs(30), Some(FailureKind::Timeout));
        assert!(cell.latencies().quantile(0.5).unwrap() > 29.9);
    }
}
