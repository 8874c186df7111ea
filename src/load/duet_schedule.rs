//! The course of a duet: which arm is loaded when. Pure.
//!
//! Both arms of a mixed duet are loaded at once, and go through every phase together. In turns, ramps and phases that are
//! not measured run once per arm, steady phases in pairs of slices, and repeated phases in pairs of passes. Within each pair
//! the order is drawn, balanced over every two pairs, so that drift and neighbours fall on both arms alike. Both arms see
//! the same load in their own time; only its place in real time differs.
//!
//! A duet that may end early has several looks. Everything is loaded before the first, with a part of the pairs of each
//! steady phase; the other parts follow before the other looks.

use std::collections::VecDeque;
use std::time::Duration;

use super::dealing::Blocks;
use super::draws::{self, Purpose};
use super::timetable::Timetable;
use crate::measurement::{Arm, Interleaving};
use crate::scenario::Phase;

/// The fewest passes per arm of a repeated phase: as many units as a duet needs.
const FEWEST_PASSES: u32 = 5;

/// How two deployments are loaded in one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DuetTurns {
    /// How they share its time.
    pub interleaving: Interleaving,
    /// Pairs of slices of each steady phase.
    pub pairs: u32,
    /// Length of a slice; half the length of a pair, which in a mixed duet is loaded on both arms throughout.
    pub slice: Duration,
    /// The least time between two slices.
    pub guard: Duration,
    /// How many times the caller looks at what was measured, the end included. The pairs of each steady phase are shared
    /// evenly among the looks; everything else is loaded before the first.
    pub looks: u32,
}

impl DuetTurns {
    /// Pairs of each steady phase that are loaded by the end of a look, the first being 1.
    fn pairs_by(&self, look: u32) -> u32 {
        let pairs = u64::from(self.pairs) * u64::from(look) / u64::from(self.looks.max(1));
        u32::try_from(pairs).unwrap_or(u32::MAX)
    }
}

/// A stretch in which one arm is loaded, or both arms of a mixed duet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Segment {
    /// The arm; none for both.
    pub(super) arm: Option<Arm>,
    /// Its first time, in the arm's own time.
    pub(super) from: Duration,
    /// Its first time that does not belong to it any more.
    pub(super) to: Duration,
    /// The pair of slices that it belongs to, counted over the run.
    pub(super) pair: Option<u32>,
    /// Whether it is the first of two legs that belong together.
    pub(super) is_first: bool,
}

/// The course of a duet.
#[derive(Clone, Debug)]
pub(super) struct DuetSchedule {
    /// The phases as one arm goes through them, a steady one once for each look.
    load: Vec<Phase>,
    /// Length of the slices of a steady phase.
    slice: Duration,
    /// Starts of the pairs in the arms' time.
    pairs: Vec<Duration>,
    pub(super) legs: Vec<Segment>,
    /// How many legs come before each look, the last being all of them.
    pub(super) looks: Vec<usize>,
}

impl Segment {
    /// How long it lasts.
    pub(super) fn length(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }
}

/// What one arm of a duet goes through: each phase once, a steady one as long as all of its slices together.
pub fn duet_load(load: &[Phase], turns: &DuetTurns) -> Vec<Phase> {
    let course = DuetSchedule::new(load, turns, 0);
    course.phases(course.legs.len())
}

/// How long a duet takes at least, with the guards between its slices: up to the first look, and up to the last.
pub fn duet_lasts(load: &[Phase], turns: &DuetTurns) -> (Duration, Duration) {
    let course = DuetSchedule::new(load, turns, 0);
    let lasts = |legs: &[Segment]| {
        let guards = u32::try_from(legs.len()).unwrap_or(u32::MAX);
        legs.iter().map(Segment::length).sum::<Duration>() + turns.guard * guards
    };
    (lasts(&course.legs[..course.looks[0]]), lasts(&course.legs))
}

