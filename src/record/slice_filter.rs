//! Selects the slices in which the generator kept its times, and says how they fall into blocks that a verdict can pair.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Aggregate, RunRecord, SliceRecord};
use crate::measurement::{Arm, Totals};
use crate::units::six_digits;

/// A slice's `late` P99 up to this is never held against the generator, in seconds.
const LATE_ALWAYS_ALLOWED_S: f64 = 0.005;
/// Share of the reference's median latency that `late` may reach.
const LATE_SHARE_OF_P50: f64 = 0.2;

/// Share of the slices or pairs that may be dropped.
const DROPPED: f64 = 0.25;
/// The same of the pairs of a mixed duet. A late pair of those is late for both versions alike, so that what is left is an
/// honest duet of fewer pairs; half of them are few enough for the test to lose its power.
const DROPPED_OF_MIXED: f64 = 0.5;

/// The slices of a record in which the generator kept its times.
///
/// A slice is dropped for a reason that its latencies have no part in. In a duet its whole pair is dropped.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceFilter {
    kept: Vec<bool>,
    /// Pairs of a duet.
    pub pairs: DropCount,
    /// Measured slices of the deployment under test that belong to no pair.
    pub slices: DropCount,
    /// The largest `late` P99 of a measured slice, in seconds.
    pub worst_s: f64,
    /// What a slice's `late` P99 may be, in seconds.
    pub limit_s: f64,
    /// Share of the pairs or slices that may be dropped.
    allowed: f64,
}

/// How many of a kind were dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DropCount {
    /// Dropped ones.
    pub dropped: u32,
    /// All.
    pub of: u32,
}

impl DropCount {
    /// Whether more than a share of all were dropped.
    pub fn is_over(self, share: f64) -> bool {
        f64::from(self.dropped) > share * f64::from(self.of)
    }

    /// Whether none were dropped.
    pub fn is_whole(&self) -> bool {
        self.dropped == 0
    }
}

impl SliceFilter {
    /// Sorts out the slices of a record; `reference_p50` finds the median latency in seconds of what the run is compared
    /// with, the run's own where none.
    pub fn new(record: &RunRecord, reference_p50: impl FnOnce() -> Option<f64>) -> Self {
        let mut filter = Self {
            kept: vec![true; record.slices.len()],
            pairs: DropCount::default(),
            slices: DropCount::default(),
            worst_s: measured(record)
                .map(|(_, slice)| slice.late_p99_s)
                .fold(0.0, f64::max),
            limit_s: record.health.max_late_s.unwrap_or(LATE_ALWAYS_ALLOWED_S),
            allowed: if record.is_mixed() {
                DROPPED_OF_MIXED
            } else {
                DROPPED
            },
        };
        // The median is only looked up where it can matter: pooling all latencies is the most expensive step here.
        if record.health.max_late_s.is_none() && filter.worst_s > LATE_ALWAYS_ALLOWED_S {
            let p50 = reference_p50().or_else(|| record.measured(None).latencies().quantile(0.5));
            let allowed = LATE_SHARE_OF_P50 * p50.unwrap_or_default();
            filter.limit_s = six_digits(allowed.max(LATE_ALWAYS_ALLOWED_S));
        }
        filter.drop_late(record);
        filter
    }

    fn drop_late(&mut self, record: &RunRecord) {
        let limit = self.limit_s;
        let late_pairs: BTreeSet<u32> = measured(record)
            .filter(|(_, slice)| slice.late_p99_s > limit)
            .filter_map(|(_, slice)| slice.pair)
            .collect();
        let mut pairs = BTreeSet::new();
        for (index, slice) in measured(record) {
            let dropped = slice
                .pair
                .map_or(slice.late_p99_s > limit, |pair| late_pairs.contains(&pair));
            self.kept[index] = !dropped;
            let drop_count = match (slice.pair, slice.arm) {
                (Some(pair), _) if pairs.insert(pair) => &mut self.pairs,
                (None, Arm::Target) => &mut self.slices,
                (Some(_), _) | (None, Arm::Base) => continue,
            };
            drop_count.of += 1;
            drop_count.dropped += u32::from(dropped);
        }
    }

