use proptest::prelude::*;

use super::*;

const PROCESS: ProcessEffect = ProcessEffect {
    allowance: 0.01,
    expected: STARTS,
};
const TOLERANCE: f64 = 0.03;

fn latencies(values: &[f64]) -> Latencies {
    values.iter().map(|value| (*value, 1)).collect()
}

fn near(ours: f64, expected: f64) -> bool {
    (ours - expected).abs() <= 1e-5 * expected.abs().max(1e-12)
}

/// Latencies of 20 ms times a Weibull draw, from a linear congruential generator.
fn generated(seed: u64, pairs: usize, per_arm: usize, factor: f64) -> Vec<Pair> {
    let mut state = seed;
    let mut arm = |factor: f64| -> Latencies {
        (0..per_arm)
            .map(|_| {
                state = (1_103_515_245 * state + 12_345) % (1 << 31);
                let uniform = (state as f64 + 0.5) / f64::from(1_u32 << 31);
                let value = factor * 20.0 * libm::sqrt(-libm::log(1.0 - uniform));
                (libm::rint(value * 100.0) / 100.0, 1)
            })
            .collect()
    };
    (0..pairs)
        .map(|_| Pair {
            base: arm(1.0),
            candidate: arm(factor),
        })
        .collect()
}

fn unit(base: &[f64], candidate: &[f64], q: f64) -> Unit {
    let pair = Pair {
        base: latencies(base),
        candidate: latencies(candidate),
    };
    Unit::new(&[&pair], q)
}

#[test]
fn scores_of_one_unit_are_those_of_the_reference() {
    let (base, candidate) = (&[10., 11., 12., 13., 30.], &[10.5, 11.5, 12.5, 20., 40.]);
    let (excess, variance) = unit(base, candidate, 0.8).scores(0.8, 1.0);
    assert!(
        near(excess, 0.25) && (variance - 0.253_472).abs() < 1e-6,
        "{excess} {variance}"
    );
    let (excess, variance) = unit(&[1., 2., 3., 3.], &[2., 3., 3., 4.], 0.8).scores(0.8, 1.0);
    assert!(
        near(excess, 0.421_875) && (variance - 0.152_826).abs() < 1e-6,
        "{excess} {variance}"
    );
}

/// Seed, pairs with requests of each arm, factor, quantile, units, and figures: the ratio, S, V, phi, the standard error,
/// t, p, the lower bound of 1 %, the upper bound of 2.5 %, and the change that would have been caught.
type Row = (u64, (usize, usize), f64, f64, usize, [f64; 10]);

/// The output of the reference implementation, at a tolerance of 3 % and a level of 1 %.
#[expect(
    clippy::unreadable_literal,
    reason = "figures as the reference implementation prints them"
)]
const ROWS: [Row; 8] = [
    (
        1,
        (12, 125),
        1.0,
        0.95,
        12,
        [
            0.959955, -14.84, 23.2076, 1.0, 0.0247502, -2.85616, 0.993992, 0.895947, 1.01148,
            0.151203,
        ],
    ),
    (
        1,
        (12, 125),
        1.0,
        0.99,
        12,
        [
            0.986374, -4.3, 4.89458, 1.0, 0.0215981, -1.76374, 0.950937, 0.907112, 1.04167,
            0.246283,
        ],
    ),
    (
        2,
        (12, 125),
        1.2,
        0.95,
        12,
        [
            1.18357, 30.64, 23.2072, 1.0, 0.0214462, 5.76444, 1.86850e-5, 1.10892, 1.24367,
            0.139151,
        ],
    ),
    (
        2,
        (12, 125),
        1.2,
        0.99,
        12,
        [
            1.16604, 8.4, 4.89458, 1.0, 0.0358927, 3.65753, 0.00116677, 1.07723, 1.27113, 0.194440,
        ],
    ),
    (
        3,
        (60, 25),
        1.1,
        0.95,
        60,
        [
            1.07781, 10.3, 23.3418, 1.0, 0.0214207, 1.93178, 0.0289438, 1.02219, 1.12628, 0.128004,
        ],
    ),
    (
        3,
        (60, 25),
        1.1,
        0.99,
        30,
        [
            1.06158, 2.25, 4.65909, 1.15391, 0.0447636, 0.947044, 0.175356, 0.977200, 1.16537,
            0.214980,
        ],
    ),
    (
        4,
        (60, 84),
        1.3,
        0.95,
        60,
        [
            1.31329,
            152.319,
            78.0890,
            1.0,
            0.0118149,
            13.1569,
            5.57425e-20,
            1.26548,
            1.35729,
            0.104129,
        ],
    ),
    (
        4,
        (60, 84),
        1.3,
        0.99,
        60,
        [
            1.28416,
            38.4512,
            16.2978,
            1.0,
            0.0198266,
            8.50412,
            2.35100e-12,
            1.23014,
            1.35623,
            0.115618,
        ],
    ),
];