impl DuetSchedule {
    pub(super) fn new(load: &[Phase], turns: &DuetTurns, seed: u64) -> Self {
        let mut course = Self {
            load: Vec::new(),
            slice: match turns.interleaving {
                Interleaving::Turns => turns.slice,
                Interleaving::Mixed => turns.slice * 2,
            },
            pairs: Vec::new(),
            legs: Vec::new(),
            looks: Vec::new(),
        };
        let mut maker = Builder {
            course: &mut course,
            turns,
            firsts: Blocks::new(draws::generator(seed, Purpose::Order)),
            at: Duration::ZERO,
            look: 1,
        };
        let mut rest: VecDeque<&Phase> = load.iter().collect();
        while let Some(phase) = rest.front() {
            if phase.passes > 1 {
                maker.passes(&mut rest);
            } else {
                maker.phase(phase);
                rest.pop_front();
            }
        }
        maker.course.looks.push(maker.course.legs.len());
        for look in 2..=turns.looks {
            maker.look = look;
            for phase in load.iter().filter(|phase| phase.is_steady()) {
                maker.phase(phase);
            }
            maker.course.looks.push(maker.course.legs.len());
        }
        course
    }

    /// What one arm goes through, in its own time.
    pub(super) fn table(&self, arm: Arm) -> Timetable {
        let slice = |phase: &Phase| {
            let steady = phase.is_steady().then_some(self.slice);
            steady.unwrap_or_else(|| phase.slice())
        };
        Timetable::of_arm(&self.load, arm, slice)
    }

    /// The phases as they were run after so many legs: each once, a steady one as long as all of its slices together.
    pub(super) fn phases(&self, legs: usize) -> Vec<Phase> {
        let ran = self.legs.iter().take(legs).map(|leg| leg.to).max();
        let ran = ran.unwrap_or_default();
        let mut phases: Vec<Phase> = Vec::new();
        let mut start = Duration::ZERO;
        for phase in &self.load {
            let length = phase.duration.min(ran.saturating_sub(start));
            start += phase.duration;
            let known = phases
                .iter_mut()
                .find(|own| own.index == phase.index && own.pass == phase.pass);
            match known {
                Some(known) => known.duration += length,
                None => phases.push(Phase {
                    duration: length,
                    ..phase.clone()
                }),
            }
        }
        phases
    }

    /// Pairs of slices of all steady phases.
    pub(super) fn pairs(&self) -> u32 {
        index(self.pairs.len())
    }

    /// The look that follows after so many legs, the first being 1.
    pub(super) fn look_after(&self, legs: usize) -> u32 {
        index(self.looks.partition_point(|end| *end < legs)) + 1
    }

    /// The pair of slices that a time of the arms lies in.
    pub(super) fn pair_at(&self, time: Duration) -> Option<u32> {
        let begun = self.pairs.partition_point(|start| *start <= time);
        let pair = begun.checked_sub(1)?;
        (time < self.pairs[pair] + self.slice).then(|| index(pair))
    }
}

fn index(pair: usize) -> u32 {
    u32::try_from(pair).unwrap_or(u32::MAX)
}

struct Builder<'c> {
    course: &'c mut DuetSchedule,
    turns: &'c DuetTurns,
    /// Which arm is first in a pair.
    firsts: Blocks,
    /// The arms' time so far.
    at: Duration,
    /// The look that follows, the first being 1.
    look: u32,
}

