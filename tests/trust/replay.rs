//! Real duets, as `benches/trust/soak.py` kept them: what they came to, what the rules in use say of the same numbers,
//! and what the pairs of unchanged ones say of the constants of the rule.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};

use flate2::read::MultiGzDecoder;
use loadgate::baseline::{Matching, Mismatch};
use loadgate::measurement::Arm;
use loadgate::plan::phase_names;
use loadgate::record::RunRecord;
use loadgate::thresholds::{Names, parse};
use loadgate::verdict::{JudgeInput, Outcome, judge};
use serde::Deserialize;

use super::rules::{BEFORE, RULES, pooled, three_sigma};
use super::trials::{Counts, Trial, lower, upper};

/// One line of the file.
#[derive(Deserialize)]
struct Line {
    world: String,
    metric: String,
    exit: i32,
    record: Option<RunRecord>,
}

/// What the duets of one world came to.
#[derive(Default)]
struct World {
    /// As the gate itself exited.
    gate: Counts,
    /// The same records judged again: how many got another verdict.
    judged_otherwise: u64,
    /// By rule in use, its alarms; three sigma last.
    alarms: [u64; 4],
    /// Duets that three sigma had enough before them for.
    after_ten: u64,
    /// P95 of the base of each duet, in seconds.
    bases: Vec<f64>,
    /// By duet, the logarithms of each pair's ratio of P95.
    pairs: Vec<Vec<f64>>,
}

/// The tables of a file, or why it cannot be read.
pub(crate) fn tables(path: &str) -> Result<String, String> {
    let file = File::open(path).map_err(|error| format!("{path}: {error}"))?;
    let mut worlds: BTreeMap<String, World> = BTreeMap::new();
    for (number, line) in BufReader::new(MultiGzDecoder::new(file))
        .lines()
        .enumerate()
    {
        let line = line.map_err(|error| format!("{path}: {error}"))?;
        let line: Line = serde_json::from_str(&line)
            .map_err(|error| format!("{path}:{}: {error}", number + 1))?;
        worlds.entry(line.world.clone()).or_default().add(&line);
    }
    let mut tables = outcomes(&worlds);
    tables.extend(rules(&worlds));
    let unchanged = worlds.iter();
    for (name, world) in unchanged.filter(|(name, _)| name.starts_with("unchanged")) {
        tables.extend(calibration(name, &world.pairs));
    }
    Ok(tables.join("\n"))
}

impl World {
    fn add(&mut self, line: &Line) {
        let outcome = match line.exit {
            0 => Outcome::Passed,
            1 => Outcome::Failed,
            4 => Outcome::Inconclusive,
            _ => Outcome::Invalid,
        };
        self.gate.add(Trial::of(outcome));
        let Some(record) = &line.record else { return };
        self.judged_otherwise += u64::from(judged(record, &line.metric) != outcome);
        let (before, now) = (pooled(record, Arm::Base), pooled(record, Arm::Target));
        for (alarms, (rule, _)) in self.alarms.iter_mut().zip(RULES) {
            *alarms += u64::from(rule.alarms(&before, &now));
        }
        let p95 = |latencies: &loadgate::measurement::LatencyHistogram| {
            latencies.quantile(0.95).unwrap_or_default()
        };
        if self.bases.len() >= BEFORE {
            let last = &self.bases[self.bases.len() - BEFORE..];
            self.alarms[3] += u64::from(three_sigma(last, p95(&now)));
            self.after_ten += 1;
        }
        self.bases.push(p95(&before));
        self.pairs.push(log_ratios(record));
    }
}

/// The production verdict of a stored record.
fn judged(record: &RunRecord, metric: &str) -> Outcome {
    let text = format!(
        "limits: {{ overall: {{ error_rate: off }} }}\nregression: {{ gate: [{metric}, error_rate] }}\n"
    );
    let phases = phase_names(&record.phases);
    let names = Names {
        requests: &record.requests,
        phases: &phases,
        cold_start: record.marks_cold_starts(),
        aws: record.aws.is_some(),
    };
    let Ok(thresholds) = parse("thresholds.yml", &text, &names) else {
        return Outcome::Invalid;
    };
    let case = JudgeInput {
        thresholds: &thresholds,
        candidates: std::slice::from_ref(record),
        matching: Matching::None(Mismatch::NoBaseline),
        anchor: None,
    };
    judge(&case).outcome
}

fn log_ratios(record: &RunRecord) -> Vec<f64> {
    let mut arms: BTreeMap<u32, [Option<f64>; 2]> = BTreeMap::new();
    for slice in &record.slices {
        let Some(pair) = slice.pair else { continue };
        let p95 = slice.cell(None).latencies().quantile(0.95);
        arms.entry(pair).or_default()[usize::from(slice.arm == Arm::Base)] = p95.map(libm::log);
    }
    arms.into_values()
        .filter_map(|[now, base]| Some(now? - base?))
        .collect()
}

