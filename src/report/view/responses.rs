//! What came back beside times: responses by status, and requests that had to be sent again.

use std::collections::BTreeMap;

use super::View;
use crate::measurement::Arm;
use crate::report::text::{capped, count};

/// Statuses that are listed; a hostile service could send hundreds.
const LISTED: usize = 6;

#[derive(Debug, Default)]
pub(crate) struct Responses {
    pub(crate) statuses: BTreeMap<u16, u64>,
    pub(crate) resent: u64,
}

impl Responses {
    /// Those of one name (all if none) in one phase (all measured ones if none) of the target.
    pub(crate) fn new(view: &View, request: Option<usize>, phase: Option<usize>) -> Self {
        let mut all = Self::default();
        for parts in view.aggregates().parts(request, phase, Arm::Target) {
            all.resent += parts.resent;
            for (status, count) in &parts.statuses {
                *all.statuses.entry(*status).or_default() += count;
            }
        }
        all
    }

    /// Whether every response says that all is well.
    pub(crate) fn is_plain(&self) -> bool {
        self.statuses
            .keys()
            .all(|status| (200..300).contains(status))
    }

    /// The statuses, most often first: `200 × 650, 302 × 72`.
    pub(crate) fn listed(&self) -> String {
        let mut statuses: Vec<(&u16, &u64)> = self.statuses.iter().collect();
        statuses.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let listed = statuses.iter();
        let listed = listed.map(|(status, own)| format!("{status} × {}", count(**own)));
        capped(listed.collect(), LISTED, |more| format!("{more} more")).join(", ")
    }
}
