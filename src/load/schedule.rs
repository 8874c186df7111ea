//! The one place that knows when load is due: users join and leave, tasks arrive. Pure, and absolute: every instant is
//! computed from the start of its window, never from the one before, so nothing drifts.
//!
//! Stop rule and rate live here and nowhere else. Instants are durations since the start of the load.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;

use super::draws::{self, Purpose};
use super::timetable::{Timetable, Window};
use super::weighted_round_robin::WeightedRoundRobin;
use crate::scenario::{Shape, Spacing};

/// Something that is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LoadEvent {
    /// A window begins.
    Window(usize),
    /// A user joins, in the closed model.
    Join(UserSession),
    /// A task is due, in the open model.
    Arrive(Arrival),
}

/// A user of the closed model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserSession {
    /// Counts the users of a run.
    pub user: u64,
    /// Index of its class.
    pub class: usize,
    /// When its first request is due.
    pub join: Duration,
    /// From when on it begins no further task.
    pub leave: Duration,
}

/// One arrival of the open model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Counts the arrivals of a run.
    pub index: u64,
    /// Index of the class that its user must have.
    pub class: usize,
    /// When its task is due.
    pub due: Duration,
}

/// Yields every start of a run in the order in which they are due.
pub struct Schedule<'a> {
    table: &'a Timetable,
    seed: u64,
    /// Class of each slot of the closed model; the user in a slot may change, its class does not.
    slots: Vec<usize>,
    slot_shares: WeightedRoundRobin,
    arrival_shares: WeightedRoundRobin,
    users: u64,
    arrivals: u64,
    /// How many slots were taken when the last window ended.
    present: u32,
    next_window: usize,
    current: Current,
}

/// What is left of the current window.
enum Current {
    Done,
    Joins {
        window: usize,
        slot: u32,
        until: u32,
    },
    Arrivals {
        window: usize,
        arrivals: Box<Arrivals>,
    },
}

impl<'a> Schedule<'a> {
    /// The schedule of a run; `weights` are those of the classes.
    pub fn new(table: &'a Timetable, weights: &[u32], seed: u64) -> Self {
        let shares = WeightedRoundRobin::new(weights.iter().copied());
        Self {
            table,
            seed,
            slots: Vec::new(),
            slot_shares: shares.clone(),
            arrival_shares: shares,
            users: 0,
            arrivals: 0,
            present: 0,
            next_window: 0,
            current: Current::Done,
        }
    }

    fn begin(&mut self, index: usize) {
        let window = &self.table.windows[index];
        self.current = match window.shape {
            Shape::Users { from, to } => {
                let until = from.max(to);
                let slot = self.present.min(from);
                self.present = to;
                Current::Joins {
                    window: index,
                    slot,
                    until,
                }
            }
            Shape::Arrivals {
                from, to, spacing, ..
            } => {
                self.present = 0;
                let rng = match spacing {
                    Spacing::Even => None,
                    Spacing::Poisson => {
                        Some(draws::generator(self.seed, Purpose::Spacing(index as u64)))
                    }
                };
                let arrivals = Box::new(Arrivals::new(from, to, window.length(), rng));
                Current::Arrivals {
                    window: index,
                    arrivals,
                }
            }
        };
    }

    fn join(&mut self, window: usize, slot: u32) -> UserSession {
        while self.slots.len() <= slot as usize {
            self.slots.push(self.slot_shares.turn());
        }
        let user = self.users;
        self.users += 1;
        UserSession {
            user,
            class: self.slots[slot as usize],
            join: join(&self.table.windows[window], slot),
            leave: leave(&self.table.windows[window..], slot),
        }
    }
}

