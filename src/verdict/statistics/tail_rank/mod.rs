//! The change of a latency quantile between two arms: a stratified tail-rank test.
//!
//! The slowest share `2 (1 - q)` of a unit's requests is ranked, both arms together, and each request scores by its rank:
//! 1 for the slowest, falling to 0. A slower candidate collects more than its part of the scores. Units are short, so
//! whatever disturbs both arms stays within a unit and cancels; what still varies between units widens the error.
//! The test needs far fewer requests than a comparison of quantiles, and one wild latency counts no more than its rank.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::Distribution;

/// Pseudo-observations of the prior that units vary as chance has it, where they do.
const PRIOR_WEIGHT: f64 = 4.0;
/// Units that a test needs.
pub const FEWEST_UNITS: usize = 5;
/// Units that requests are divided into at most.
const MOST_UNITS: f64 = 60.0;
/// Requests beyond the quantile that a unit holds at least, both arms together.
const TAIL_PER_UNIT: f64 = 1.0;
/// Requests beyond the quantile that all units hold at least, both arms together.
const TAIL_IN_ALL: f64 = 20.0;
/// Step of the search for bounds, as a log-ratio.
const STEP: f64 = 0.05;
/// Steps to either side of the estimate.
const REACH: i32 = 20;
/// Halvings of a step: to eight digits.
const HALVINGS: u32 = 20;
/// Share of the largest possible excess from which on the statistic hardly grows with the change.
const SATURATED: f64 = 0.8;
/// The largest log-ratio that can be estimated.
const LARGEST: f64 = 3.0;
/// A statistic that is zero but for rounding.
const NEARLY_ZERO: f64 = 1e-9;
/// Steps below the null hypothesis over which the largest p counts, so that p grows with the null.
const NULL_STEPS: u32 = 60;
/// One of them, as a log-ratio.
const NULL_STEP: f64 = 0.005;
/// A smaller standard error is not believed.
const SMALLEST_ERROR: f64 = 1e-3;
/// The standard deviation of the log-ratio of two starts of one build, which a later run of it would meet.
const STARTS: f64 = 0.02;
/// Power at which the minimum detectable effect is computed.
const POWER: f64 = 0.9;

/// Latencies of one arm, each distinct value with how often it was seen.
pub type Latencies = Vec<(f64, u64)>;

/// The latencies of a stretch of time in which both arms were loaded alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pair {
    /// Of the base.
    pub base: Latencies,
    /// Of the candidate.
    pub candidate: Latencies,
}

/// What differs between two processes of one build, which no number of requests shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProcessEffect {
    /// Allowance for it in the standard error of a log-ratio.
    pub allowance: f64,
    /// The same, as a later run is expected to meet it.
    pub expected: f64,
}

impl ProcessEffect {
    /// Many instances respond, or each pair has fresh processes: the effect averages out.
    pub const NONE: Self = Self {
        allowance: 0.0,
        expected: 0.0,
    };

    /// One process responds per arm, with this allowance.
    pub fn of_one_process(allowance: f64) -> Self {
        Self {
            allowance,
            expected: STARTS,
        }
    }

    /// The factor by which it widens a standard error.
    fn widening(effect: f64, standard_error: f64) -> f64 {
        libm::sqrt(1.0 + (effect / standard_error) * (effect / standard_error))
    }

    /// Standard errors between no change and one that a test of level `alpha` finds with 90 % probability.
    fn needed(self, distribution: Distribution, alpha: f64, standard_error: f64) -> f64 {
        distribution.upper_quantile(alpha) * Self::widening(self.allowance, standard_error)
            + distribution.upper_quantile(1.0 - POWER)
                * Self::widening(self.expected, standard_error)
    }
}

/// Too little to test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TooFew {
    /// Requests of both arms together.
    Requests {
        /// Requests that there are.
        have: u64,
        /// Requests that the quantile needs.
        need: u64,
    },
    /// Units.
    Units(usize),
}

/// The requests of both arms together that the test of a quantile needs: 20 beyond it.
pub fn requests_needed(q: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 20 and 20,000 for the quantiles that there are"
    )]
    // 1 - 0.9 is a little less than 0.1, which must not ask for one request more.
    let requests = libm::ceil(TAIL_IN_ALL / (1.0 - q) - 1e-6) as u64;
    requests
}

