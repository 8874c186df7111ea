//! The arithmetic by which `cargo bench --bench trust -- simulate` proves that the verdict can be trusted.

use loadgate::measurement::LatencyHistogram;

#[expect(dead_code, reason = "the command plays in it")]
#[path = "trust/duet.rs"]
mod duet;
#[expect(dead_code, reason = "the command draws from it")]
#[path = "trust/noise.rs"]
mod noise;
#[expect(
    dead_code,
    reason = "what the command tells is not told here; its arithmetic is tested"
)]
#[path = "trust/replay.rs"]
mod replay;
#[expect(
    dead_code,
    reason = "the table is the command's; its arithmetic is tested"
)]
#[path = "trust/rules.rs"]
mod rules;
#[path = "trust/trials.rs"]
mod trials;
#[path = "trust/world.rs"]
mod world;

#[test]
fn the_bounds_of_a_rate_are_clopper_and_pearsons() {
    // None of 300 bounds the rate at 1 % with 95 %: the rule of three.
    assert!((trials::upper(0, 300, 0.05) - 0.009_936).abs() < 1e-5);
    assert!((trials::lower(5, 100, 0.025) - 0.016_432).abs() < 1e-5);
    assert!((trials::upper(5, 100, 0.025) - 0.112_835).abs() < 1e-5);
}

#[test]
fn ranks_are_mann_and_whitneys() {
    let of = |values: &[u64]| {
        let mut latencies = LatencyHistogram::new();
        for value in values {
            latencies.record_micros(*value);
        }
        latencies
    };
    // U = 8.5 of 9 with one tie: z = 4 / sqrt(9/12 (7 - 6/30)).
    let p = rules::slower_by_ranks(&of(&[10, 20, 30]), &of(&[30, 40, 50]));
    let z = 4.0 / libm::sqrt(0.75 * (7.0 - 6.0 / 30.0));
    assert!((p - 0.5 * libm::erfc(z / std::f64::consts::SQRT_2)).abs() < 1e-12);
}

#[test]
fn three_sigma_is_of_the_runs_before() {
    let before = [1.0, 1.1, 0.9, 1.0];
    assert!(!rules::three_sigma(&before, 1.2));
    assert!(rules::three_sigma(&before, 1.3));
}

#[test]
fn the_functions_of_the_fit_are_right() {
    assert!((replay::digamma(1.0) + 0.577_215_664_9).abs() < 1e-9);
    assert!((replay::trigamma(1.0) - 1.644_934_066_8).abs() < 1e-8);
    assert!((replay::inverse_trigamma(replay::trigamma(3.7)) - 3.7).abs() < 1e-6);
}