/// Those of the rule with a prior of constant weight. The two rows whose units vary more than chance has it (seed 3 at P99,
/// seed 4 at P95) were computed again by the reference with a prior that weighs less then.
#[test]
fn golden_vectors_of_the_reference_hold() {
    for (index, (seed, (pairs, per_arm), factor, q, units, figures)) in ROWS.into_iter().enumerate()
    {
        let test = TailRank::new(&generated(seed, pairs, per_arm, factor), q, PROCESS).unwrap();
        let null = libm::log1p(TOLERANCE);
        let at_null = test.statistic(null);
        let ours = [
            libm::exp(test.log_ratio()),
            at_null.excess,
            at_null.variance,
            at_null.dispersion,
            test.standard_error,
            at_null.t() / test.widening(),
            test.p_above(null),
            libm::exp(test.lower(0.01)),
            libm::exp(test.upper(0.025)),
            libm::expm1(test.detectable(null, 0.01)),
        ];
        assert_eq!(test.units(), units, "{index}");
        for (place, (ours, expected)) in ours.into_iter().zip(figures).enumerate() {
            assert!(
                near(ours, expected),
                "row {index}, figure {place}: {ours} {expected}"
            );
        }
    }
}

#[test]
fn too_few_requests_or_units_are_not_tested() {
    let few = generated(5, 12, 16, 1.0);
    let found = TailRank::new(&few, 0.95, PROCESS).unwrap_err();
    assert_eq!(
        found,
        TooFew::Requests {
            have: 384,
            need: 400
        }
    );
    let long = generated(5, 4, 500, 1.0);
    let found = TailRank::new(&long, 0.95, PROCESS).unwrap_err();
    assert_eq!(found, TooFew::Units(4));
    assert_eq!(requests_needed(0.9), 200);
    assert_eq!(requests_needed(0.99), 2000);
}

#[test]
fn equal_latencies_everywhere_are_no_change() {
    let pair = Pair {
        base: vec![(10.0, 100)],
        candidate: vec![(10.0, 100)],
    };
    let test = TailRank::new(&vec![pair; 10], 0.95, PROCESS).unwrap();
    assert!(test.p_above(libm::log1p(TOLERANCE)) > 0.4);
    assert!(
        libm::expm1(test.upper(0.025)) < 0.02,
        "{}",
        test.upper(0.025)
    );
}

#[test]
fn a_candidate_slower_than_all_of_the_base_has_finite_bounds() {
    let pair = Pair {
        base: latencies(&[1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9]),
        candidate: latencies(&[5.0, 5.1, 5.2, 5.3, 5.4, 5.5, 5.6, 5.7, 5.8, 5.9]),
    };
    let test = TailRank::new(&vec![pair; 30], 0.95, PROCESS).unwrap();
    assert!(test.p_above(libm::log1p(TOLERANCE)) < 1e-4);
    assert!(test.lower(0.01) > 0.5 && test.lower(0.01) < test.log_ratio());
}

