//! When a kind of failure first appeared, under what load, and how many there were before.

use crate::measurement::{Arm, FailureKind, Totals};
use crate::record::RunRecord;
use crate::report::ReportInput;

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

/// All requests with their failures by kind as they were before: on the base of a duet, or over the baseline's jobs that
/// tell kinds. None where nothing was compared.
pub(in crate::report) fn totals_before(story: &ReportInput) -> Option<Totals> {
    let before = if story.record.base.is_some() {
        let base = story.records().flat_map(|record| {
            let slices = record.slices.iter();
            slices.filter(|slice| slice.arm == Arm::Base && record.phases[slice.phase].measured)
        });
        Totals::from_stats(base.flat_map(|slice| slice.of_request(None)))
    } else {
        let mut all = Totals::default();
        for job in story.jobs_before().iter().filter_map(|job| job.totals()) {
            all.add(job.requests, &job.failures);
        }
        all
    };
    (before.requests > 0).then_some(before)
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