fn outcomes(worlds: &BTreeMap<String, World>) -> Vec<String> {
    let mut lines = vec![
        "| world | duets | failed [95 %] | passed | inconclusive | invalid | judged otherwise from the file |"
            .to_owned(),
        "|---|--:|--:|--:|--:|--:|--:|".to_owned(),
    ];
    lines.extend(worlds.iter().map(|(name, world)| {
        let Counts {
            passed,
            failed,
            inconclusive,
            invalid,
            used: _,
        } = world.gate;
        let of = world.gate.all();
        format!(
            "| {name} | {of} | {failed} [{:.1} %, {:.1} %] | {passed} | {inconclusive} | {invalid} | {} |",
            100.0 * lower(failed, of, 0.025),
            100.0 * upper(failed, of, 0.025),
            world.judged_otherwise,
        )
    }));
    lines
}

fn rules(worlds: &BTreeMap<String, World>) -> Vec<String> {
    let names = RULES.map(|(_, name)| name).join(" | ");
    let mut lines = vec![
        String::new(),
        format!(
            "| alarms on the same duets | loadgate | {names} | three sigma of the ten before |"
        ),
        "|---|--:|--:|--:|--:|--:|".to_owned(),
    ];
    lines.extend(worlds.iter().map(|(name, world)| {
        let judged = world.pairs.len() as u64;
        let of = |alarms: u64, of: u64| format!("{alarms} of {of}");
        format!(
            "| {name} | {} | {} | {} | {} | {} |",
            of(world.gate.failed, world.gate.all()),
            of(world.alarms[0], judged),
            of(world.alarms[1], judged),
            of(world.alarms[2], judged),
            of(world.alarms[3], world.after_ten),
        )
    }));
    lines
}

/// The prior that the pairs speak for: Smyth's fit of a scaled F to the variances of the duets (2004, section 6.2).
fn calibration(name: &str, duets: &[Vec<f64>]) -> Vec<String> {
    let variances: Vec<(f64, f64)> = duets
        .iter()
        .filter(|pairs| pairs.len() > 2)
        .map(|pairs| {
            let mean = pairs.iter().sum::<f64>() / pairs.len() as f64;
            let squares: f64 = pairs.iter().map(|x| (x - mean) * (x - mean)).sum();
            let df = pairs.len() as f64 - 1.0;
            (squares / df, df)
        })
        .filter(|(variance, _)| *variance > 0.0)
        .collect();
    if variances.len() < 3 {
        return Vec::new();
    }
    let count = variances.len() as f64;
    let logs: Vec<f64> = variances
        .iter()
        .map(|(variance, df)| libm::log(*variance) - digamma(df / 2.0) + libm::log(df / 2.0))
        .collect();
    let mean = logs.iter().sum::<f64>() / count;
    let spread = logs.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (count - 1.0);
    let own = variances
        .iter()
        .map(|(_, df)| trigamma(df / 2.0))
        .sum::<f64>()
        / count;
    let mut deviations: Vec<f64> = variances
        .iter()
        .map(|(variance, _)| libm::sqrt(*variance))
        .collect();
    deviations.sort_by(f64::total_cmp);
    let at = |share: usize| 100.0 * deviations[(deviations.len() - 1) * share / 100];
    let noise = format!(
        "\n{name}: a pair's log-ratio of P95 varies by {:.1} % in the median duet, {:.1} % in one of ten, {:.1} % in nine of \
         ten.",
        at(50),
        at(10),
        at(90)
    );
    let prior = if spread <= own {
        format!(
            "The duets vary no more than their pairs explain: d0 is without bound, s0 {:.1} %.",
            100.0 * libm::sqrt(libm::exp(mean))
        )
    } else {
        let half = inverse_trigamma(spread - own);
        let s0 = libm::sqrt(libm::exp(mean + digamma(half) - libm::log(half)));
        format!(
            "They speak for d0 = {:.1} and s0 = {:.1} %; the rule has d0 = 4 and s0 = 6 %.",
            2.0 * half,
            100.0 * s0
        )
    };
    vec![noise, prior]
}

/// By recurrence into the range of the asymptotic series.
pub(crate) fn digamma(x: f64) -> f64 {
    let (mut x, mut sum) = (x, 0.0);
    while x < 8.0 {
        sum -= 1.0 / x;
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    sum + libm::log(x) - 0.5 / x - y * (1.0 / 12.0 - y * (1.0 / 120.0 - y / 252.0))
}

pub(crate) fn trigamma(x: f64) -> f64 {
    let (mut x, mut sum) = (x, 0.0);
    while x < 8.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    sum + 1.0 / x + 0.5 * y + y / x * (1.0 / 6.0 - y * (1.0 / 30.0 - y / 42.0))
}

/// It falls from infinity to nothing.
pub(crate) fn inverse_trigamma(value: f64) -> f64 {
    let (mut low, mut high) = (1e-6, 1e6);
    for _ in 0..200 {
        let middle = libm::sqrt(low * high);
        if trigamma(middle) > value {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}