#[test]
#[expect(
    clippy::unreadable_literal,
    reason = "figures as the reference implementation prints them"
)]
fn forecasts_are_those_of_the_reference() {
    assert!(near(steepness([50.0, 100.0, 130.0], 0.95), 4.72815));
    assert!(near(steepness([50.0, 100.0, 130.0], 0.99), 6.13436));
    for (per_arm, q, slice_s, units, process, expected) in [
        (1500.0, 0.95, 0.0, 30, PROCESS, 0.155857),
        (1500.0, 0.99, 0.0, 30, PROCESS, 0.252564),
        (5000.0, 0.95, 0.0, 30, PROCESS, 0.112010),
        (5000.0, 0.99, 0.0, 30, PROCESS, 0.156575),
        (500.0, 0.95, 0.0, 30, PROCESS, 0.239564),
        (500.0, 0.99, 0.0, 30, PROCESS, 0.433188),
        (1500.0, 0.95, 1.0, 60, PROCESS, 0.164629),
        (1500.0, 0.95, 5.0, 12, PROCESS, 0.202231),
        (1500.0, 0.95, 0.0, 30, ProcessEffect::NONE, 0.141044),
    ] {
        let planned = ExpectedTailRank {
            per_arm,
            q,
            steepness: usual_steepness(q),
            slice_s,
            units,
        };
        let found = libm::expm1(planned.detectable(libm::log1p(TOLERANCE), 0.01, process));
        assert!(
            near(found, expected),
            "{per_arm} {q} {slice_s}: {found} {expected}"
        );
    }
}

fn swapped(pairs: &[Pair]) -> Vec<Pair> {
    let swap = |pair: &Pair| Pair {
        base: pair.candidate.clone(),
        candidate: pair.base.clone(),
    };
    pairs.iter().map(swap).collect()
}

fn scaled(pairs: &[Pair], base: f64, candidate: f64) -> Vec<Pair> {
    let scale =
        |values: &Latencies, by: f64| values.iter().map(|(value, n)| (value * by, *n)).collect();
    let pair = |pair: &Pair| Pair {
        base: scale(&pair.base, base),
        candidate: scale(&pair.candidate, candidate),
    };
    pairs.iter().map(pair).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn swapping_the_arms_mirrors_the_change(seed in 0_u64..1000, factor in 0.8..1.3_f64) {
        let pairs = generated(seed, 12, 40, factor);
        let there = TailRank::new(&pairs, 0.95, PROCESS).unwrap();
        let back = TailRank::new(&swapped(&pairs), 0.95, PROCESS).unwrap();
        prop_assert!((there.log_ratio() + back.log_ratio()).abs() < 1e-6);
        prop_assert!((there.lower(0.01) + back.upper(0.01)).abs() < 1e-6);
    }

    #[test]
    fn another_unit_of_time_changes_nothing(seed in 0_u64..1000) {
        let pairs = generated(seed, 12, 40, 1.1);
        let test = TailRank::new(&pairs, 0.95, PROCESS).unwrap();
        let micros = TailRank::new(&scaled(&pairs, 1024.0, 1024.0), 0.95, PROCESS).unwrap();
        prop_assert!((test.p_above(0.03) - micros.p_above(0.03)).abs() < 1e-9);
    }

    #[test]
    fn a_slower_candidate_never_raises_p(seed in 0_u64..1000, steps in 0_u32..60) {
        let pairs = generated(seed, 12, 40, 1.0);
        let slower = scaled(&pairs, 1.0, libm::exp(NULL_STEP * f64::from(steps)));
        let p = |pairs: &[Pair]| TailRank::new(pairs, 0.95, ProcessEffect::NONE).unwrap().p_above(0.03);
        prop_assert!(p(&slower) <= p(&pairs) + 1e-6, "{} {}", p(&slower), p(&pairs));
    }
}
