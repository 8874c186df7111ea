//! A quick look at false alarms and power through the production estimator; the proof at length is a suite of its own.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::statistics::{Estimate, Latencies, Pair, ProcessEffect, TailRank};

const TRIALS: usize = 1000;

/// A normal draw by the sum of twelve uniform ones (Irwin and Hall), which no `ln` of the platform touches.
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let uniform = |bits: u32| f64::from(bits) / f64::from(u32::MAX);
    (0..12).map(|_| uniform(rng.next_u32())).sum::<f64>() - 6.0
}

/// Failures per trial of a duet of twelve pairs whose log-ratios vary by `sd`, with a burst in one of twenty slices.
fn failing(sd: f64, slower: f64) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut failed = 0;
    for _ in 0..TRIALS {
        let pairs: Vec<f64> = (0..12)
            .map(|_| {
                let burst = if rng.next_u32() % 20 == 0 { 0.3 } else { 0.0 };
                libm::log1p(slower) + sd * normal(&mut rng) + burst
            })
            .collect();
        let estimate = Estimate::from_pairs(&pairs, 0.06).unwrap();
        failed += usize::from(estimate.p_above(libm::log1p(0.05)) <= 0.01);
    }
    failed as f64 / TRIALS as f64
}

#[test]
fn unchanged_duets_rarely_fail_and_slower_ones_nearly_always_do() {
    for sd in [0.02, 0.05] {
        // Of 1,000 trials at a true rate of 1 %, more than 22 fail once in a thousand times.
        assert!(failing(sd, 0.0) <= 0.022, "{sd}");
        assert!(failing(sd, 0.2) >= 0.95, "{sd}");
    }
}

/// How the arms of a duet are interleaved, as pairs and how much a slice varies by itself.
#[derive(Clone, Copy)]
struct Interleaved {
    pairs: usize,
    slice_sd: f64,
}

const TURNS: Interleaved = Interleaved {
    pairs: 12,
    slice_sd: 0.02,
};
const MIXED: Interleaved = Interleaved {
    pairs: 60,
    slice_sd: 0.0,
};
/// As few pairs as a test needs, on a machine whose speed is another in each slice.
const DISTURBED: Interleaved = Interleaved {
    pairs: 5,
    slice_sd: 0.2,
};
/// Requests of each arm.
const PER_ARM: usize = 1500;
const TAIL_TRIALS: u64 = 150;
/// The tolerance of a duet, as a log-ratio.
const TOLERATED: f64 = 0.03;

/// Whether a quantile fails, whose latencies are lognormal and slower than the base by so much.
fn tail_fails(interleaved: Interleaved, q: f64, slower: f64, null: f64, seed: u64) -> bool {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let pairs = (0..interleaved.pairs).map(|_| {
        let shared = 0.03 * normal(&mut rng);
        let mut arm = |factor: f64| -> Latencies {
            let shift = shared + interleaved.slice_sd * normal(&mut rng) + libm::log(factor);
            let requests = 0..PER_ARM / interleaved.pairs;
            requests
                .map(|_| (20.0 * libm::exp(0.4 * normal(&mut rng) + shift), 1))
                .collect()
        };
        Pair {
            base: arm(1.0),
            candidate: arm(1.0 + slower),
        }
    });
    let pairs: Vec<Pair> = pairs.collect();
    let test = TailRank::new(&pairs, q, ProcessEffect::of_one_process(0.01)).unwrap();
    test.p_above(null) <= 0.01
}

/// The share of trials in which it fails.
fn tail_failing(interleaved: Interleaved, q: f64, slower: f64) -> f64 {
    let fails = |seed: &u64| tail_fails(interleaved, q, slower, TOLERATED, *seed);
    (0..TAIL_TRIALS).filter(fails).count() as f64 / TAIL_TRIALS as f64
}

#[test]
fn five_units_that_vary_far_more_than_chance_keep_the_level() {
    // At a true rate of 1.7 %, more than 20 of 600 fail in two of a thousand times.
    let fails = |seed: &u64| tail_fails(DISTURBED, 0.95, 0.0, 0.0, *seed);
    let failed = (0..600).filter(fails).count();
    assert!(failed <= 20, "{failed} of 600 failed");
}

#[test]
fn tail_ranks_rarely_fail_unchanged_duets_and_see_slower_ones() {
    for interleaved in [TURNS, MIXED] {
        // Of 150 trials at a true rate of 1 %, more than 7 fail less than once in a thousand times.
        assert!(tail_failing(interleaved, 0.95, 0.0) <= 7.0 / 150.0);
        assert!(tail_failing(interleaved, 0.99, 0.0) <= 7.0 / 150.0);
        assert!(tail_failing(interleaved, 0.95, 0.2) >= 0.9);
        assert!(tail_failing(interleaved, 0.99, 0.3) >= 0.85);
    }
}
