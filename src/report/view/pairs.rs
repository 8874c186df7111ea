//! The pairs of a duet that a change was drawn from.

use super::View;
use crate::baseline::PhaseScope;
use crate::measurement::Arm;
use crate::metric::Metric;
use crate::record::{Aggregate, SliceFilter, log_units};
use crate::verdict::Check;

/// The value of a metric on the target and on the base, by pair.
pub(crate) fn pairs(view: &View, line: &Check, metric: Metric) -> Vec<[f64; 2]> {
    let phase = line.phase.clone();
    let scope = phase.map_or(PhaseScope::Steady, PhaseScope::Phase);
    let mut pairs = Vec::new();
    for record in view.records() {
        let name = line.subject.name();
        let request = name.and_then(|name| record.requests.iter().position(|own| own == name));
        let base = || {
            let slices = record.pooled(None, |slice| {
                slice.arm == Arm::Base && record.phases[slice.phase].measured
            });
            slices.latencies().quantile(0.5)
        };
        let filter = SliceFilter::new(record, base);
        for phase in scope.phases(&record.phases) {
            let blocks = filter.paired_slices(record, phase);
            let complete = blocks
                .iter()
                .filter(|arms| arms.iter().all(|arm| !arm.is_empty()));
            let aggregate = |arm: &Vec<_>| Aggregate::from_slices(arm, request);
            let samples: Vec<[Aggregate; 2]> = complete
                .map(|arms| arms.each_ref().map(aggregate))
                .collect();
            let logs = log_units(&samples, metric).into_iter();
            pairs.extend(logs.map(|arms| arms.map(libm::exp)));
        }
    }
    pairs
}