/// The requests of both arms together that a unit of a test of the quantile `q` over `requests` in all holds.
pub fn requests_per_unit(q: f64, requests: u64) -> f64 {
    (TAIL_PER_UNIT / (1.0 - q)).max(requests as f64 / MOST_UNITS)
}

/// The change of a quantile, with its uncertainty.
#[derive(Clone, Debug)]
pub struct TailRank {
    q: f64,
    units: Vec<Unit>,
    process: ProcessEffect,
    /// Pseudo-observations of the prior that units vary as chance has it.
    prior: f64,
    /// The natural logarithm of candidate over base.
    log_ratio: f64,
    standard_error: f64,
    /// The statistic at `log_ratio + k STEP` for k from -REACH to REACH.
    grid: Vec<f64>,
    /// The statistic at log-ratios, by their bits, that were asked for: a report asks for the same bounds many times.
    known: RefCell<BTreeMap<u64, f64>>,
}

/// The slowest latencies of a unit, the slowest first.
#[derive(Clone, Debug)]
struct Unit {
    base: Latencies,
    candidate: Latencies,
    base_count: u64,
    candidate_count: u64,
}

/// The statistic of one null hypothesis.
#[derive(Clone, Copy, Debug)]
struct Statistic {
    /// Excess of the candidate's scores over what the null hypothesis gives it.
    excess: f64,
    /// Variance of the excess if requests are independent.
    variance: f64,
    /// Factor by which the units' excesses vary more, by themselves.
    between: f64,
    /// The same as it is believed: with the prior, and never below 1.
    dispersion: f64,
}

impl Statistic {
    fn t(self) -> f64 {
        if self.variance > 0.0 {
            self.excess / libm::sqrt(self.dispersion * self.variance)
        } else {
            0.0
        }
    }
}

impl TailRank {
    /// Tests the quantile `q` over pairs in order of time.
    pub fn new(pairs: &[Pair], q: f64, process: ProcessEffect) -> Result<Self, TooFew> {
        let units = units(pairs, q);
        let requests = count_all(pairs);
        let need = requests_needed(q);
        let is_missing =
            |arm: fn(&Pair) -> &Latencies| pairs.iter().all(|pair| count(arm(pair)) == 0);
        if is_missing(|pair| &pair.base) || is_missing(|pair| &pair.candidate) {
            return Err(TooFew::Requests { have: 0, need });
        }
        if requests < need {
            return Err(TooFew::Requests {
                have: requests,
                need,
            });
        }
        if units.len() < FEWEST_UNITS {
            return Err(TooFew::Units(units.len()));
        }
        let mut test = Self {
            q,
            units,
            process,
            prior: PRIOR_WEIGHT,
            log_ratio: 0.0,
            standard_error: LARGEST,
            grid: Vec::new(),
            known: RefCell::default(),
        };
        test.log_ratio = 0.5 * (test.crossing(NEARLY_ZERO) + test.crossing(-NEARLY_ZERO));
        test.prior = prior_weight(test.statistic(test.log_ratio).between);
        test.known.take();
        test.grid = (-REACH..=REACH)
            .map(|step| test.t(test.log_ratio + STEP * f64::from(step)))
            .collect();
        let half = 0.5 * (test.upper_at(1.0) - test.lower_at(1.0));
        test.standard_error = half.max(SMALLEST_ERROR);
        Ok(test)
    }

    /// Units of the test.
    pub fn units(&self) -> usize {
        self.units.len()
    }

    /// The natural logarithm of candidate over base.
    pub fn log_ratio(&self) -> f64 {
        self.log_ratio
    }

    /// Probability of scores as high or higher if the true log-ratio is `null` or less.
    pub fn p_above(&self, null: f64) -> f64 {
        let widening = self.widening();
        let steps = (0..=NULL_STEPS).map(|step| self.t(null - NULL_STEP * f64::from(step)));
        let lowest = steps.fold(f64::INFINITY, f64::min);
        let mut score = lowest / widening;
        if self.is_saturated(null) {
            let error = widening * self.standard_error;
            score = score.max(lowest.min((self.log_ratio - null) / error));
        }
        self.distribution().tail(score)
    }

