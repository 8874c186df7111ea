//! Weighted turns: who is next, so that after any number of turns each has had its share to within one or two. Pure.

/// Deals turns out by weight, each to whoever is furthest behind its share.
#[derive(Clone, Debug)]
pub(super) struct WeightedRoundRobin {
    weights: Vec<u64>,
    sum: u64,
    /// Turns that each has had.
    had: Vec<u64>,
    turns: u64,
}

impl WeightedRoundRobin {
    /// Shares by weight; a weight of zero never gets a turn unless all are zero.
    pub(super) fn new(weights: impl IntoIterator<Item = u32>) -> Self {
        let mut weights: Vec<u64> = weights.into_iter().map(u64::from).collect();
        if weights.iter().all(|weight| *weight == 0) {
            weights.fill(1);
        }
        Self {
            sum: weights.iter().sum(),
            had: vec![0; weights.len()],
            weights,
            turns: 0,
        }
    }

    /// Whose turn it is.
    pub(super) fn turn(&mut self) -> usize {
        self.turns += 1;
        // What each lacks, times the sum of weights, so that whole numbers suffice.
        let lack = |index: usize| {
            i128::from(self.weights[index]) * i128::from(self.turns)
                - i128::from(self.had[index]) * i128::from(self.sum)
        };
        let mut next = 0;
        for index in 1..self.weights.len() {
            if lack(index) > lack(next) {
                next = index;
            }
        }
        if let Some(had) = self.had.get_mut(next) {
            *had += 1;
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_to_one_is_three_of_every_four() {
        let mut shares = WeightedRoundRobin::new([3, 1]);
        let turns: Vec<_> = (0..8).map(|_| shares.turn()).collect();
        assert_eq!(turns, [0, 0, 1, 0, 0, 0, 1, 0]);
    }

    proptest! {
        #[test]
        fn each_has_its_share_after_any_number_of_turns(
            weights in prop::collection::vec(0u32..100, 1..6), turns in 1u32..300
        ) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let sum = f64::from(weights.iter().sum::<u32>());
            let mut shares = WeightedRoundRobin::new(weights.iter().copied());
            let mut had = vec![0.0; weights.len()];
            for _ in 0..turns {
                had[shares.turn()] += 1.0;
            }
            for (weight, had) in weights.iter().zip(&had) {
                let due = f64::from(*weight) / sum * f64::from(turns);
                prop_assert!((had - due).abs() < 2.0, "{weights:?}: {had} of {due}");
            }
        }
    }
}