impl Iterator for Schedule<'_> {
    type Item = (Duration, LoadEvent);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match &mut self.current {
                Current::Joins {
                    window,
                    slot,
                    until,
                } if *slot < *until => {
                    let (window, slot_now) = (*window, *slot);
                    *slot += 1;
                    let stay = self.join(window, slot_now);
                    return Some((stay.join, LoadEvent::Join(stay)));
                }
                Current::Arrivals { window, arrivals } => {
                    if let Some(offset) = arrivals.next() {
                        let due = self.table.windows[*window].start + offset;
                        let index = self.arrivals;
                        self.arrivals += 1;
                        let class = self.arrival_shares.turn();
                        return Some((due, LoadEvent::Arrive(Arrival { index, class, due })));
                    }
                    self.current = Current::Done;
                }
                Current::Joins { .. } | Current::Done => {
                    let index = self.next_window;
                    let window = self.table.windows.get(index)?;
                    self.next_window += 1;
                    self.begin(index);
                    return Some((window.start, LoadEvent::Window(index)));
                }
            }
        }
    }
}

/// When the number of users passes a slot within a window: up for who joins, down for who leaves. A slot counts as taken
/// from half a user on, so that a ramp has on average the users that its line has.
fn crossing(window: &Window, slot: u32) -> Duration {
    let Shape::Users { from, to } = window.shape else {
        return window.start;
    };
    let (from, to, level) = (f64::from(from), f64::from(to), f64::from(slot) + 0.5);
    let share = (level - from) / (to - from);
    if share.is_finite() && (0.0..=1.0).contains(&share) {
        window.start + window.length().mul_f64(share)
    } else {
        window.start
    }
}

/// When the user of a slot joins in a window: at its start, or as the ramp passes the slot.
fn join(window: &Window, slot: u32) -> Duration {
    match window.shape {
        Shape::Users { from, .. } if from <= slot => crossing(window, slot),
        Shape::Users { .. } | Shape::Arrivals { .. } => window.start,
    }
}

/// When the user who joined a slot in the first of these windows leaves it.
fn leave(windows: &[Window], slot: u32) -> Duration {
    for (place, window) in windows.iter().enumerate() {
        let Shape::Users { from, to } = window.shape else {
            return window.start;
        };
        if place > 0 && from <= slot {
            return window.start;
        }
        if to <= slot {
            return crossing(window, slot);
        }
    }
    windows.last().map_or(Duration::ZERO, |last| last.end)
}

/// The arrivals of one window, as offsets from its start: by the inverse of the integrated rate, so that the count is
/// right and a ramp has no steps.
struct Arrivals {
    from: f64,
    to: f64,
    length: Duration,
    /// The integrated rate at the next arrival.
    next: f64,
    /// Draws the spacing, if it is not even.
    rng: Option<ChaCha8Rng>,
    /// Arrivals so far.
    count: u64,
}

impl Arrivals {
    fn new(from: f64, to: f64, length: Duration, mut rng: Option<ChaCha8Rng>) -> Self {
        // Even arrivals stand in the middle of their share of the rate: the count is then rounded, not cut.
        let next = rng.as_mut().map_or(0.5, draws::exponential);
        Self {
            from,
            to,
            length,
            next,
            rng,
            count: 0,
        }
    }

    /// The time in seconds at which the integrated rate, a t + (b - a) t² / 2l, has reached `level`. This form of the
    /// quadratic's root loses no digits where the ramp is flat.
    fn when(&self, level: f64) -> f64 {
        let length = self.length.as_secs_f64();
        let slope = (self.to - self.from) / length;
        let root = (self.from * self.from + 2.0 * slope * level)
            .max(0.0)
            .sqrt();
        2.0 * level / (self.from + root)
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let total = f64::midpoint(self.from, self.to) * self.length.as_secs_f64();
        if self.next >= total {
            return None;
        }
        let at = Duration::try_from_secs_f64(self.when(self.next)).ok()?;
        self.count += 1;
        self.next = match &mut self.rng {
            None => self.count as f64 + 0.5,
            Some(rng) => self.next + draws::exponential(rng),
        };
        // Rounding may put the last one on the end, which belongs to the next window.
        (at < self.length).then_some(at)
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
