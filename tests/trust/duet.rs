//! One duet of a synthetic world in continuous time, judged as a real one would be: look by look.
//!
//! What disturbs a machine passes in its own time, so that finely interleaved arms meet it alike: slowly (20 s), quickly
//! (1.5 s), in bursts (2.5 s) and from request to request (0.5 s). Each arm is a process of its own that is faster or
//! slower by chance.

use loadgate::baseline::{Matching, Mismatch};
use loadgate::measurement::{Arm, LatencyHistogram};
use loadgate::record::{LOOKS, RequestRecord, SliceRecord};
use loadgate::thresholds::Thresholds;
use loadgate::verdict::{JudgeInput, Outcome, judge};

use super::noise::{Draw, MEDIAN_US, Memory, Regime, Shape, own_quantile};
use super::trials::Trial;
use super::world::{cell, duet_record, slice};

/// Length of what is drawn as one disturbance, in seconds.
const TICK_S: f64 = 0.1;
/// How long disturbances last, in seconds.
const SLOW_S: f64 = 20.0;
const QUICK_S: f64 = 1.5;
const BURST_S: f64 = 2.5;
const MEMORY_S: f64 = 0.5;
/// Share of cache misses about a P95, which makes it jump.
const MISSES: f64 = 0.055;
/// How late a late generator is: more than any verdict allows, in seconds.
const LATE_S: f64 = 1.0;

/// How the arms share the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Interleaving {
    /// Slices of so many seconds.
    Turns(f64),
    Mixed,
}

/// What differs over the time of a run, beside noise: a factor on every latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    Steady,
    /// It grows by 40 % from beginning to end.
    Ramp,
    /// A neighbour comes at a random time and costs 40 % from then on.
    Step,
    /// It swings by 40 % and back.
    Drift,
}

/// How errors come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Errors {
    None,
    /// Each request by itself.
    Independent(f64),
    /// At a rate that varies from slice to slice as much as it is.
    Clustered(f64),
    /// A few, and in one of twenty slices 1 % more.
    Bursts(f64),
}

/// A change of the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Change {
    /// Factor on latencies.
    pub(crate) factor: f64,
    /// The slowest share that it is about.
    pub(crate) slowest: f64,
}

impl Change {
    pub(crate) const NONE: Self = Self {
        factor: 1.0,
        slowest: 1.0,
    };
}

/// A duet in a synthetic world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Duet {
    pub(crate) regime: Regime,
    pub(crate) memory: Memory,
    pub(crate) shape: Shape,
    pub(crate) interleaving: Interleaving,
    /// Planned length of the load on both arms, in seconds.
    pub(crate) seconds: f64,
    /// Planned requests of each name, of both arms together.
    pub(crate) requests: usize,
    pub(crate) names: usize,
    /// Whether it may end early.
    pub(crate) early: bool,
    /// Whether two starts of a version differ.
    pub(crate) instances: bool,
    pub(crate) course: Course,
    /// Of the target, for its first name.
    pub(crate) change: Change,
    /// Of base and target.
    pub(crate) errors: (Errors, Errors),
    /// Share of the pairs in which the generator was late.
    pub(crate) late: f64,
    /// Mean share of cache misses, of a bimodal shape.
    pub(crate) misses: f64,
}

impl Duet {
    /// Unchanged, mixed, one name with 3,000 requests in the usual time.
    pub(crate) fn of(regime: Regime) -> Self {
        Self {
            regime,
            memory: Memory::Weak,
            shape: Shape::Usual,
            interleaving: Interleaving::Mixed,
            seconds: 150.0,
            requests: 3_000,
            names: 1,
            early: true,
            instances: true,
            course: Course::Steady,
            change: Change::NONE,
            errors: (Errors::None, Errors::None),
            late: 0.0,
            misses: MISSES,
        }
    }

    /// The same with all latencies slower.
    pub(crate) fn slower(self, factor: f64) -> Self {
        let change = Change {
            factor,
            ..Change::NONE
        };
        Self { change, ..self }
    }

    /// Pairs in all, and the length of one in seconds.
    fn pairs(&self) -> (usize, f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few hundred"
        )]
        let pairs = match self.interleaving {
            Interleaving::Turns(slice_s) => (self.seconds / (2.0 * slice_s)).round() as usize,
            Interleaving::Mixed => (self.seconds.round() as usize).min(60),
        };
        (pairs, self.seconds / pairs as f64)
    }

    /// What the gate comes to, and the share of the planned load that it took.
    pub(crate) fn trial(&self, thresholds: &Thresholds, seed: u64) -> Trial {
        let mut draw = Draw::new(seed);
        let (pairs, length_s) = self.pairs();
        let looks = if self.early { LOOKS } else { 1 };
        let mut run = duet_record(self.names, self.interleaving, pairs, 0.5 * length_s, looks);
        let mut world = World::new(self, &mut draw);
        let mut trial = Trial::of(Outcome::Invalid);
        let mut done = 0;
        for look in 1..=looks {
            let by_now = pairs * look as usize / looks as usize;
            for pair in done..by_now {
                run.slices.extend(world.pair(&mut draw, pair, length_s));
            }
            done = by_now;
            if let Some(duet) = &mut run.duet {
                duet.look = self.early.then_some(look);
            }
            let verdict = judge(&JudgeInput {
                thresholds,
                candidates: std::slice::from_ref(&run),
                matching: Matching::None(Mismatch::NoBaseline),
                anchor: None,
            });
            trial = Trial {
                outcome: verdict.outcome,
                used: done as f64 / pairs as f64,
            };
            if verdict.settled {
                break;
            }
        }
        trial
    }
}

