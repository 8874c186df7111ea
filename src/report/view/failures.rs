//! When a kind of failure first appeared, under what load, and how many there were before.

use super::View;
use crate::measurement::{Arm, FailureKind, Totals};

/// The first second in which a kind of failure appeared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FirstFailure {
    /// Whole seconds from the start of the load.
    pub(crate) second: usize,
    pub(crate) phase: Option<String>,
    pub(crate) users: u32,
    pub(crate) requests: u64,
}

/// Requests and failures by kind from before the change: on the base of a duet, or over the baseline's jobs that know kinds.
pub(super) fn before(view: &View) -> Option<Totals> {
    let mut before = Totals::default();
    if view.record.base.is_some() {
        let base = view.aggregates().figures(None, None, Arm::Base);
        before.add(base.requests, &base.kinds);
    } else {
        for job in view.jobs_before().iter().filter_map(|job| job.totals()) {
            before.add(job.requests, &job.failures);
        }
    }
    (before.requests > 0).then_some(before)
}

impl View<'_> {
    /// When a kind of failure first appeared on the target; none if the record does not know.
    pub(crate) fn first_failure(&self, kind: FailureKind) -> Option<FirstFailure> {
        let record = self.record;
        let seconds = record.timeline.iter().enumerate();
        let mut failing = seconds.filter(|(_, second)| second.kinds.contains_key(&kind));
        failing.find_map(|(index, second)| {
            let middle = index as f64 + 0.5;
            let mut slices = record.slices.iter().rev();
            let slice = slices.find(|slice| slice.start_s <= middle);
            // In a duet the seconds of the base are none of the target's.
            if record.base.is_some() && slice.is_none_or(|slice| slice.arm != Arm::Target) {
                return None;
            }
            Some(FirstFailure {
                second: index,
                phase: slice.map(|slice| record.phases[slice.phase].name.clone()),
                users: second.users,
                requests: second.requests,
            })
        })
    }
}
