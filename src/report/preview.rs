//! What a run would send and what its verdict could see, told before anything is sent.

use std::collections::BTreeSet;

use crate::record::PhaseRecord;
use crate::report::text::layout::{table, wrap};
use crate::report::text::numbers::{self, NONE, count};
use crate::report::text::one_line;
use crate::report::wording::{measure_name, not_judged, subject_name};
use crate::thresholds::{Bound, Limit, Severity, Subject, Thresholds};
use crate::verdict::{
    CheckForecast, Design, Forecast, HISTORY_FROM, LimitForecast, Measure, NotJudged,
};

/// All that an outlook is told from.
#[derive(Clone, Copy, Debug)]
pub struct Preview<'a> {
    /// Name of the gate.
    pub gate: &'a str,
    /// The deployment that would be loaded; none where nothing names one.
    pub target: Option<&'a str>,
    /// The base version that it would be loaded with, and how: `in turns with URL, in slices of 5s`.
    pub against: Option<&'a str>,
    /// How long that would take, in words.
    pub lasts: &'a str,
    /// The phases of one deployment, repeats pooled.
    pub phases: &'a [PhaseRecord],
    /// Request names.
    pub requests: &'a [String],
    /// Requests expected by phase and name.
    pub counts: &'a [Vec<f64>],
    /// By request name, whether conditions leave it open how many of them there will be: never more than expected.
    pub undecided: &'a [bool],
    /// How long answers were taken to last, where the number of requests depends on it.
    pub answers: LatencyAssumption,
    /// What was promised.
    pub thresholds: &'a Thresholds,
    /// What it would be compared with.
    pub design: Design<'a>,
    /// What the verdict could see.
    pub forecast: &'a Forecast,
    /// Whether anything could be judged, were answers as short as they may be.
    pub is_of_use: bool,
    /// Variables of the environment that a run needs and that are not set.
    pub unset: &'a BTreeSet<String>,
}

/// How long answers are taken to last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LatencyAssumption {
    /// It does not matter: every phase has arrivals.
    Irrelevant,
    /// As long as in the newest matching job of the baseline.
    AsInBaseline,
    /// So many seconds, for want of a baseline.
    Assumed(f64),
}

/// The outlook of one gate, for a terminal of so many columns.
pub fn preview(outlook: &Preview, columns: usize) -> String {
    let paragraphs = [
        heading(outlook, columns),
        phases(outlook, columns),
        requests(outlook, columns),
        cells(outlook, columns),
        limits(outlook, columns),
        conclusion(outlook, columns),
    ];
    let told: Vec<String> = paragraphs
        .into_iter()
        .filter(|lines| !lines.is_empty())
        .map(|lines| lines.join("\n"))
        .collect();
    told.join("\n\n") + "\n"
}

fn heading(outlook: &Preview, columns: usize) -> Vec<String> {
    let lasts = outlook.lasts;
    let would = match (outlook.target, outlook.against) {
        (Some(target), None) => format!("A run would load {} for {lasts}", one_line(target)),
        (Some(target), Some(base)) => format!(
            "A run would load {} {} for {lasts}",
            one_line(target),
            one_line(base)
        ),
        (None, _) => {
            format!("A run would last {lasts} and needs --target, because the scenario has none")
        }
    };
    let told = format!(
        "{}: the files are valid, and nothing was sent. {would}.",
        one_line(outlook.gate)
    );
    let mut lines = wrap(&told, columns);
    if !outlook.unset.is_empty() {
        let names: Vec<String> = outlook.unset.iter().map(|name| one_line(name)).collect();
        let told = format!("Set before a run: {}.", names.join(", "));
        lines.extend(wrap(&told, columns));
    }
    lines
}

fn phases(outlook: &Preview, columns: usize) -> Vec<String> {
    let requests = if outlook.against.is_some() {
        "requests each"
    } else {
        "requests"
    };
    let mut rows = vec![row("phase", ["load", "lasts", requests])];
    for (phase, counts) in outlook.phases.iter().zip(outlook.counts) {
        let name = match (phase.measured, phase.passes) {
            (true, 1) => one_line(&phase.name),
            (false, 1) => format!("{} (not measured)", one_line(&phase.name)),
            (true, passes) => format!("{} ({passes} passes)", one_line(&phase.name)),
            (false, passes) => {
                format!("{} ({passes} passes, not measured)", one_line(&phase.name))
            }
        };
        let lasts = phase.duration_s * f64::from(phase.passes);
        let sum = numbers::whole(counts.iter().sum());
        let cells = [phase.load.clone(), numbers::length(lasts), count(sum)];
        rows.push((name, cells.to_vec()));
    }
    table(&rows, columns)
}