    /// The log-ratio that the true one lies below with probability `tail`, at most one half.
    pub fn lower(&self, tail: f64) -> f64 {
        self.lower_at(self.distribution().upper_quantile(tail) * self.widening())
    }

    /// The log-ratio that the true one lies above with probability `tail`, at most one half.
    pub fn upper(&self, tail: f64) -> f64 {
        self.upper_at(self.distribution().upper_quantile(tail) * self.widening())
    }

    /// The true log-ratio that a test of level `alpha` against `null` would have found with 90 % probability.
    pub fn detectable(&self, null: f64, alpha: f64) -> f64 {
        let needed = self
            .process
            .needed(self.distribution(), alpha, self.standard_error);
        null + self.log_ratio - self.lower_at(needed)
    }

    /// The true log-ratio that a test of level `alpha` against `null` finds with 90 % probability, with a standard error that
    /// is `error` times the one here.
    pub fn expected_to_detect(&self, null: f64, alpha: f64, error: f64) -> f64 {
        let standard_error = self.standard_error * error;
        let needed = self
            .process
            .needed(self.distribution(), alpha, standard_error);
        null + needed * standard_error
    }

    /// How many times as many requests, up to `most`, would find a change of `wanted` against `null`.
    pub fn times_to_detect(&self, wanted: f64, null: f64, alpha: f64, most: f64) -> Option<f64> {
        let detects = |times: f64| {
            let error = 1.0 / libm::sqrt(times);
            self.expected_to_detect(null, alpha, error) <= wanted
        };
        // Fine enough for an advice that is rounded up to whole pairs.
        let steps = 1..=1000_u32;
        let mut times = steps.map(|step| 1.0 + (most - 1.0) * f64::from(step) / 1000.0);
        times.find(|times| detects(*times))
    }

    /// Whether nearly all of the slowest requests are the candidate's. The statistic cannot grow further then, so that
    /// dividing it by an allowance would hide a large change of a quiet service; the estimate says how large it is.
    fn is_saturated(&self, null: f64) -> bool {
        let most: f64 = self.units.iter().map(|unit| unit.most(self.q)).sum();
        self.statistic(null).excess >= SATURATED * most
    }

    fn distribution(&self) -> Distribution {
        Distribution::StudentT(self.prior + self.units.len() as f64 - 1.0)
    }

    fn widening(&self) -> f64 {
        ProcessEffect::widening(self.process.allowance, self.standard_error)
    }

    fn t(&self, log_ratio: f64) -> f64 {
        let key = log_ratio.to_bits();
        let known = self.known.borrow().get(&key).copied();
        known.unwrap_or_else(|| {
            let t = self.statistic(log_ratio).t();
            self.known.borrow_mut().insert(key, t);
            t
        })
    }

    /// The statistic if the candidate's latencies are those of the base times `exp(log_ratio)`.
    fn statistic(&self, log_ratio: f64) -> Statistic {
        let ratio = libm::exp(log_ratio);
        let scores: Vec<(f64, f64)> = self
            .units
            .iter()
            .map(|unit| unit.scores(self.q, ratio))
            .collect();
        let excess: f64 = scores.iter().map(|(excess, _)| excess).sum();
        let variance: f64 = scores.iter().map(|(_, variance)| variance).sum();
        let (mut between, mut dispersion) = (1.0, 1.0);
        if variance > 0.0 {
            let units = scores.len() as f64;
            let squares: f64 = scores
                .iter()
                .map(|(d, v)| d - excess * v / variance)
                .map(|rest| rest * rest)
                .sum();
            between = units / (units - 1.0) * squares / variance;
            let df = self.prior + units - 1.0;
            dispersion = ((self.prior + (units - 1.0) * between) / df).max(1.0);
        }
        Statistic {
            excess,
            variance,
            between,
            dispersion,
        }
    }

    /// The log-ratio at which the statistic, which falls as the ratio grows, passes `score`.
    fn crossing(&self, score: f64) -> f64 {
        bisect(-LARGEST, LARGEST, 32, |middle| self.t(middle) > score)
    }

