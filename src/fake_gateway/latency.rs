//! What is in store for an invocation: a pure function of the settings, the function and the index.

use super::config::{Config, LONGEST};
use super::ids::Uuid;
use super::rng::RngStream;
use rand::RngExt;
use std::f64::consts::{SQRT_2, TAU};
use std::time::Duration;

/// The least memory that an invocation uses, in MB.
const LEAST_MEMORY: u64 = 80;

/// The latencies and failures of one set of settings.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) dice: RngStream,
    pub(super) config: Config,
}

/// What is in store for one invocation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Draw {
    /// How long the function takes when it is warm.
    pub(super) latency: Duration,
    /// How it fails, if it does.
    pub(super) failure: Option<Failure>,
    /// Whether its environment, if it is new, was prepared ahead.
    pub(super) is_proactive: bool,
    /// The memory it uses, in MB.
    pub(super) memory_used: u64,
    /// Its request id.
    pub(super) id: Uuid,
}

/// The ways a function fails behind an API Gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// An unhandled exception: 500.
    Exception,
    /// A response that the gateway cannot read: 502.
    BadGateway,
}

impl Model {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            dice: RngStream::new(config.seed),
            config: config.clone(),
        }
    }

    /// What is in store for the invocation with this index of the function with this stream.
    ///
    /// Each draw consumes the same numbers whatever the settings are, so that a changed knob changes nothing else.
    pub(super) fn draw(&self, stream: u64, index: u64) -> Draw {
        let mut rng = self.dice.draw(stream, index);
        let deviate = normal(rng.random(), rng.random());
        let failure = self.failure(rng.random(), rng.random());
        let Config { spread, slow, .. } = self.config;
        let factor = libm::exp(spread * deviate) * slow * self.tail_factor(deviate);
        let seconds = self.config.base_latency.as_secs_f64() * factor;
        let latency =
            Duration::try_from_secs_f64(seconds).map_or(LONGEST, |latency| latency.min(LONGEST));
        Draw {
            latency,
            failure,
            is_proactive: rng.random::<f64>() < self.config.proactive_inits,
            memory_used: LEAST_MEMORY + rng.random::<u64>() % LEAST_MEMORY,
            id: Uuid::draw(&mut rng),
        }
    }

    /// The slowest share is told by the rank of the deviate, so that slowing it down keeps the order of requests.
    fn tail_factor(&self, deviate: f64) -> f64 {
        let rank_from_the_slowest = libm::erfc(deviate / SQRT_2) / 2.0;
        match self.config.tail {
            Some(tail) if rank_from_the_slowest < tail.share => tail.factor,
            Some(_) | None => 1.0,
        }
    }

    fn failure(&self, rank: f64, kind: f64) -> Option<Failure> {
        let failure = if kind < 0.5 {
            Failure::Exception
        } else {
            Failure::BadGateway
        };
        (rank < self.config.error_share).then_some(failure)
    }
}

/// A standard normal deviate of two uniform ones, by Box and Muller.
fn normal(first: f64, second: f64) -> f64 {
    // Uniform numbers are in [0, 1): turned around, since the logarithm of 0 has no end.
    libm::sqrt(-2.0 * libm::log(1.0 - first)) * libm::cos(TAU * second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_gateway::Tail;

    const REQUESTS: u64 = 20_000;

    fn sorted_ms(config: &Config) -> Vec<f64> {
        let model = Model::new(config);
        let mut all: Vec<f64> = (0..REQUESTS)
            .map(|index| model.draw(0, index).latency.as_secs_f64() * 1e3)
            .collect();
        all.sort_by(f64::total_cmp);
        all
    }

    fn near(value: f64, expected: f64, tolerance: f64) -> bool {
        (value / expected - 1.0).abs() < tolerance
    }

    #[test]
    fn the_same_seed_draws_the_same_and_another_does_not() {
        let one = Model::new(&Config {
            error_share: 0.5,
            ..Config::default()
        });
        let again = one.clone();
        let other = Model::new(&Config {
            seed: 2,
            error_share: 0.5,
            ..Config::default()
        });
        let draws = |model: &Model| {
            (0..50)
                .map(|index| model.draw(3, index))
                .collect::<Vec<_>>()
        };
        assert_eq!(draws(&one), draws(&again));
        assert_ne!(draws(&one), draws(&other));
    }

    #[test]
    fn the_spread_is_the_deviation_of_the_logarithm() {
        let all = sorted_ms(&Config {
            spread: 0.25,
            ..Config::default()
        });
        assert!(near(all[10_000], 20.0, 0.01), "{}", all[10_000]);
        assert!(
            near(all[19_000], 20.0 * f64::exp(1.645 * 0.25), 0.02),
            "{}",
            all[19_000]
        );
    }

    #[test]
    fn no_spread_is_the_base_latency_each_time() {
        let all = sorted_ms(&Config {
            spread: 0.0,
            ..Config::default()
        });
        assert!(near(all[0], 20.0, 1e-9) && near(all[19_999], 20.0, 1e-9));
    }

    #[test]
    fn the_slow_factor_scales_every_latency() {
        let before = Model::new(&Config::default());
        let after = Model::new(&Config {
            slow: 1.6,
            ..Config::default()
        });
        for index in 0..100 {
            let ratio = after.draw(0, index).latency.as_secs_f64()
                / before.draw(0, index).latency.as_secs_f64();
            assert!(near(ratio, 1.6, 1e-6), "{ratio}");
        }
    }

    #[test]
    fn a_slow_tail_moves_p95_and_leaves_p50_alone() {
        let tail = Some(Tail {
            share: 0.1,
            factor: 1.5,
        });
        let before = sorted_ms(&Config::default());
        let after = sorted_ms(&Config {
            tail,
            ..Config::default()
        });
        assert!(near(after[10_000] / before[10_000], 1.0, 1e-9));
        assert!(near(after[19_000] / before[19_000], 1.5, 1e-6));
        let slowed = before
            .iter()
            .zip(&after)
            .filter(|(before, after)| !near(**after, **before, 1e-9))
            .count();
        assert!((1_800..2_200).contains(&slowed), "{slowed}");
    }

    #[test]
    fn failures_have_their_share_and_both_kinds() {
        let model = Model::new(&Config {
            error_share: 0.1,
            ..Config::default()
        });
        let failures: Vec<Failure> = (0..REQUESTS)
            .filter_map(|index| model.draw(0, index).failure)
            .collect();
        assert!(
            (1_850..2_150).contains(&failures.len()),
            "{}",
            failures.len()
        );
        let exceptions = failures
            .iter()
            .filter(|failure| **failure == Failure::Exception)
            .count();
        assert!((850..1_150).contains(&exceptions), "{exceptions}");
    }

    #[test]
    fn none_fails_where_the_share_is_0_and_all_fail_where_it_is_1() {
        for (error_share, expected) in [(0.0, 0), (1.0, 1_000)] {
            let model = Model::new(&Config {
                error_share,
                ..Config::default()
            });
            assert_eq!(
                (0..1_000)
                    .filter(|index| model.draw(0, *index).failure.is_some())
                    .count(),
                expected
            );
        }
    }

    #[test]
    fn no_latency_is_longer_than_lambda_runs() {
        let config = Config {
            base_latency: LONGEST,
            spread: 5.0,
            slow: 1000.0,
            ..Config::default()
        };
        let model = Model::new(&config);
        assert!((0..1_000).all(|index| model.draw(0, index).latency <= LONGEST));
    }
}
