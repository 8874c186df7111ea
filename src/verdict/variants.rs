//! Results that differ in one label, such as a memory size: how fast and how dear each is, and which of them another
//! beats.
//!
//! The unit is the slice, so that an interval says how a run varied within itself, and nothing of another day.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::EstimatedChange;
use super::check::INTERVAL_TAIL;
use super::evidence::{pooled, prior_sd};
use super::statistics::Estimate;
use crate::baseline::PhaseScope;
use crate::measurement::Arm;
use crate::metric::{Metric, StartFilter};
use crate::record::{
    Aggregate, AwsFigures, CostRecord, DropCount, FunctionRecord, ReportsRecord, RunRecord,
    SliceFilter, log_units, needed_in_all,
};
use crate::units::six_digits;

/// The share of failed requests from which on latency and cost are of what is left: the default limit of the error
/// rate.
const FAILING: f64 = 0.01;

/// One result beside others.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// The value of the label.
    pub label: String,
    /// Median latency in seconds.
    pub p50: Option<Figure>,
    /// 95th percentile of the latency in seconds.
    pub p95: Option<Figure>,
    /// Median latency of cold starts in seconds.
    pub cold_p50: Option<Figure>,
    /// Memory in MB of the function that is nearest to its size: the most that it used, and its size.
    pub memory: Option<(u64, u64)>,
    /// Billed time of an invocation in seconds.
    pub billed: Option<Figure>,
    /// Dollars for a million requests.
    pub cost: Option<Figure>,
    /// Date of the prices.
    pub prices_of: Option<String>,
    /// Whether another one is surely faster or cheaper and not surely the contrary of the other; none if that is not
    /// known.
    pub is_beaten: Option<bool>,
    /// What is missing, or is not to be relied on.
    pub gaps: Vec<Gap>,
}

/// A positive number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The number.
    pub value: f64,
    /// Its logarithm with its uncertainty; none if the run has too little for it.
    estimate: Option<Estimate>,
    units: usize,
}

/// Why a figure is missing, has no interval, or is not to be relied on.
#[derive(Clone, Debug, PartialEq)]
pub enum Gap {
    /// So large a share of its requests failed that its figures are of what is left.
    Failing(f64),
    /// The generator was late in too many slices or pairs.
    Late(DropCount),
    /// Too few requests for an interval of this percentile.
    TooFew(Metric),
    /// It saw no cold start.
    NoColdStart,
    /// Nothing was fetched from AWS.
    NotFetched,
    /// Figures of AWS are of both versions of a duet.
    TwoVersions,
    /// So many requests of others are in the figures of AWS.
    Others(u64),
    /// Figures of AWS are not whole.
    Incomplete,
    /// No function has a REPORT line.
    NoLines,
    /// AWS could not say what it cost; the first reason of those that are known.
    NoCost(Option<String>),
    /// Too few slices for an interval of billed time and cost.
    TooFewSlices,
}

impl Figure {
    fn new(value: f64, estimate: Option<Estimate>, units: usize) -> Option<Self> {
        let figure = Self {
            value: six_digits(value),
            estimate,
            units,
        };
        // A stored result may say anything.
        (value.is_finite() && value > 0.0).then_some(figure)
    }

    /// Its 95 % interval.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let estimate = self.estimate?;
        let bound = |log| six_digits(libm::exp(log));
        Some((
            bound(estimate.lower(INTERVAL_TAIL)),
            bound(estimate.upper(INTERVAL_TAIL)),
        ))
    }

    /// The change from another one; none if either has no interval.
    pub fn change_from(&self, before: &Self) -> Option<EstimatedChange> {
        let terms = [(1.0, self.estimate?), (-1.0, before.estimate?)];
        let change = Estimate::combined(&terms)?;
        let units = self.units + before.units;
        Some(EstimatedChange::from_log_ratio(change, 0.0, units))
    }
}

/// Puts results with their value of a label beside each other: by number if every value is one, else in their order.
pub fn variants(runs: &[(&str, &RunRecord)]) -> Vec<Variant> {
    let mut all: Vec<Variant> = runs
        .iter()
        .map(|(label, record)| Variant::new(label, record))
        .collect();
    let number = |label: &str| label.parse::<f64>().ok().filter(|it| it.is_finite());
    if all.iter().all(|one| number(&one.label).is_some()) {
        all.sort_by(|a, b| {
            let [a, b] = [a, b].map(|one| number(&one.label).unwrap_or_default());
            a.total_cmp(&b)
        });
    }
    let beaten = all.iter().enumerate().map(|(index, one)| {
        let others = all.iter().enumerate().filter(|(other, _)| *other != index);
        one.is_beaten_by_any(others.map(|(_, other)| other))
    });
    let beaten: Vec<Option<bool>> = beaten.collect();
    for (one, is_beaten) in all.iter_mut().zip(beaten) {
        one.is_beaten = is_beaten;
    }
    all
}

