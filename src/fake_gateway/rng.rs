//! Randomness by number: the n-th draw of a stream is the same whatever was drawn before it.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// The stream of request ids; functions have the numbers from 0.
pub(super) const REQUEST_IDS: u64 = u64::MAX;

/// `ChaCha` hands out its output in blocks of this many words, and each draw owns one block: 64 bytes.
const WORDS_PER_DRAW: u128 = 16;

/// One seed's randomness, in numbered streams of numbered draws.
#[derive(Clone, Debug)]
pub(super) struct RngStream(ChaCha8Rng);

impl RngStream {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// The draw with this number; good for up to eight 64-bit values.
    pub(super) fn draw(&self, stream: u64, number: u64) -> ChaCha8Rng {
        let mut rng = self.0.clone();
        rng.set_stream(stream);
        rng.set_word_pos(u128::from(number) * WORDS_PER_DRAW);
        rng
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::Rng;

    #[test]
    fn a_draw_depends_on_seed_stream_and_number_and_on_nothing_else() {
        let value = |seed, stream, number| RngStream::new(seed).draw(stream, number).next_u64();
        assert_eq!(value(1, 2, 3), value(1, 2, 3));
        let dice = RngStream::new(1);
        let _ = dice.draw(2, 9).next_u64();
        assert_eq!(dice.draw(2, 3).next_u64(), value(1, 2, 3));
        for other in [value(2, 2, 3), value(1, 3, 3), value(1, 2, 4)] {
            assert_ne!(other, value(1, 2, 3));
        }
    }

    #[test]
    fn neighbouring_draws_share_no_value() {
        let dice = RngStream::new(1);
        let mut first = dice.draw(0, 0);
        let values: Vec<u64> = (0..8).map(|_| first.next_u64()).collect();
        assert!(!values.contains(&dice.draw(0, 1).next_u64()));
        assert_eq!(
            first.next_u64(),
            dice.draw(0, 1).next_u64(),
            "the ninth value belongs to the next draw"
        );
    }
}
