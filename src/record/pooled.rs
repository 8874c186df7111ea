//! Requests pooled over slices of a record, and which slices count as measured.

use std::collections::BTreeMap;

use super::{RunRecord, SliceRecord};
use crate::measurement::{Arm, FailureKind, RequestStats, Totals};

impl RunRecord {
    /// All requests of one name, or of all names where none, over the slices that `keep` picks.
    pub fn pooled(
        &self,
        request: Option<usize>,
        keep: impl Fn(&SliceRecord) -> bool,
    ) -> RequestStats {
        let kept = self.slices.iter().filter(|slice| keep(slice));
        let cells: Vec<&RequestStats> = kept.flat_map(|slice| slice.of_request(request)).collect();
        RequestStats::sum(&cells)
    }

    /// Failures by kind over the slices that `keep` picks, all names together.
    pub fn failures(&self, keep: impl Fn(&SliceRecord) -> bool) -> BTreeMap<FailureKind, u64> {
        let kept = self.slices.iter().filter(|slice| keep(slice));
        Totals::from_stats(kept.flat_map(|slice| slice.of_request(None))).failures
    }

    /// All requests of one name, or of all names where none, over the measured phases of the deployment under test.
    pub fn measured(&self, request: Option<usize>) -> RequestStats {
        self.pooled(request, |slice| self.is_measured(slice))
    }

    /// The slices of measured phases of the deployment under test.
    pub fn measured_slices(&self) -> impl Iterator<Item = &SliceRecord> {
        self.slices.iter().filter(|slice| self.is_measured(slice))
    }

    /// Failures of one name by kind over the measured phases of the deployment under test.
    pub fn failures_of(&self, request: usize) -> BTreeMap<FailureKind, u64> {
        let cells = self.measured_slices();
        Totals::from_stats(cells.flat_map(|slice| slice.of_request(Some(request)))).failures
    }

    /// Whether a slice belongs to a measured phase of the deployment under test.
    pub fn is_measured(&self, slice: &SliceRecord) -> bool {
        slice.arm == Arm::Target && self.phases[slice.phase].measured
    }

    /// Whether it says when responses came; older results say only when requests were due.
    pub fn counts_responses(&self) -> bool {
        self.slices.iter().any(|slice| slice.silences.is_some())
    }
}
