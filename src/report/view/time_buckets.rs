//! How a run went over time, in few rows that never cross a phase.

use super::Figures;
use crate::measurement::Arm;
use crate::record::{RunRecord, SliceRecord};

/// Rows at most: what a person reads, and what a comment has room for.
const ROWS: usize = 30;

#[derive(Clone, Debug)]
pub(crate) struct TimeBucket {
    pub(crate) phase: String,
    /// Start in seconds from the start of the load.
    pub(crate) start_s: f64,
    pub(crate) users: u32,
    /// The requests that became due in it.
    pub(crate) figures: Figures,
}

/// The run of the deployment under test in stretches, and how many more there are than rows.
pub(super) fn time_buckets(record: &RunRecord) -> (Vec<TimeBucket>, usize) {
    let slices = record.slices.iter();
    let slices: Vec<&SliceRecord> = slices.filter(|slice| slice.arm == Arm::Target).collect();
    let segments: Vec<&[&SliceRecord]> = slices
        .chunk_by(|a, b| (a.phase, a.pass) == (b.phase, b.pass))
        .collect();
    // Ever longer stretches, until each segment that is left is one.
    let longest = segments.iter().map(|slices| slices.len()).max();
    let longest = longest.unwrap_or(1);
    // Of nothing one row is enough.
    let cut = |slices: &[&SliceRecord], length: usize| {
        let is_idle = slices
            .first()
            .is_some_and(|slice| record.phases[slice.phase].idle);
        if is_idle { slices.len().max(1) } else { length }
    };
    let rows = |length: usize| -> usize {
        let each = segments
            .iter()
            .map(|slices| slices.len().div_ceil(cut(slices, length)));
        each.sum()
    };
    let length = (1..longest)
        .find(|length| rows(*length) <= ROWS)
        .unwrap_or(longest)
        .max(1);
    let stretches = segments
        .iter()
        .flat_map(|slices| slices.chunks(cut(slices, length)));
    let rows = stretches.clone().take(ROWS);
    let rows = rows.filter_map(|slices| stretch(record, slices)).collect();
    (rows, stretches.count().saturating_sub(ROWS))
}

fn stretch(record: &RunRecord, slices: &[&SliceRecord]) -> Option<TimeBucket> {
    let (first, last) = (slices.first()?, slices.last()?);
    let end = last.start_s + last.length_s;
    let phase = &record.phases[first.phase];
    let middle = 0.5 * (first.start_s + end);
    let seconds = record.timeline.iter().enumerate();
    // The seconds in it; of less than one that in whose course it lies. Users that leave are no users of an idle phase.
    let during = seconds.filter(|(second, _)| {
        let (from, half) = (*second as f64, *second as f64 + 0.5);
        let is_within = half >= first.start_s && half < end;
        !phase.idle && (is_within || (middle >= from && middle < from + 1.0))
    });
    Some(TimeBucket {
        phase: phase.name.clone(),
        start_s: first.start_s,
        users: during.map(|(_, second)| second.users).max().unwrap_or(0),
        figures: Figures::of_slices(record, slices),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::samples::{record, traffic};

    #[test]
    fn rows_are_few_cover_every_request_and_never_cross_a_phase() {
        let second = [traffic("GET /a", 10, 20.0)];
        let run = record()
            .steady("warm")
            .slices(50, &second)
            .repeated("burst")
            .slices(3, &second)
            .next_pass()
            .slices(3, &second)
            .steady("recovery")
            .slices(60, &second)
            .build();
        let (rows, more) = time_buckets(&run);
        assert!(rows.len() <= ROWS && rows.len() > 15, "{}", rows.len());
        assert_eq!(more, 0);
        let sum: u64 = rows.iter().map(|row| row.figures.requests).sum();
        assert_eq!(sum, 1160);
        let mut names: Vec<&str> = rows.iter().map(|row| row.phase.as_str()).collect();
        names.dedup();
        assert_eq!(names, ["warm", "burst", "recovery"]);
        assert!(rows.is_sorted_by(|a, b| a.start_s < b.start_s));
    }

    #[test]
    fn more_passes_than_rows_are_counted() {
        let second = [traffic("GET /a", 10, 20.0)];
        let run = (0..40).fold(record().repeated("burst"), |run, _| {
            run.slice(&second).next_pass()
        });
        let (rows, more) = time_buckets(&run.build());
        assert_eq!((rows.len(), more), (ROWS, 10));
    }
}