    /// Coming from below, the first log-ratio that a statistic of `score` does not reject; as many standard errors away
    /// where the statistic cannot grow so far.
    fn lower_at(&self, score: f64) -> f64 {
        let accepted = self.grid.iter().position(|t| *t < score);
        match accepted {
            Some(0) | None => (self.log_ratio - score * self.standard_error).max(-LARGEST),
            Some(first) => {
                let (low, high) = (self.grid_point(first - 1), self.grid_point(first));
                bisect(low, high, HALVINGS, |middle| self.t(middle) >= score)
            }
        }
    }

    /// The same coming from above.
    fn upper_at(&self, score: f64) -> f64 {
        let accepted = self.grid.iter().rposition(|t| -*t < score);
        match accepted {
            Some(last) if last + 1 < self.grid.len() => {
                let (low, high) = (self.grid_point(last), self.grid_point(last + 1));
                bisect(low, high, HALVINGS, |middle| -self.t(middle) < score)
            }
            Some(_) | None => (self.log_ratio + score * self.standard_error).min(LARGEST),
        }
    }

    fn grid_point(&self, index: usize) -> f64 {
        self.log_ratio + STEP * (index as f64 - f64::from(REACH))
    }
}

impl Unit {
    fn new(pairs: &[&Pair], q: f64) -> Self {
        let arm = |values: fn(&Pair) -> &Latencies| {
            let mut all: Latencies = pairs
                .iter()
                .flat_map(|pair| values(pair))
                .filter(|(_, count)| *count > 0)
                .copied()
                .collect();
            all.sort_by(|a, b| b.0.total_cmp(&a.0));
            all.dedup_by(|next, kept| {
                let is_same = next.0.total_cmp(&kept.0).is_eq();
                kept.1 += if is_same { next.1 } else { 0 };
                is_same
            });
            all
        };
        let mut unit = Self {
            base: arm(|pair| &pair.base),
            candidate: arm(|pair| &pair.candidate),
            base_count: 0,
            candidate_count: 0,
        };
        unit.base_count = count(&unit.base);
        unit.candidate_count = count(&unit.candidate);
        // Whatever the ratio, no other latency can be among the slowest that score.
        let scored = unit.scored(q);
        for arm in [&mut unit.base, &mut unit.candidate] {
            let mut before = 0.0;
            arm.retain(|(_, count)| {
                let is_scored = before < scored;
                before += *count as f64;
                is_scored
            });
        }
        unit
    }

    /// The excess if the slowest are all the candidate's.
    fn most(&self, q: f64) -> f64 {
        let all = (self.base_count + self.candidate_count) as f64;
        0.5 * self.scored(q) * self.base_count as f64 / all
    }

    /// How many of its slowest latencies score.
    fn scored(&self, q: f64) -> f64 {
        2.0 * (1.0 - q) * (self.base_count + self.candidate_count) as f64
    }

    /// The candidate's excess of scores and its variance, with the candidate's latencies divided by `ratio`.
    fn scores(&self, q: f64, ratio: f64) -> (f64, f64) {
        let scored = self.scored(q);
        // Sum of the scores of all ranks from this one on.
        let from = |rank: f64| {
            let left = (scored - rank).max(0.0);
            left * left / (2.0 * scored)
        };
        // Plain loops: a verdict takes some hundred of these rankings for each quantile.
        let (mut base, mut candidate) = (self.base.as_slice(), self.candidate.as_slice());
        let (mut rank, mut of_candidate, mut squares) = (0.0, 0.0, 0.0);
        let sum = from(0.0);
        let mut left = sum;
        while rank < scored {
            let (mut theirs, mut ours) = (0, 0);
            let slowest_base = base.first().map_or(0.0, |(value, _)| *value);
            let slowest_candidate = candidate.first().map_or(0.0, |(value, _)| *value / ratio);
            if let [(_, count), rest @ ..] = base
                && slowest_base >= slowest_candidate
            {
                (theirs, base) = (*count, rest);
            }
            if let [(_, count), rest @ ..] = candidate
                && slowest_candidate >= slowest_base
            {
                (ours, candidate) = (*count, rest);
            }
            if theirs + ours == 0 {
                break;
            }
            // Equal latencies share the mean of their scores.
            let tied = (theirs + ours) as f64;
            rank += tied;
            let beyond = from(rank);
            let mean = (left - beyond) / tied;
            left = beyond;
            of_candidate += mean * ours as f64;
            squares += mean * mean * tied;
        }
        let (base, candidate) = (self.base_count as f64, self.candidate_count as f64);
        let all = base + candidate;
        let excess = of_candidate - sum * candidate / all;
        let variance = base * candidate / (all * (all - 1.0)) * (squares - sum * sum / all);
        (excess, variance.max(0.0))
    }
}