/// Whether a change is surely one: less, more, or neither for certain.
pub fn direction(change: &EstimatedChange) -> Ordering {
    if change.upper < 0.0 {
        Ordering::Less
    } else if change.lower > 0.0 {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}

impl Variant {
    fn new(label: &str, record: &RunRecord) -> Self {
        let mut variant = Self {
            label: label.to_owned(),
            p50: None,
            p95: None,
            cold_p50: None,
            memory: None,
            billed: None,
            cost: None,
            prices_of: None,
            is_beaten: None,
            gaps: Vec::new(),
        };
        variant.add_latencies(record);
        match aws_figures(record) {
            Ok(figures) => variant.add_aws(figures),
            Err(gap) => variant.gaps.push(gap),
        }
        variant
    }

    /// Whether its figures can be relied on: of a run that fails they are of what is left.
    pub fn is_sound(&self) -> bool {
        !self.gaps.iter().any(|gap| matches!(gap, Gap::Failing(_)))
    }

    fn add_latencies(&mut self, record: &RunRecord) {
        let filter = SliceFilter::new(record, || None);
        if let Some(late) = filter.too_many() {
            self.gaps.push(Gap::Late(late));
            return;
        }
        let measured = record.phases.iter().enumerate();
        let measured = measured.filter(|(_, phase)| phase.is_measured_load());
        let measured = measured.map(|(phase, _)| filter.units(record, phase, Arm::Target, None));
        let measured: Vec<Vec<[Aggregate; 1]>> = measured.collect();
        let failing = pooled(measured.iter().flatten().flatten(), Metric::ErrorRate);
        let failing = failing.filter(|share| *share >= FAILING);
        self.gaps.extend(failing.map(Gap::Failing));
        // Few phases have enough cold starts by themselves, and how long they take hardly depends on the load.
        let in_one = [measured.concat()];
        let steady = PhaseScope::Steady.samples(record, &filter, None);
        let phases = if steady.is_empty() { measured } else { steady };
        let metrics = [Metric::P50, Metric::P95, Metric::ColdP50];
        let [p50, p95, cold] = metrics.map(|metric| {
            let is_cold = metric.starts() == StartFilter::Cold;
            let figure = latency(if is_cold { &in_one } else { &phases }, metric);
            match figure {
                None if is_cold => self.gaps.push(Gap::NoColdStart),
                Some(figure) if figure.estimate.is_some() => {}
                None | Some(_) => self.gaps.push(Gap::TooFew(metric)),
            }
            figure
        });
        (self.p50, self.p95, self.cold_p50) = (p50, p95, cold);
    }

    fn add_aws(&mut self, figures: &AwsFigures) {
        let reports = figures.functions.iter();
        let reports = reports.filter_map(|function| function.reports.as_ref());
        let used = reports.filter_map(|own| own.memory_used_mb.zip(own.memory_mb));
        let share = |(used, of): &(u64, u64)| *used as f64 / *of as f64;
        let used = used.filter(|(_, of)| *of > 0);
        self.memory = used.max_by(|a, b| share(a).total_cmp(&share(b)));
        self.billed = mean(&figures.functions, |_| 1.0);
        match &self.billed {
            None => self.gaps.push(Gap::NoLines),
            Some(billed) if billed.estimate.is_none() => self.gaps.push(Gap::TooFewSlices),
            Some(_) => {}
        }
        let record = figures.cost.as_ref();
        self.cost = record.and_then(|record| cost(record, &figures.functions));
        self.prices_of = self.cost.and(record).map(|record| record.prices_of.clone());
        if self.cost.is_none() {
            let reason = figures.missing.first().cloned();
            self.gaps.push(Gap::NoCost(reason));
        }
    }

    /// Its P95 and cost against those of another one; none if either has no interval or is not sound.
    fn against(&self, other: &Self) -> Option<[Ordering; 2]> {
        let change = |of: fn(&Self) -> Option<Figure>| of(self)?.change_from(&of(other)?);
        let (faster, cheaper) = (change(|one| one.p95)?, change(|one| one.cost)?);
        let is_sound = self.is_sound() && other.is_sound();
        is_sound.then(|| [faster, cheaper].map(|change| direction(&change)))
    }

    /// Whether any of the others beats it; none if there is none to compare it with.
    fn is_beaten_by_any<'v>(&self, others: impl Iterator<Item = &'v Self>) -> Option<bool> {
        let changes = others.filter_map(|other| other.against(self));
        let beats = changes.map(|changes| {
            changes.contains(&Ordering::Less) && !changes.contains(&Ordering::Greater)
        });
        beats.reduce(|one, other| one || other)
    }
}