/// By name, over the measured phases.
fn requests(outlook: &Preview, columns: usize) -> Vec<String> {
    let measured = || {
        let phases = outlook.phases.iter().zip(outlook.counts);
        phases.filter(|(phase, _)| phase.measured)
    };
    let seconds: f64 = measured()
        .filter(|(phase, _)| !phase.idle)
        .map(|(phase, _)| phase.duration_s * f64::from(phase.passes))
        .sum();
    let heading = if outlook.against.is_some() {
        "each, in measured phases"
    } else {
        "in measured phases"
    };
    let mut rows = vec![row(heading, ["requests", "per second"])];
    for (index, name) in outlook.requests.iter().enumerate() {
        let sent: f64 = measured().map(|(_, counts)| counts[index]).sum();
        let sent_in_all = at_most(outlook, Some(name), numbers::whole(sent));
        let cells = [sent_in_all, numbers::rate(sent / seconds)];
        rows.push((one_line(name), cells.to_vec()));
    }
    let mut lines = table(&rows, columns);
    if outlook.undecided.contains(&true) {
        lines.extend(wrap(
            "At most: conditions (when) that are evaluated during the run are assumed to be true.",
            columns,
        ));
    }
    let assumed = match outlook.answers {
        LatencyAssumption::Irrelevant => None,
        LatencyAssumption::AsInBaseline => {
            Some("Assumes responses that take as long as in the baseline.".to_owned())
        }
        LatencyAssumption::Assumed(seconds) => Some(format!(
            "Assumes responses that take {}; slower ones mean fewer requests, faster ones more.",
            numbers::time(seconds)
        )),
    };
    if let Some(assumed) = assumed {
        lines.extend(wrap(&assumed, columns));
    }
    lines
}

/// A number of requests of a name, which conditions may make smaller.
fn at_most(outlook: &Preview, request: Option<&str>, requests: u64) -> String {
    let names = outlook.requests.iter().zip(outlook.undecided);
    let mut undecided = names.filter(|(_, undecided)| **undecided);
    if undecided.any(|(name, _)| Some(name.as_str()) == request) {
        format!("at most {}", count(requests))
    } else {
        count(requests)
    }
}

fn cells(outlook: &Preview, columns: usize) -> Vec<String> {
    if outlook.forecast.checks.is_empty() {
        return wrap(
            "No change is gated (regression.gate is empty); only the limits decide.",
            columns,
        );
    }
    let mut rows = vec![row("gated change", ["requests", "needed", "would catch"])];
    for cell in &outlook.forecast.checks {
        let measure = Measure::Metric(cell.metric);
        let cells = [
            at_most(outlook, cell.subject.name(), cell.requests),
            count(cell.need),
            match &cell.smallest {
                Ok(Some(change)) => numbers::caught(measure, *change),
                Ok(None) => NONE.to_owned(),
                Err(NotJudged::TooFewColdStarts { .. }) => "not known".to_owned(),
                Err(_) => "not judged".to_owned(),
            },
        ];
        let name = named(measure, &cell.subject, cell.phase.as_deref());
        rows.push((name, cells.to_vec()));
    }
    let mut lines = table(&rows, columns);
    let against = match outlook.design {
        Design::Jobs([]) => "Without a comparable baseline, the table assumes five recorded jobs with the usual spread."
            .to_owned(),
        Design::Jobs(jobs) => {
            let told = numbers::counted(jobs.len() as u64, "baseline job");
            if jobs.len() < HISTORY_FROM {
                format!("Against {told}; a history needs five and detects smaller changes.")
            } else {
                format!("Against {told}.")
            }
        }
        Design::Duet { pairs, slice_s, .. } => format!(
            "In a duet of {pairs} pairs of slices of {} with the usual spread; more pairs detect smaller changes.",
            numbers::length(slice_s)
        ),
    };
    lines.extend(wrap(&against, columns));
    lines
}

