//! Which phase and which slice an instant belongs to. Pure.
//!
//! All instants are durations since the start of the load. A phase runs as one window here; another source of windows
//! (two arms in turns, with gaps between them) only has to make the same list.

use std::time::Duration;

use crate::measurement::Arm;
use crate::scenario::{Phase, Shape};

/// A stretch of the run with one load on one deployment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Index of the phase, repeats pooled under one index.
    pub phase: usize,
    /// Which pass of a repeated phase, from 0.
    pub pass: u32,
    /// The deployment loaded.
    pub arm: Arm,
    /// Its first instant.
    pub start: Duration,
    /// Its first instant that does not belong to it any more.
    pub end: Duration,
    /// The load, over the whole window.
    pub shape: Shape,
    /// Whether limits and regression checks use it.
    pub measure: bool,
}

impl Window {
    /// How long it lasts.
    pub fn length(&self) -> Duration {
        self.end.saturating_sub(self.start)
    }
}

/// A stretch of a window: the unit that verdicts are drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SliceWindow {
    /// Index of the window.
    pub window: usize,
    /// Its first instant.
    pub start: Duration,
    /// How long requests become due in it.
    pub length: Duration,
}

/// Windows and their slices, in the order of their start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timetable {
    /// At least one, unless the load is empty.
    pub windows: Vec<Window>,
    /// At least one per window.
    pub slices: Vec<SliceWindow>,
}

impl Timetable {
    /// One window after the other, each phase once.
    pub fn new(load: &[Phase]) -> Self {
        Self::of_arm(load, Arm::Target, Phase::slice)
    }

    /// The same for an arm, with slices of a phase of this length.
    pub(super) fn of_arm(load: &[Phase], arm: Arm, slice: impl Fn(&Phase) -> Duration) -> Self {
        let mut table = Self::default();
        let mut start = Duration::ZERO;
        for phase in load {
            let end = start + phase.duration;
            let window = Window {
                phase: phase.index,
                pass: phase.pass,
                arm,
                start,
                end,
                shape: phase.shape,
                measure: phase.measure,
            };
            table.push(window, slice(phase));
            start = end;
        }
        table
    }

    /// Adds a window, cut into slices of which the last takes the remainder, so that none is too short to judge.
    pub fn push(&mut self, window: Window, slice: Duration) {
        let index = self.windows.len();
        let length = window.length();
        let count = (length.as_nanos() / slice.as_nanos().max(1)).max(1);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        for place in 0..count {
            let offset = slice * place;
            let last = place + 1 == count;
            self.slices.push(SliceWindow {
                window: index,
                start: window.start + offset,
                length: if last {
                    length.saturating_sub(offset)
                } else {
                    slice
                },
            });
        }
        self.windows.push(window);
    }

    /// The end of the last window: nothing becomes due from here on.
    pub fn end(&self) -> Duration {
        self.windows.last().map_or(Duration::ZERO, |last| last.end)
    }

    /// The slice that an instant belongs to; the last one's from its start on.
    pub fn slice_at(&self, at: Duration) -> usize {
        self.slices
            .partition_point(|slice| slice.start <= at)
            .saturating_sub(1)
    }

    /// The window that an instant belongs to; the last one's from its start on.
    pub fn window_at(&self, at: Duration) -> usize {
        self.windows
            .partition_point(|window| window.start <= at)
            .saturating_sub(1)
    }

    /// The window of a slice.
    pub fn window_of(&self, slice: usize) -> &Window {
        &self.windows[self.slices[slice].window]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn phase(index: usize, millis: u64) -> Phase {
        Phase {
            name: format!("p{index}"),
            index,
            pass: 0,
            passes: 1,
            duration: Duration::from_millis(millis),
            shape: Shape::Users { from: 1, to: 1 },
            measure: true,
        }
    }

    #[test]
    fn a_minute_has_twelve_slices_and_a_short_phase_one() {
        for (millis, count) in [
            (60_000, 12),
            (90_000, 18),
            (10_000, 10),
            (4_000, 10),
            (1_000, 4),
            (600, 2),
            (100, 1),
        ] {
            let table = Timetable::new(&[phase(0, millis)]);
            assert_eq!(table.slices.len(), count, "{millis} ms");
        }
    }

    #[test]
    fn a_boundary_belongs_to_what_begins_there() {
        let table = Timetable::new(&[phase(0, 1_000), phase(1, 1_000)]);
        let at = |millis| table.slice_at(Duration::from_millis(millis));
        assert_eq!(
            (at(0), at(249), at(250), at(999), at(1_000)),
            (0, 0, 1, 3, 4)
        );
        assert_eq!(at(99_999), 7);
        assert_eq!(table.window_at(Duration::from_secs(1)), 1);
    }

    proptest! {
        #[test]
        fn slices_cover_their_phase_and_none_is_tiny(lengths in prop::collection::vec(1u64..200_000, 1..6)) {
            let load: Vec<_> = lengths.iter().enumerate().map(|(index, millis)| phase(index, *millis)).collect();
            let table = Timetable::new(&load);
            let mut at = Duration::ZERO;
            for slice in &table.slices {
                prop_assert_eq!(slice.start, at);
                at += slice.length;
                let window = &table.windows[slice.window];
                prop_assert!(slice.start >= window.start && at <= window.end);
                let planned = load[window.phase].slice();
                prop_assert!(slice.length >= planned.min(load[window.phase].duration));
                prop_assert!(slice.length < planned * 2);
            }
            prop_assert_eq!(at, table.end());
        }
    }
}