    /// The pairs or the slices, where so many of them were dropped that the run says more of the generator than of the target.
    pub fn too_many(&self) -> Option<DropCount> {
        let mut counts = [self.pairs, self.slices].into_iter();
        counts.find(|count| count.is_over(self.allowed))
    }

    /// Pairs and slices together.
    pub fn drop_count(&self) -> DropCount {
        DropCount {
            dropped: self.pairs.dropped + self.slices.dropped,
            of: self.pairs.of + self.slices.of,
        }
    }

    /// Whether the slice of this index may be looked at.
    pub fn keeps(&self, index: usize) -> bool {
        self.kept.get(index).copied().unwrap_or(true)
    }

    /// The kept slices of one phase in blocks, in order: pairs of a duet, else slices, or passes in a ramp or a
    /// repeated phase. A block's slices of the deployment under test come first, those of the base second.
    pub fn paired_slices<'a>(
        &self,
        record: &'a RunRecord,
        phase: usize,
    ) -> Vec<[Vec<&'a SliceRecord>; 2]> {
        let mut blocks: BTreeMap<usize, [Vec<&SliceRecord>; 2]> = BTreeMap::new();
        for (index, slice) in self.in_phase(record, phase).enumerate() {
            let key = match (record.phases[phase].steady, slice.pair) {
                (false, _) => slice.pass as usize,
                (true, Some(pair)) => pair as usize,
                (true, None) => index,
            };
            let arms = blocks.entry(key).or_default();
            match slice.arm {
                Arm::Target => arms[0].push(slice),
                Arm::Base => arms[1].push(slice),
            }
        }
        blocks.into_values().collect()
    }

    /// The units of one arm in a phase: its kept slices, or passes where not steady.
    pub fn units(
        &self,
        record: &RunRecord,
        phase: usize,
        arm: Arm,
        request: Option<usize>,
    ) -> Vec<[Aggregate; 1]> {
        let blocks = self.paired_slices(record, phase).into_iter();
        let unit = |[target, base]: [Vec<&SliceRecord>; 2]| {
            let slices = match arm {
                Arm::Target => target,
                Arm::Base => base,
            };
            [Aggregate::from_slices(&slices, request)]
        };
        blocks.map(unit).collect()
    }

    /// Requests and failures of one arm in the kept slices of some phases.
    pub fn totals(
        &self,
        record: &RunRecord,
        phases: &[usize],
        arm: Arm,
        request: Option<usize>,
    ) -> Totals {
        let slices = record.slices.iter().enumerate();
        let kept = slices.filter(|(index, slice)| {
            slice.arm == arm && phases.contains(&slice.phase) && self.keeps(*index)
        });
        Totals::from_stats(kept.flat_map(|(_, slice)| slice.of_request(request)))
    }

    fn in_phase<'a>(
        &self,
        record: &'a RunRecord,
        phase: usize,
    ) -> impl Iterator<Item = &'a SliceRecord> {
        record
            .slices
            .iter()
            .zip(&self.kept)
            .filter(move |(slice, kept)| **kept && slice.phase == phase)
            .map(|(slice, _)| slice)
    }
}