fn limits(outlook: &Preview, columns: usize) -> Vec<String> {
    let limits = &outlook.forecast.limits;
    if limits.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![row("limit", ["requests", "needed"])];
    for forecast in limits {
        let Some(limit) = outlook.thresholds.limits.get(forecast.limit) else {
            continue;
        };
        let cells = [
            at_most(outlook, limit.subject.name(), forecast.requests),
            forecast.need.map_or_else(|| NONE.to_owned(), count),
        ];
        rows.push((limit_name(limit), cells.to_vec()));
    }
    table(&rows, columns)
}

fn named(measure: Measure, subject: &Subject, phase: Option<&str>) -> String {
    let name = format!("{} {}", measure_name(measure), subject_name(subject));
    match phase {
        Some(phase) => format!("{name} in {}", one_line(phase)),
        None => name,
    }
}

fn limit_name(limit: &Limit) -> String {
    use crate::metric::Metric;
    let (measure, bound) = match limit.bound {
        Bound::Latency { metric, at_most } => (
            Measure::Metric(metric),
            format!("<= {}", numbers::time(at_most.as_secs_f64())),
        ),
        Bound::ErrorRate(share) => (
            Measure::Metric(Metric::ErrorRate),
            format!("<= {}", numbers::percent(share.fraction())),
        ),
        Bound::Failures(set, share) => (
            Measure::Failures(set),
            format!("<= {}", numbers::percent(share.fraction())),
        ),
        Bound::ColdShare(share) => (
            Measure::Metric(Metric::ColdShare),
            format!("<= {}", numbers::percent(share.fraction())),
        ),
        Bound::RequestsPerSecond(rate) => (
            Measure::Metric(Metric::RequestsPerSecond),
            format!(
                ">= {}",
                numbers::promised(Measure::Metric(Metric::RequestsPerSecond), rate)
            ),
        ),
    };
    let name = named(measure, &limit.subject, limit.phase.as_deref());
    let warns = match limit.severity {
        Severity::Warn => " (only warns)",
        Severity::Fail => "",
    };
    format!("{name} {bound}{warns}")
}

/// What will not be judged and why; or that all will be.
fn conclusion(outlook: &Preview, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for cell in &outlook.forecast.checks {
        if let Err(why) = &cell.smallest
            && !cell.can_be_judged()
        {
            let name = named(
                Measure::Metric(cell.metric),
                &cell.subject,
                cell.phase.as_deref(),
            );
            let told = format!("- {name} will not be judged: {}", not_judged(why));
            lines.extend(wrap(&(told + &consequence(cell)), columns));
        }
    }
    for forecast in outlook
        .forecast
        .limits
        .iter()
        .filter(|it| !it.can_be_judged())
    {
        lines.extend(unjudged_limit(outlook, forecast, columns));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    let verdict = if !outlook.is_of_use {
        "✗ Nothing that is gated can be judged; send more requests, or run longer"
    } else if lines.is_empty() {
        "✓ Everything that is gated can be judged"
    } else {
        "! Some gated checks will not be judged; send more requests, or run longer"
    };
    lines.extend(wrap(verdict, columns));
    lines
}

fn consequence(cell: &CheckForecast) -> String {
    let is_overall = cell.subject == Subject::Overall;
    match &cell.smallest {
        Err(why @ NotJudged::TooFewRequests { .. }) if is_overall => format!(
            ", so a run with a baseline is invalid; send {} times as many requests",
            count(numbers::whole(why.times().unwrap_or_default().ceil()))
        ),
        Ok(_) | Err(_) => String::new(),
    }
}

fn unjudged_limit(outlook: &Preview, forecast: &LimitForecast, columns: usize) -> Vec<String> {
    let Some(limit) = outlook.thresholds.limits.get(forecast.limit) else {
        return Vec::new();
    };
    let told = format!(
        "- the limit {} gets {} but needs {}{}",
        limit_name(limit),
        numbers::counted(forecast.requests, "request"),
        forecast.need.map_or_else(|| "1".to_owned(), count),
        match limit.severity {
            Severity::Warn => "",
            Severity::Fail => ", so the run is invalid",
        },
    );
    wrap(&told, columns)
}

fn row<const N: usize>(name: &str, cells: [&str; N]) -> (String, Vec<String>) {
    (name.to_owned(), cells.map(str::to_owned).to_vec())
}
