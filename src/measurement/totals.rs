//! Requests and failures by kind, counted without adding up latencies.

use std::collections::BTreeMap;

use super::{FailureKind, RequestStats};

/// Requests and failures over some cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Requests.
    pub requests: u64,
    /// Failures by kind.
    pub failures: BTreeMap<FailureKind, u64>,
}

impl Totals {
    /// Those of some cells.
    pub fn from_stats<'a>(cells: impl IntoIterator<Item = &'a RequestStats>) -> Self {
        let mut totals = Self::default();
        for cell in cells {
            totals.add(cell.requests(), &cell.errors);
        }
        totals
    }

    /// Adds requests, with their failures by kind.
    pub fn add(&mut self, requests: u64, failures: &BTreeMap<FailureKind, u64>) {
        self.requests += requests;
        add_counts(&mut self.failures, failures);
    }

    /// The share of all requests that failed in one way.
    pub fn share(&self, kind: FailureKind) -> f64 {
        let failures = self.failures.get(&kind).copied().unwrap_or(0);
        failures as f64 / self.requests.max(1) as f64
    }
}

/// Adds counts to others, key by key.
pub(super) fn add_counts<K: Copy + Ord>(to: &mut BTreeMap<K, u64>, counts: &BTreeMap<K, u64>) {
    for (key, count) in counts {
        *to.entry(*key).or_default() += count;
    }
}