/// The slices of measured phases, of both arms, with their index.
fn measured(record: &RunRecord) -> impl Iterator<Item = (usize, &SliceRecord)> {
    let slices = record.slices.iter().enumerate();
    slices.filter(|(_, slice)| record.phases[slice.phase].measured)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::Interleaving;
    use crate::record::DuetSettings;
    use crate::record::samples::{record, traffic};

    #[test]
    fn a_late_slice_is_dropped_alone() {
        let run = record()
            .steady("warm")
            .slices(4, &[traffic("GET /a", 30, 10.0)])
            .late(0.005_1)
            .build();
        let filter = SliceFilter::new(&run, || None);
        assert_eq!((filter.slices.dropped, filter.slices.of), (1, 4));
        let kept: Vec<bool> = (0..4).map(|index| filter.keeps(index)).collect();
        assert_eq!(kept, [true, true, true, false]);
        assert_eq!(filter.too_many(), None);
    }

    #[test]
    fn what_a_slow_reference_does_not_notice_is_allowed() {
        let run = record()
            .steady("warm")
            .slices(4, &[traffic("GET /a", 30, 10.0)])
            .late(0.019)
            .build();
        assert_eq!(SliceFilter::new(&run, || Some(0.1)).slices.dropped, 0);
        assert_eq!(SliceFilter::new(&run, || Some(0.09)).slices.dropped, 1);
        assert!((SliceFilter::new(&run, || Some(0.1)).limit_s - 0.02).abs() < 1e-12);
    }

    #[test]
    fn a_bound_of_the_run_takes_the_place_of_the_rule() {
        let run = |bound: f64| {
            record()
                .steady("warm")
                .slices(4, &[traffic("GET /a", 30, 10.0)])
                .late(0.05)
                .with(|run| run.health.max_late_s = Some(bound))
                .build()
        };
        assert_eq!(SliceFilter::new(&run(0.05), || None).slices.dropped, 0);
        let strict = SliceFilter::new(&run(0.04), || Some(1.0));
        assert_eq!((strict.slices.dropped, strict.limit_s), (1, 0.04));
    }

    #[test]
    fn a_late_arm_drops_its_pair() {
        let quick = [traffic("GET /a", 30, 10.0)];
        let run = record()
            .steady("warm")
            .pair(&quick, &quick)
            .pair(&quick, &quick)
            .with(|run| run.slices[0].late_p99_s = 0.5)
            .build();
        let filter = SliceFilter::new(&run, || Some(0.01));
        assert_eq!((filter.pairs.dropped, filter.pairs.of), (1, 2));
        assert_eq!(filter.too_many(), Some(filter.pairs));
        let blocks = filter.paired_slices(&run, 0);
        assert_eq!(blocks.len(), 1);
        assert_eq!((blocks[0][0].len(), blocks[0][1].len()), (1, 1));
    }

    #[test]
    fn a_mixed_duet_may_lose_half_of_its_pairs() {
        let quick = [traffic("GET /a", 30, 10.0)];
        let run = |late: usize, interleaving| {
            let pairs = (0..4).fold(record().steady("warm"), |run, _| run.pair(&quick, &quick));
            pairs
                .with(|run| {
                    run.duet = Some(DuetSettings {
                        interleaving,
                        pairs: 4,
                        slice_s: 1.0,
                        guard_s: 0.0,
                        looks: 1,
                        look: None,
                        restart_every: None,
                    });
                    for slice in &mut run.slices[..2 * late] {
                        slice.late_p99_s = 0.5;
                    }
                })
                .build()
        };
        for (late, interleaving, dropped) in [
            (1, Interleaving::Turns, None),
            (2, Interleaving::Turns, Some(2)),
            (2, Interleaving::Mixed, None),
            (3, Interleaving::Mixed, Some(3)),
        ] {
            let filter = SliceFilter::new(&run(late, interleaving), || None);
            let too_many = filter.too_many().map(|count| count.dropped);
            assert_eq!(too_many, dropped, "{late} of 4, {interleaving:?}");
        }
    }

    #[test]
    fn what_is_not_measured_is_not_held_against_the_generator() {
        let run = record()
            .unmeasured("warm-up")
            .slice(&[traffic("GET /a", 30, 10.0)])
            .late(2.0)
            .steady("warm")
            .slice(&[traffic("GET /a", 30, 10.0)])
            .build();
        let filter = SliceFilter::new(&run, || None);
        assert_eq!((filter.slices.dropped, filter.slices.of), (0, 1));
        assert!(filter.worst_s < 0.001);
    }

    #[test]
    fn a_pass_is_one_block() {
        let run = record()
            .repeated("burst")
            .slices(3, &[traffic("GET /a", 30, 10.0)])
            .next_pass()
            .slices(2, &[traffic("GET /a", 30, 10.0)])
            .build();
        let blocks = SliceFilter::new(&run, || None).paired_slices(&run, 0);
        let sizes: Vec<usize> = blocks.iter().map(|[target, _]| target.len()).collect();
        assert_eq!(sizes, [3, 2]);
    }
}
