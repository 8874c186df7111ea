//! Which arm of a mixed duet gets a task: in permuted blocks of two, so that both arms get as many. Pure.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::draws::{self, Purpose};
use super::prepared::CompiledScenario;
use super::schedule::Arrival;
use super::user;

/// Deals to two arms by their indices: the first of a block of two by chance, the second to the other arm.
pub(super) struct Blocks {
    rng: ChaCha8Rng,
    /// The arm that gets the second of a block that has begun.
    second: Option<usize>,
}

impl Blocks {
    pub(super) fn new(rng: ChaCha8Rng) -> Self {
        Self { rng, second: None }
    }

    /// The index of the arm that is next.
    pub(super) fn next_arm(&mut self) -> usize {
        if let Some(second) = self.second.take() {
            return second;
        }
        let first = usize::from(self.rng.random::<bool>());
        self.second = Some(1 - first);
        first
    }
}

/// Deals the arrivals of the open model, every task in blocks of its own, so that each request name is balanced too.
///
/// Every core deals all arrivals in their order, and serves its own: all come to the same arms.
pub(super) struct Dealer {
    seed: u64,
    /// By class and task.
    blocks: Vec<Vec<Blocks>>,
}

impl Dealer {
    pub(super) fn new(script: &CompiledScenario, seed: u64) -> Self {
        let mut kinds = 0..;
        let classes = script.classes.iter().map(|class| {
            let kinds = kinds.by_ref().take(class.tasks.len());
            let blocks = |kind| Blocks::new(draws::generator(seed, Purpose::Deal(kind)));
            kinds.map(blocks).collect()
        });
        Self {
            seed,
            blocks: classes.collect(),
        }
    }

    /// The index of the arm that gets the next arrival.
    pub(super) fn arm(&mut self, script: &CompiledScenario, arrival: Arrival) -> usize {
        let task = user::drawn(script, self.seed, arrival);
        self.blocks[arrival.class][task].next_arm()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blocks(seed: u64) -> Blocks {
        Blocks::new(draws::generator(seed, Purpose::Deal(0)))
    }

    proptest! {
        #[test]
        fn a_block_of_two_has_one_of_each_arm(seed: u64, count in 1_usize..50) {
            let mut blocks = blocks(seed);
            for _ in 0..count {
                prop_assert_eq!(blocks.next_arm() + blocks.next_arm(), 1);
            }
        }
    }

    #[test]
    fn which_arm_is_first_in_a_block_is_chance() {
        let mut blocks = blocks(1);
        let firsts = (0..1_000).filter(|_| {
            let first = blocks.next_arm();
            blocks.next_arm();
            first == 0
        });
        // Five standard deviations of a binomial with p = 0.5.
        assert!((421..=579).contains(&firsts.count()));
    }
}
