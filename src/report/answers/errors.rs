//! When a kind of failure first appeared, under what load, and how many there were before.

use crate::baseline::{Matching, Setting, matching};
use crate::measurement::{Arm, FailureKind};
use crate::record::RunRecord;
use crate::report::Story;
use crate::report::figures::gather;

/// The first second in which a kind of failure appeared.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct First {
    /// Whole seconds from the start of the load.
    pub(in crate::report) second: usize,
    /// The phase that ran.
    pub(in crate::report) phase: Option<String>,
    /// Users present.
    pub(in crate::report) users: u32,
    /// Requests in that second.
    pub(in crate::report) requests: u64,
}

/// The share of requests that failed in this way before: on the base of a duet, or over the baseline's jobs that tell
/// kinds. None where nothing was compared.
pub(in crate::report) fn share_before(story: &Story, kind: FailureKind) -> Option<f64> {
    let (failures, requests) = if story.record.base.is_some() {
        let base = gather(story.records(), None, |record, slice| {
            slice.arm == Arm::Base && record.phases[slice.phase].measured
        });
        let failures = base.kinds.get(&kind).copied();
        (failures.unwrap_or_default(), base.requests)
    } else {
        let Matching::Jobs(jobs) = matching(story.baseline, &Setting::from(story.record)) else {
            return None;
        };
        let told = jobs.iter().filter_map(|job| job.failures(kind));
        told.fold((0, 0), |sum, job| (sum.0 + job.0, sum.1 + job.1))
    };
    (requests > 0).then(|| failures as f64 / requests as f64)
}

/// When a kind first appeared on the deployment under test; none where the record does not tell.
pub(in crate::report) fn first_seen(record: &RunRecord, kind: FailureKind) -> Option<First> {
    let seconds = record.timeline.iter().enumerate();
    let mut failing = seconds.filter(|(_, second)| second.kinds.contains_key(&kind));
    failing.find_map(|(index, second)| {
        let slice = record
            .slices
            .iter()
            .rev()
            .find(|slice| slice.start_s <= index as f64 + 0.5);
        // In a duet the seconds of the base are none of the target's.
        if record.base.is_some() && slice.is_none_or(|slice| slice.arm != Arm::Target) {
            return None;
        }
        Some(First {
            second: index,
            phase: slice.map(|slice| record.phases[slice.phase].name.clone()),
            users: second.users,
            requests: second.requests,
        })
    })
}