/// What stays the same through a run.
struct World<'d> {
    duet: &'d Duet,
    instances: [f64; 2],
    /// By tick, what disturbs both arms.
    shared: Vec<f64>,
    /// Share of cache misses.
    misses: f64,
}

impl<'d> World<'d> {
    fn new(duet: &'d Duet, draw: &mut Draw) -> Self {
        let instance = if duet.instances {
            duet.regime.instance
        } else {
            0.0
        };
        let instances = [(); 2].map(|()| instance * draw.normal());
        let step = draw.uniform();
        let misses = duet.misses + 0.006 * draw.normal();
        let course = |at: f64| {
            let factor = match duet.course {
                Course::Step if at > step => 0.4,
                Course::Steady | Course::Step => 0.0,
                Course::Ramp => 0.4 * at,
                Course::Drift => 0.4 * libm::sin(std::f64::consts::PI * at),
            };
            libm::log1p(factor)
        };
        let regime = duet.regime;
        let job = regime.job * draw.normal();
        let mut slow = Wander::new(regime.minute, SLOW_S, draw);
        let mut quick = Wander::new(regime.slice, QUICK_S, draw);
        let mut memory = Wander::new(duet.memory.spread(), MEMORY_S, draw);
        let (mut burst, mut burst_ends) = (0.0, 0.0);
        let mut shared = Vec::new();
        let mut now = 0.0;
        while now < duet.seconds {
            if draw.uniform() < regime.burst.0 * TICK_S / BURST_S {
                burst = draw.exponential(regime.burst.1);
                burst_ends = now + BURST_S;
            }
            let bursting = if now < burst_ends { burst } else { 0.0 };
            let wandering = slow.next(draw) + quick.next(draw) + memory.next(draw);
            shared.push(job + wandering + bursting + course(now / duet.seconds));
            now += TICK_S;
        }
        Self {
            duet,
            instances,
            shared,
            misses,
        }
    }

    /// The two slices of a pair; in turns in random order.
    fn pair(&mut self, draw: &mut Draw, pair: usize, pair_s: f64) -> Vec<SliceRecord> {
        let mut arms = [Arm::Target, Arm::Base];
        if draw.uniform() < 0.5 {
            arms.reverse();
        }
        let start = pair as f64 * pair_s;
        let places = match self.duet.interleaving {
            Interleaving::Turns(slice_s) => [(start, slice_s), (start + slice_s, slice_s)],
            Interleaving::Mixed => [(start, pair_s); 2],
        };
        let is_late = self.duet.late > 0.0 && draw.uniform() < self.duet.late;
        let slices = arms.into_iter().zip(places);
        slices
            .map(|(arm, place)| {
                let cells = (0..self.duet.names)
                    .map(|name| self.cell(draw, (arm, name), place, pair))
                    .collect();
                let mut slice = slice(arm, u32::try_from(pair).ok(), place, cells);
                if is_late {
                    slice.late_p99_s = LATE_S;
                }
                slice
            })
            .collect()
    }

    /// The requests of one name in one slice.
    fn cell(
        &self,
        draw: &mut Draw,
        (arm, name): (Arm, usize),
        (start, length): (f64, f64),
        pair: usize,
    ) -> RequestRecord {
        let duet = self.duet;
        let (pairs, _) = duet.pairs();
        // So many that they add up, whatever the number of pairs.
        let until = |pair: usize| duet.requests * pair / (2 * pairs);
        let requests = until(pair + 1) - until(pair);
        let (instance, errors) = match arm {
            Arm::Target => (self.instances[0], duet.errors.1),
            Arm::Base => (self.instances[1], duet.errors.0),
        };
        let change = match arm {
            Arm::Target if name == 0 => duet.change,
            Arm::Target | Arm::Base => Change::NONE,
        };
        let failures = failures(draw, errors, requests as u64);
        let mut latencies = LatencyHistogram::new();
        for _ in failures..requests as u64 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a place in the run"
            )]
            let tick = ((start + length * draw.uniform()) / TICK_S) as usize;
            let shared = self.shared[tick.min(self.shared.len() - 1)];
            let own = duet.shape.own(draw, self.misses);
            let slower = if own >= own_quantile(1.0 - change.slowest) {
                change.factor
            } else {
                1.0
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the histogram keeps within its bounds"
            )]
            let micros = (MEDIAN_US * slower * libm::exp(shared + instance + own)) as u64;
            latencies.record_micros(micros);
        }
        cell(name, latencies, failures)
    }
}

fn failures(draw: &mut Draw, errors: Errors, of: u64) -> u64 {
    match errors {
        Errors::None => 0,
        Errors::Independent(share) => draw.binomial(of, share),
        Errors::Clustered(share) => {
            let own = draw.exponential(share);
            draw.binomial(of, own.min(1.0))
        }
        Errors::Bursts(share) => {
            let more = if draw.uniform() < 0.05 { 0.01 } else { 0.0 };
            draw.binomial(of, share + more)
        }
    }
}

/// A disturbance that comes and goes: Ornstein and Uhlenbeck's process, tick by tick.
struct Wander {
    keeps: f64,
    step: f64,
    at: f64,
}

impl Wander {
    fn new(sd: f64, lasts_s: f64, draw: &mut Draw) -> Self {
        let keeps = libm::exp(-TICK_S / lasts_s);
        Self {
            keeps,
            step: sd * libm::sqrt(1.0 - keeps * keeps),
            at: sd * draw.normal(),
        }
    }

    fn next(&mut self, draw: &mut Draw) -> f64 {
        self.at = self.keeps * self.at + self.step * draw.normal();
        self.at
    }
}
