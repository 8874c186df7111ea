//! What came back beside times: responses by status, and requests that had to be sent again.

use std::collections::BTreeMap;

use super::ReportInput;
use super::numbers::count;
use crate::measurement::{Arm, Parts};

/// Statuses that are listed; a hostile service could send hundreds.
const LISTED: usize = 6;

/// The responses of one request name (none for all together) in one measured phase (none for all of them) of the deployment
/// under test.
#[derive(Debug, Default)]
pub(super) struct Responses {
    /// Responses by status.
    pub(super) statuses: BTreeMap<u16, u64>,
    /// Requests that were sent again.
    pub(super) resent: u64,
}

impl Responses {
    /// Gathers them over all candidates.
    pub(super) fn gather(story: &ReportInput, request: Option<&str>, phase: Option<&str>) -> Self {
        let mut all = Parts::default();
        for record in story.records() {
            for own in record.parts.iter().filter(|own| own.arm == Arm::Target) {
                let (Some(name), Some(of)) = (
                    record.requests.get(own.request),
                    record.phases.get(own.phase),
                ) else {
                    continue;
                };
                let is_asked_for = request.is_none_or(|request| request == name)
                    && phase.is_none_or(|phase| phase == of.name);
                if of.measured && is_asked_for {
                    all.merge_wire(&own.parts);
                }
            }
        }
        Self {
            statuses: all.statuses,
            resent: all.resent,
        }
    }

    /// Whether every response says that all is well.
    pub(super) fn is_plain(&self) -> bool {
        self.statuses
            .keys()
            .all(|status| (200..300).contains(status))
    }

    /// The statuses, most often first: `200 × 650, 302 × 72`.
    pub(super) fn listed(&self) -> String {
        let mut statuses: Vec<(&u16, &u64)> = self.statuses.iter().collect();
        statuses.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let listed = statuses.iter().take(LISTED);
        let mut listed: Vec<String> = listed
            .map(|(status, own)| format!("{status} × {}", count(**own)))
            .collect();
        if let more @ 1.. = statuses.len().saturating_sub(LISTED) {
            listed.push(format!("{more} more"));
        }
        listed.join(", ")
    }
}
