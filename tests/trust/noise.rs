//! Synthetic worlds: what a slice's latencies are like on a quiet, a hosted and a noisy machine.
//!
//! The logarithm of a latency is a sum of effects: of the job (machine, boot), of the process instance, of the minute
//! (shared by a pair), of the slice, of a burst, and of the request, whose part depends on those just before it.

use loadgate::measurement::LatencyHistogram;
use loadgate::verdict::statistics::Distribution;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Requests of one slice.
pub(crate) const REQUESTS: usize = 2_000;
/// Slices that are drawn in full; every slice of a trial is one of them, moved as a whole.
const POOL: usize = 300;
/// Standard deviation of the logarithm of a latency by itself, and where latencies are less spread.
const OWN: f64 = 0.3;
const TIGHT: f64 = 0.15;
/// Scale of a heavy-tailed logarithm: that at which a P95 of 1,500 requests has the deviation that `power.md` measured,
/// 1.19 / sqrt(n).
const HEAVY: f64 = 0.25;
/// How much of its disturbance a request hands on to the next: a memory of fifty requests.
const MEMORY: f64 = 0.98;
/// The slowest of a slice are kept one by one, the others in groups of this many.
const GROUP: usize = 20;
const SLOWEST: usize = 250;
/// The median latency, in microseconds.
pub(crate) const MEDIAN_US: f64 = 20_000.0;

/// How much requests depend on their neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    Weak,
    Strong,
}

/// What the latencies of one slice are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Log-normal.
    Usual,
    /// Cache hits, and near the 95th percentile misses that take five times as long.
    Bimodal,
    /// Heavy-tailed: a t distribution of three degrees of freedom.
    Heavy,
    /// Log-normal, and less spread.
    Tight,
    /// All alike.
    Constant,
}

/// A machine's noise, as standard deviations of logarithms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Regime {
    pub(crate) name: &'static str,
    pub(crate) job: f64,
    pub(crate) instance: f64,
    pub(crate) minute: f64,
    pub(crate) slice: f64,
    /// Share of slices with a burst, and its mean size.
    pub(crate) burst: (f64, f64),
}

pub(crate) const QUIET: Regime = Regime {
    name: "quiet",
    job: 0.02,
    instance: 0.01,
    minute: 0.01,
    slice: 0.01,
    burst: (0.01, 0.10),
};
pub(crate) const HOSTED: Regime = Regime {
    name: "hosted",
    job: 0.05,
    instance: 0.015,
    minute: 0.02,
    slice: 0.02,
    burst: (0.05, 0.15),
};
pub(crate) const NOISY: Regime = Regime {
    name: "noisy",
    job: 0.08,
    instance: 0.02,
    minute: 0.03,
    slice: 0.04,
    burst: (0.10, 0.20),
};

/// Draws that are the same on every machine.
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform in (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        (f64::from(self.0.next_u32()) + 0.5) / 4_294_967_296.0
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "below a small number"
        )]
        let index = (self.uniform() * end as f64) as usize;
        index.min(end - 1)
    }

    /// Box and Muller's.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(self.uniform()));
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(self.uniform())
    }

    /// A gamma draw of shape one, for counts that vary as much as they are.
    pub(crate) fn burst(&mut self, regime: &Regime) -> f64 {
        let (share, mean) = regime.burst;
        if self.uniform() < share {
            self.exponential(mean)
        } else {
            0.0
        }
    }

    /// How many of `of` happen with a chance of `p` each.
    pub(crate) fn binomial(&mut self, of: u64, p: f64) -> u64 {
        (0..of).filter(|_| self.uniform() < p).count() as u64
    }
}

/// Slices drawn in full, each as factors of the median latency with how many requests had it.
pub(crate) struct Pool(Vec<Vec<(f64, u64)>>);

impl Pool {
    pub(crate) fn new(memory: Memory) -> Self {
        let mut draw = Draw::new(11);
        let slices = (0..POOL).map(|_| grouped(slice(&mut draw, memory)));
        Self(slices.collect())
    }

    /// One of the slices, moved by `shift` on the logarithmic scale.
    pub(crate) fn latencies(&self, draw: &mut Draw, shift: f64, requests: u64) -> LatencyHistogram {
        let slice = &self.0[draw.below(self.0.len())];
        let scale = MEDIAN_US * libm::exp(shift);
        let mut left = requests;
        // The slowest are last, and of fewer requests the fastest are left out last.
        LatencyHistogram::from_counts(slice.iter().rev().map(|(factor, count)| {
            let count = (*count).min(left);
            left -= count;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the histogram keeps within its bounds"
            )]
            let micros = (scale * factor) as u64;
            (micros, count)
        }))
    }
}

fn slice(draw: &mut Draw, memory: Memory) -> Vec<f64> {
    let spread = memory.spread();
    let step = libm::sqrt(1.0 - MEMORY * MEMORY);
    let mut held = draw.normal();
    (0..REQUESTS)
        .map(|_| {
            held = MEMORY * held + step * draw.normal();
            spread * held + OWN * draw.normal()
        })
        .collect()
}

impl Memory {
    /// Standard deviation of what requests have in common with those just before them.
    pub(crate) fn spread(self) -> f64 {
        match self {
            Self::Weak => 0.12,
            Self::Strong => 0.25,
        }
    }
}

impl Shape {
    /// The logarithm of a latency by itself. The share of misses lies about the percentile that is gated, which makes
    /// it jump.
    pub(crate) fn own(self, draw: &mut Draw, misses: f64) -> f64 {
        match self {
            Self::Usual => OWN * draw.normal(),
            Self::Tight => TIGHT * draw.normal(),
            Self::Heavy => HEAVY * student_three(draw),
            Self::Constant => 0.0,
            Self::Bimodal => {
                let miss = if draw.uniform() < misses { 5.0 } else { 1.0 };
                OWN * draw.normal() + libm::log(miss)
            }
        }
    }
}

/// What a share of the usual logarithms by themselves lies below.
pub(crate) fn own_quantile(share: f64) -> f64 {
    if share <= 0.0 {
        return f64::NEG_INFINITY;
    }
    OWN * Distribution::Normal.upper_quantile(1.0 - share)
}

fn student_three(draw: &mut Draw) -> f64 {
    let squares: f64 = (0..3).map(|_| draw.normal()).map(|x| x * x).sum();
    draw.normal() / libm::sqrt(squares / 3.0)
}

fn grouped(mut logs: Vec<f64>) -> Vec<(f64, u64)> {
    logs.sort_by(f64::total_cmp);
    let (body, slowest) = logs.split_at(logs.len() - SLOWEST);
    let middle = |group: &[f64]| (libm::exp(group[group.len() / 2]), group.len() as u64);
    let body = body.chunks(GROUP).map(middle);
    let slowest = slowest.iter().map(|log| (libm::exp(*log), 1));
    body.chain(slowest).collect()
}
