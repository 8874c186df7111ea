//! Where chance comes from: one generator per user, per arrival, and for the spacing of arrivals, each keyed to its
//! index and never to the order in which anything completes. Pure.

use std::time::Duration;

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use crate::scenario::Pause;

/// What a generator is for; generators of one seed share nothing across purposes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// The draws of a user of the closed model, by its index.
    User(u64),
    /// The draws of a task in the open model, by the arrival's index.
    Arrival(u64),
    /// The login of a user that was made for an arrival, by the arrival's index.
    Newcomer(u64),
    /// The spacing of arrivals, by the window's index.
    Spacing(u64),
    /// The order of the arms in the pairs of a duet.
    Order,
    /// The user that looks whether the target responds, by the index of its class.
    Reach(u64),
    /// Which arm of a mixed duet gets arrivals of a task, by the index of the task.
    Deal(u64),
    /// Which arm of a mixed duet gets a pass of a user of the closed model, by the user's index.
    Passes(u64),
}

pub(super) fn generator(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let (index, kind) = match purpose {
        Purpose::User(index) => (index, 0),
        Purpose::Arrival(index) => (index, 1),
        Purpose::Spacing(index) => (index, 2),
        Purpose::Newcomer(index) => (index, 3),
        Purpose::Reach(index) => (index, 4),
        Purpose::Order => (0, 5),
        Purpose::Deal(index) => (index, 6),
        Purpose::Passes(index) => (index, 7),
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(index << 3 | kind);
    rng
}

/// A generator beside another one: it is as reproducible, and what it draws changes nothing that the other one draws.
pub(super) fn beside(other: &ChaCha8Rng) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::from_seed(other.get_seed().map(|byte| !byte));
    rng.set_stream(other.get_stream());
    rng
}

/// A generator for templates that draw nothing.
pub(super) fn unused() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(0)
}

/// A pause, uniform in its range.
pub(super) fn pause(rng: &mut ChaCha8Rng, pause: Pause) -> Duration {
    if pause.from >= pause.to {
        return pause.from;
    }
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(rng.random_range(micros(pause.from)..=micros(pause.to)))
}

/// The distance to the next event of a Poisson process of rate one.
pub(super) fn exponential(rng: &mut ChaCha8Rng) -> f64 {
    let uniform: f64 = rng.random();
    -(-uniform).ln_1p()
}

/// An index, drawn by weights that add up to `sum`.
pub(super) fn weighted(
    rng: &mut ChaCha8Rng,
    sum: u64,
    weights: impl Iterator<Item = u32>,
) -> usize {
    if sum == 0 {
        return 0;
    }
    let mut rest = rng.random_range(0..sum);
    for (index, weight) in weights.enumerate() {
        match rest.checked_sub(u64::from(weight)) {
            Some(less) => rest = less,
            None => return index,
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_the_seed_and_the_index_alone() {
        let draw = |seed, purpose| generator(seed, purpose).random::<u64>();
        assert_eq!(draw(1, Purpose::User(7)), draw(1, Purpose::User(7)));
        let all = [
            draw(1, Purpose::User(7)),
            draw(1, Purpose::User(8)),
            draw(1, Purpose::Arrival(7)),
            draw(1, Purpose::Spacing(7)),
            draw(1, Purpose::Reach(7)),
            draw(1, Purpose::Newcomer(7)),
            draw(1, Purpose::Deal(7)),
            draw(1, Purpose::Passes(7)),
            draw(2, Purpose::User(7)),
        ];
        for (place, one) in all.iter().enumerate() {
            assert!(!all[place + 1..].contains(one));
        }
    }

    #[test]
    fn weights_are_kept_within_chance() {
        let mut rng = generator(1, Purpose::User(0));
        let hits = (0..10_000)
            .filter(|_| weighted(&mut rng, 4, [3, 1].into_iter()) == 0)
            .count();
        // Five standard deviations of a binomial with p = 0.75.
        assert!((7_283..=7_717).contains(&hits), "{hits}");
    }

    #[test]
    fn pauses_stay_in_their_range() {
        let mut rng = generator(1, Purpose::User(0));
        let range = Pause {
            from: Duration::from_millis(1),
            to: Duration::from_millis(3),
        };
        for _ in 0..1_000 {
            let drawn = pause(&mut rng, range);
            assert!(range.from <= drawn && drawn <= range.to);
        }
    }
}