impl Builder<'_> {
    /// Adds a phase that is not repeated.
    fn phase(&mut self, phase: &Phase) {
        if !phase.is_steady() {
            self.course.load.push(phase.clone());
            return self.both(phase.duration, None);
        }
        let slice = self.course.slice;
        let pairs = self.turns.pairs_by(self.look) - self.turns.pairs_by(self.look - 1);
        self.course.load.push(Phase {
            duration: slice * pairs,
            ..phase.clone()
        });
        for _ in 0..pairs {
            let pair = index(self.course.pairs.len());
            self.course.pairs.push(self.at);
            self.both(slice, Some(pair));
        }
    }

    /// Adds the repeated phases at the front, and takes them.
    fn passes(&mut self, rest: &mut VecDeque<&Phase>) {
        let Some(first) = rest.front().copied() else {
            return;
        };
        let of_pass = |phase: &&&Phase| phase.passes == first.passes && phase.pass == 0;
        let block: Vec<&Phase> = rest.iter().take_while(of_pass).copied().collect();
        rest.drain(..(block.len() * first.passes as usize).min(rest.len()));
        let passes = match self.turns.interleaving {
            Interleaving::Turns => first.passes.max(FEWEST_PASSES),
            // In half of the load for each arm it takes twice as many to send as much.
            Interleaving::Mixed => first.passes.max(FEWEST_PASSES) * 2,
        };
        for pass in 0..passes {
            for phase in &block {
                self.course.load.push(Phase {
                    pass,
                    passes,
                    ..(*phase).clone()
                });
            }
            let length = block.iter().map(|phase| phase.duration).sum();
            self.both(length, None);
        }
    }

    /// Adds a leg of each arm over the same stretch of their times; of a mixed duet, to its only leg up to the next look.
    fn both(&mut self, length: Duration, pair: Option<u32>) {
        let (from, to) = (self.at, self.at + length);
        self.at = to;
        let legs = &mut self.course.legs;
        if self.turns.interleaving == Interleaving::Mixed {
            if legs.len() > self.course.looks.last().copied().unwrap_or_default()
                && let Some(leg) = legs.last_mut()
            {
                leg.to = to;
                return;
            }
            legs.push(Segment {
                arm: None,
                from,
                to,
                pair: None,
                is_first: true,
            });
            return;
        }
        let arms = [Arm::Target, Arm::Base];
        let first = self.firsts.next_arm();
        for place in [first, 1 - first] {
            legs.push(Segment {
                arm: Some(arms[place]),
                from,
                to,
                pair,
                is_first: place == first,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::Shape;

    fn phase(index: usize, users: (u32, u32), seconds: u64) -> Phase {
        Phase {
            name: format!("p{index}"),
            index,
            pass: 0,
            passes: 1,
            duration: Duration::from_secs(seconds),
            shape: Shape::Users {
                from: users.0,
                to: users.1,
            },
            measure: true,
        }
    }

    fn turns(pairs: u32, looks: u32) -> DuetTurns {
        DuetTurns {
            interleaving: Interleaving::Turns,
            pairs,
            slice: Duration::from_secs(5),
            guard: Duration::from_millis(300),
            looks,
        }
    }

    fn seconds(duration: Duration) -> u64 {
        duration.as_secs()
    }

    #[test]
    fn ramps_run_once_per_arm_and_steady_phases_in_pairs() {
        let mut warm_up = phase(0, (0, 20), 10);
        warm_up.measure = false;
        let load = [warm_up, phase(1, (20, 20), 60), phase(2, (20, 0), 30)];
        let course = DuetSchedule::new(&load, &turns(13, 2), 1);
        let table = course.table(Arm::Base);
        let lengths: Vec<u64> = table
            .windows
            .iter()
            .map(|window| seconds(window.length()))
            .collect();
        assert_eq!(
            lengths,
            [10, 30, 30, 35],
            "six slices before the first look and seven before the second"
        );
        assert!(table.windows.iter().all(|window| window.arm == Arm::Base));
        assert_eq!(course.looks, [2 * (1 + 6 + 1), 2 * (1 + 13 + 1)]);
        assert_eq!(course.legs.len(), 2 * (1 + 13 + 1));
        let pairs = course.legs.iter().filter_map(|leg| leg.pair).max();
        assert_eq!((pairs, course.pairs()), (Some(12), 13));
        assert_eq!(
            [1, 16, 17, 30].map(|legs| course.look_after(legs)),
            [1, 1, 2, 2]
        );
        let ran = |legs| -> Vec<u64> {
            let phases = course.phases(legs);
            phases.iter().map(|phase| seconds(phase.duration)).collect()
        };
        assert_eq!(ran(course.looks[0]), [10, 30, 30]);
        assert_eq!(ran(course.legs.len()), [10, 65, 30]);
        let (shortest, longest) = duet_lasts(&load, &turns(13, 2));
        assert_eq!(seconds(shortest), 2 * (10 + 30 + 30) + 4);
        assert_eq!(seconds(longest), 2 * (10 + 65 + 30) + 9);
    }

    #[test]
    fn a_mixed_duet_lasts_as_long_as_one_in_turns() {
        let mut warm_up = phase(0, (0, 20), 10);
        warm_up.measure = false;
        let burst = |pass| Phase {
            pass,
            passes: 3,
            ..phase(2, (40, 40), 4)
        };
        let load = [
            warm_up,
            phase(1, (20, 20), 60),
            burst(0),
            burst(1),
            burst(2),
        ];
        let mixed = DuetTurns {
            interleaving: Interleaving::Mixed,
            slice: Duration::from_secs(1),
            guard: Duration::ZERO,
            ..turns(60, 3)
        };
        let course = DuetSchedule::new(&load, &mixed, 1);
        let legs = course.legs.iter();
        let legs: Vec<_> = legs.map(|leg| (leg.arm, seconds(leg.length()))).collect();
        assert_eq!(legs, [(None, 10 + 40 + 10 * 4), (None, 40), (None, 40)]);
        assert_eq!(course.looks, [1, 2, 3]);
        assert_eq!(course.pairs(), 60);
        let pair = |second| course.pair_at(Duration::from_secs(second));
        assert_eq!(
            [pair(9), pair(10), pair(11), pair(12), pair(49)],
            [None, Some(0), Some(0), Some(1), Some(19)]
        );
        assert_eq!(
            [pair(50), pair(89), pair(90), pair(169)],
            [None, None, Some(20), Some(59)]
        );
        let table = course.table(Arm::Base);
        let steady = table
            .slices
            .iter()
            .filter(|slice| course.pair_at(slice.start).is_some());
        assert_eq!(
            steady
                .map(|slice| seconds(slice.length))
                .collect::<Vec<_>>(),
            [2; 60]
        );
        let (shortest, longest) = duet_lasts(&load, &mixed);
        assert_eq!((seconds(shortest), seconds(longest)), (90, 170));
    }

    #[test]
    fn repeated_phases_run_five_whole_passes_at_least() {
        let pass = |index, pass, passes, seconds| Phase {
            pass,
            passes,
            ..phase(index, (10, 10), seconds)
        };
        let load: Vec<Phase> = (0..3)
            .flat_map(|n| [pass(0, n, 3, 4), pass(1, n, 3, 6)])
            .chain((0..7).map(|n| pass(2, n, 7, 2)))
            .collect();
        let course = DuetSchedule::new(&load, &turns(12, 1), 1);
        assert_eq!(course.legs.len(), 2 * (5 + 7));
        assert_eq!(course.looks, [course.legs.len()]);
        assert!(
            course.legs[..10]
                .iter()
                .all(|leg| seconds(leg.length()) == 10)
        );
        let phases = course.phases(course.legs.len());
        assert_eq!(phases.len(), 2 * 5 + 7);
        assert_eq!(
            (phases[0].passes, phases[9].pass, phases[10].passes),
            (5, 4, 7)
        );
    }

    proptest! {
        #[test]
        fn both_arms_go_through_the_same_times_once_and_in_balance(pairs in 1u32..30, seed: u64) {
            let load = [phase(0, (0, 5), 3), phase(1, (5, 5), 9), phase(2, (7, 7), 9)];
            let course = DuetSchedule::new(&load, &turns(pairs, 3), seed);
            let end = course.table(Arm::Target).end();
            let mut firsts = 0_i32;
            for arm in [Arm::Target, Arm::Base] {
                let mut at = Duration::ZERO;
                for leg in course.legs.iter().filter(|leg| leg.arm == Some(arm)) {
                    prop_assert_eq!(leg.from, at);
                    at = leg.to;
                }
                prop_assert_eq!(at, end);
            }
            for two in course.legs.chunks_exact(2) {
                prop_assert!(two[0].is_first && !two[1].is_first);
                prop_assert_eq!(two[0].pair, two[1].pair);
                prop_assert_ne!(two[0].arm, two[1].arm);
                firsts += if two[0].arm == Some(Arm::Base) { 1 } else { -1 };
                prop_assert!(firsts.abs() <= 1, "never two more of one order");
            }
        }
    }
}