/// A percentile over phases, each given as its slices in order: its mean over phases, each of which weighs the same.
/// Without an interval it is that of all requests together.
fn latency(phases: &[Vec<[Aggregate; 1]>], metric: Metric) -> Option<Figure> {
    let samples = || phases.iter().flatten().flatten();
    let sent = phases
        .iter()
        .filter(|phase| phase.iter().any(|[sample]| sample.requests > 0));
    let units = sent.map(|phase| {
        let units = log_units(phase, metric);
        units.iter().map(|[log]| *log).collect()
    });
    let units: Vec<Vec<f64>> = units.collect();
    let part = 1.0 / units.len() as f64;
    let terms = units
        .iter()
        .map(|logs| Some((part, Estimate::from_pairs(logs, prior_sd(metric))?)));
    let terms: Option<Vec<(f64, Estimate)>> = terms.collect();
    let estimate = terms.and_then(|terms| Estimate::combined(&terms));
    let requests: u64 = samples().map(|sample| sample.count(metric)).sum();
    let estimate = estimate.filter(|_| requests >= needed_in_all(metric));
    let value = estimate.map(|estimate| libm::exp(estimate.mean));
    let value = value.or_else(|| pooled(samples(), metric))?;
    Figure::new(value, estimate, units.iter().map(Vec::len).sum())
}

/// The figures of AWS, if they are of this run alone and whole.
fn aws_figures(record: &RunRecord) -> Result<&AwsFigures, Gap> {
    let aws = record.aws.as_ref();
    let figures = aws.and_then(|aws| aws.figures.as_ref());
    let figures = figures.ok_or(Gap::NotFetched)?;
    match figures.others {
        _ if record.base.is_some() => Err(Gap::TwoVersions),
        Some(others) => Err(Gap::Others(others)),
        None if figures.incomplete => Err(Gap::Incomplete),
        None => Ok(figures),
    }
}

/// Billed seconds of an invocation over all functions, each with its weight: all lines give the mean, and slices how
/// much it varies. What the first slice pays for cold starts is in the mean and not in the variation: it comes in
/// every run.
fn mean(functions: &[FunctionRecord], weight: fn(&ReportsRecord) -> f64) -> Option<Figure> {
    let (mut billed_ms, mut lines) = (0.0, 0.0);
    let mut slices: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for function in functions {
        let Some(reports) = &function.reports else {
            continue;
        };
        let weight = weight(reports);
        billed_ms += weight * reports.billed_ms as f64;
        lines += reports.lines as f64;
        for own in &function.slices {
            let slice = slices.entry(own.slice).or_default();
            slice.0 += weight * own.billed_ms as f64;
            slice.1 += own.lines as f64;
        }
    }
    let logs = slices.values().map(|(billed, of)| libm::log(billed / of));
    let logs: Vec<f64> = logs.filter(|log| log.is_finite()).collect();
    let value = billed_ms / lines / 1e3;
    let estimate = Estimate::from_pairs(&logs, prior_sd(Metric::P50));
    let estimate = estimate.map(|spread| Estimate {
        mean: libm::log(value),
        ..spread
    });
    Figure::new(value, estimate, logs.len())
}

/// Dollars for a million requests. Only the part for billed time varies.
fn cost(record: &CostRecord, functions: &[FunctionRecord]) -> Option<Figure> {
    let value = record.per_million_usd;
    let gb_seconds = mean(functions, |own| own.memory_mb.unwrap_or_default() as f64);
    let part = record.duration_usd.map_or(1.0, |part| part / record.usd);
    let spread = gb_seconds.and_then(|figure| figure.estimate);
    let estimate = spread.filter(|_| (0.0..=1.0).contains(&part));
    let estimate = estimate.map(|spread| Estimate {
        mean: libm::log(value),
        standard_error: part * spread.standard_error,
        ..spread
    });
    Figure::new(value, estimate, gb_seconds.map_or(0, |it| it.units))
}

#[cfg(test)]
#[path = "variants_tests.rs"]
mod tests;
