//! Trials counted, with what may be concluded from them.

use std::thread;

use loadgate::verdict::Outcome;

/// What one trial came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Trial {
    pub(crate) outcome: Outcome,
    /// The share of the planned load that it took.
    pub(crate) used: f64,
}

impl Trial {
    /// One that took all of its load.
    pub(crate) fn of(outcome: Outcome) -> Self {
        Self { outcome, used: 1.0 }
    }
}

/// What trials came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    /// The sum of the shares of the planned load that they took.
    pub(crate) used: f64,
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) inconclusive: u64,
    pub(crate) invalid: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, trial: Trial) {
        self.used += trial.used;
        *match trial.outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Failed => &mut self.failed,
            Outcome::Inconclusive => &mut self.inconclusive,
            Outcome::Invalid => &mut self.invalid,
        } += 1;
    }

    pub(crate) fn all(self) -> u64 {
        self.passed + self.failed + self.inconclusive + self.invalid
    }

    pub(crate) fn share_failed(self) -> f64 {
        self.failed as f64 / self.all().max(1) as f64
    }

    fn merge(&mut self, other: Self) {
        self.used += other.used;
        self.passed += other.passed;
        self.failed += other.failed;
        self.inconclusive += other.inconclusive;
        self.invalid += other.invalid;
    }
}

/// So many trials with seeds of their own, on all cores; the counts do not depend on how many cores there are.
pub(crate) fn trials(count: u64, trial: impl Fn(u64) -> Trial + Sync) -> Counts {
    let workers = thread::available_parallelism().map_or(1, usize::from) as u64;
    let mut counts = Counts::default();
    thread::scope(|scope| {
        let trial = &trial;
        let running: Vec<_> = (0..workers)
            .map(|worker| {
                scope.spawn(move || {
                    let mut counts = Counts::default();
                    let seeds = (0..count).filter(|seed| seed % workers == worker);
                    seeds.for_each(|seed| counts.add(trial(seed + 1)));
                    counts
                })
            })
            .collect();
        for worker in running {
            counts.merge(worker.join().expect("a trial does not panic"));
        }
    });
    counts
}

/// The bound that a true rate lies above (`lower`) or below (`upper`) with probability `1 - tail`, from `hits` of `of`:
/// Clopper and Pearson's, found by bisection of the binomial tail.
pub(crate) fn lower(hits: u64, of: u64, tail: f64) -> f64 {
    if hits == 0 {
        return 0.0;
    }
    bisect(|p| at_least(hits, of, p) < tail)
}

pub(crate) fn upper(hits: u64, of: u64, tail: f64) -> f64 {
    1.0 - lower(of - hits, of, tail)
}

/// The largest p for which `holds`, which holds below it and not above.
fn bisect(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// Probability of `hits` or more of `of` at a rate of p.
fn at_least(hits: u64, of: u64, p: f64) -> f64 {
    let term = |k: u64| {
        let (n, k) = (of as f64, k as f64);
        let ways = libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0);
        libm::exp(ways + k * libm::log(p) + (n - k) * libm::log1p(-p))
    };
    (hits..=of).map(term).sum()
}