/// The weight of the prior that units vary as chance has it: the less, the more they vary. A prior that kept its weight would
/// fail 5 in 100 unchanged duets of five units that a neighbour disturbs, at a level of 1 %; this one 1.7.
fn prior_weight(between: f64) -> f64 {
    PRIOR_WEIGHT / between.max(1.0)
}

/// Merges adjacent pairs until each unit holds enough of the tail and both arms; a remainder joins the last unit.
fn units(pairs: &[Pair], q: f64) -> Vec<Unit> {
    let need = requests_per_unit(q, count_all(pairs)) - 1e-9;
    let mut units: Vec<Vec<&Pair>> = Vec::new();
    let (mut open, mut base, mut candidate) = (Vec::new(), 0, 0);
    for pair in pairs {
        open.push(pair);
        base += count(&pair.base);
        candidate += count(&pair.candidate);
        if (base + candidate) as f64 >= need && base > 0 && candidate > 0 {
            units.push(std::mem::take(&mut open));
            (base, candidate) = (0, 0);
        }
    }
    if let Some(last) = units.last_mut() {
        last.append(&mut open);
    }
    units.iter().map(|pairs| Unit::new(pairs, q)).collect()
}

fn count(latencies: &Latencies) -> u64 {
    latencies.iter().map(|(_, count)| count).sum()
}

fn count_all(pairs: &[Pair]) -> u64 {
    let each = pairs.iter().flat_map(|pair| [&pair.base, &pair.candidate]);
    each.map(count).sum()
}

/// Where `below` stops to hold between `low` and `high`.
fn bisect(mut low: f64, mut high: f64, halvings: u32, below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..halvings {
        let middle = 0.5 * (low + high);
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// A duet before it runs: what its tail-rank test of a quantile will find.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExpectedTailRank {
    /// Requests of each arm.
    pub per_arm: f64,
    /// The quantile.
    pub q: f64,
    /// How steeply the tail falls: `-d ln(1 - F) / d ln x` at the quantile.
    pub steepness: f64,
    /// Length of a slice in seconds; 0 if the arms are mixed.
    pub slice_s: f64,
    /// Units of the test.
    pub units: usize,
}

impl ExpectedTailRank {
    /// The true log-ratio that a test of level `alpha` against `null` will find with 90 % probability.
    pub fn detectable(self, null: f64, alpha: f64, process: ProcessEffect) -> f64 {
        let tail = 1.0 - self.q;
        let dispersion =
            1.0 + 2.0 * self.per_arm * tail / 200.0 * libm::pow(self.slice_s / 5.0, 0.75);
        let variance = dispersion * 2.0 / self.per_arm * (2.0 / 3.0 - tail) / tail;
        let standard_error = libm::sqrt(variance) / self.steepness;
        let prior = prior_weight(dispersion);
        let distribution = Distribution::StudentT(prior + self.units as f64 - 1.0);
        null + process.needed(distribution, alpha, standard_error) * standard_error
    }
}

/// How steeply the tail falls at a quantile, from the three quantiles of a baseline.
pub fn steepness([p50, p95, p99]: [f64; 3], q: f64) -> f64 {
    let far = libm::log(5.0) / libm::log(p99 / p95);
    if q > 0.97 {
        far
    } else {
        0.5 * (far + libm::log(10.0) / libm::log(p95 / p50))
    }
}

/// The same of a service that is not known yet: that of a lognormal latency with a standard deviation of 0.4.
pub fn usual_steepness(q: f64) -> f64 {
    if q > 0.97 { 5.9 } else { 4.7 }
}

#[cfg(test)]
mod tests;
