//! The rules in use, on the same numbers as ours: what others alarm on, and how often.

use loadgate::measurement::{Arm, LatencyHistogram};
use loadgate::record::RunRecord;
use loadgate::verdict::Outcome;

use super::duet::Duet;
use super::noise::{Draw, HOSTED, Memory, NOISY, Pool, QUIET, Regime};
use super::trials::{Counts, Trial, trials};
use super::world::{History, promises};

/// A rule that compares requests now with requests before, without a model of what varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// P95 grew by more than a tenth.
    Tenth,
    /// Mann-Whitney's test over single requests at 1 %, one-sided.
    MannWhitney,
    /// Mean, P90 or P99 grew by more than 1 %, as rlt has it.
    Flat,
}

pub(crate) const RULES: [(Rule, &str); 3] = [
    (Rule::Tenth, "P95 +10 %"),
    (Rule::MannWhitney, "Mann-Whitney over requests, 1 %"),
    (Rule::Flat, "mean, P90 or P99 +1 % (flat threshold)"),
];

/// Runs before, of which three sigma is taken.
pub(crate) const BEFORE: usize = 10;

impl Rule {
    pub(crate) fn alarms(self, before: &LatencyHistogram, now: &LatencyHistogram) -> bool {
        let grew = |value: &dyn Fn(&LatencyHistogram) -> Option<f64>, by: f64| matches!((value(before), value(now)), (Some(before), Some(now)) if now > before * (1.0 + by));
        match self {
            Self::Tenth => grew(&|all| all.quantile(0.95), 0.10),
            Self::MannWhitney => slower_by_ranks(before, now) < 0.01,
            Self::Flat => {
                grew(&LatencyHistogram::mean, 0.01)
                    || grew(&|all| all.quantile(0.90), 0.01)
                    || grew(&|all| all.quantile(0.99), 0.01)
            }
        }
    }
}

/// Whether P95 now lies beyond three standard deviations of what it was.
pub(crate) fn three_sigma(before: &[f64], now: f64) -> bool {
    let count = before.len() as f64;
    let mean = before.iter().sum::<f64>() / count;
    let squares: f64 = before.iter().map(|x| (x - mean) * (x - mean)).sum();
    now > mean + 3.0 * libm::sqrt(squares / (count - 1.0))
}

/// Probability of ranks as high or higher where nothing changed: the normal approximation, with its correction for ties.
pub(crate) fn slower_by_ranks(before: &LatencyHistogram, now: &LatencyHistogram) -> f64 {
    let (m, n) = (before.count() as f64, now.count() as f64);
    let mut values: Vec<(u64, f64, f64)> = Vec::new();
    values.extend(
        before
            .counts()
            .into_iter()
            .map(|(value, count)| (value, count as f64, 0.0)),
    );
    values.extend(
        now.counts()
            .into_iter()
            .map(|(value, count)| (value, 0.0, count as f64)),
    );
    values.sort_by_key(|(value, ..)| *value);
    let (mut below, mut rank_sum, mut ties) = (0.0, 0.0, 0.0);
    for same in values.chunk_by(|a, b| a.0 == b.0) {
        let theirs: f64 = same.iter().map(|value| value.1).sum();
        let ours: f64 = same.iter().map(|value| value.2).sum();
        let here = theirs + ours;
        rank_sum += ours * (below + 0.5 * (here + 1.0));
        ties += here * (here * here - 1.0);
        below += here;
    }
    let all = m + n;
    let wins = rank_sum - 0.5 * n * (n + 1.0);
    let variance = m * n / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    let z = (wins - 0.5 * m * n) / libm::sqrt(variance);
    0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
}

/// All requests of one arm.
pub(crate) fn pooled(record: &RunRecord, arm: Arm) -> LatencyHistogram {
    let slices = |slice: &loadgate::record::SliceRecord| {
        slice.arm == arm && record.phases[slice.phase].measured
    };
    record.pooled(None, slices).latencies()
}

fn alarm(is_one: bool) -> Trial {
    Trial::of(if is_one {
        Outcome::Failed
    } else {
        Outcome::Passed
    })
}

/// The table of false alarms and catches on synthetic machines, one run against one run (three sigma: against ten).
pub(crate) fn simulated(count: u64) -> String {
    let pool = Pool::new(Memory::Weak);
    let mut lines = vec![
        "| alarms in % at 0 / +10 / +20 / +50 % | quiet | hosted | noisy |".to_owned(),
        "|---|--:|--:|--:|".to_owned(),
    ];
    let mut row = |name: &str, counts: &dyn Fn(Regime, f64) -> Counts| {
        let cells = [QUIET, HOSTED, NOISY].map(|regime| {
            let shares =
                [1.0, 1.1, 1.2, 1.5].map(|slower| 100.0 * counts(regime, slower).share_failed());
            shares.map(|share| format!("{share:.1}")).join(" / ")
        });
        lines.push(format!("| {name} | {} |", cells.join(" | ")));
    };
    let machine = |regime| History {
        regime,
        names: 1,
        jobs: BEFORE,
        candidates: 1,
        slower: 1.0,
        reference: None,
    };
    for (rule, name) in RULES {
        row(name, &|regime, slower| {
            trials(count, |seed| {
                let mut draw = Draw::new(seed);
                let [before, now] = [1.0, slower].map(|factor| {
                    let run = machine(regime).run(&pool, &mut draw, factor);
                    pooled(&run, Arm::Target)
                });
                alarm(rule.alarms(&before, &now))
            })
        });
    }
    row("three sigma of ten runs' P95", &|regime, slower| {
        trials(count, |seed| {
            let mut draw = Draw::new(seed);
            let mut p95 = |factor| {
                let run = machine(regime).run(&pool, &mut draw, factor);
                pooled(&run, Arm::Target).quantile(0.95).unwrap_or_default()
            };
            let before: Vec<f64> = (0..BEFORE).map(|_| p95(1.0)).collect();
            alarm(three_sigma(&before, p95(slower)))
        })
    });
    let thresholds = promises("limits: { overall: { error_rate: off } }", 1);
    row("loadgate, history of ten jobs", &|regime, slower| {
        let history = History {
            slower,
            ..machine(regime)
        };
        trials(count, |seed| {
            Trial::of(history.outcome(&thresholds, &pool, seed))
        })
    });
    row("loadgate, duet", &|regime, slower| {
        let duet = Duet::of(regime).slower(slower);
        trials(count, |seed| duet.trial(&thresholds, seed))
    });
    lines.join("\n")
}
