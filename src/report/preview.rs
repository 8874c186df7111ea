//! What a run would send and what its verdict could see, told before anything is sent.

use std::collections::BTreeSet;

use crate::record::PhaseRecord;
use crate::report::text::layout::{Row, table, wrap};
use crate::report::text::{count, numbers, one_line};
use crate::report::wording::{measure_name, not_judged, subject_name};
use crate::thresholds::{Limit, Severity, Subject, Thresholds};
use crate::verdict::{
    CheckForecast, Design, Forecast, HISTORY_FROM, LimitForecast, Measure, NotJudged,
};

/// All that an outlook is told from.
#[derive(Clone, Debug)]
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
    /// What it could see the other way: with a base version in the same job, or against the baseline in a duet.
    pub otherwise: &'a Forecast,
    /// The change of the plan that helps most; none where none helps much.
    pub improvement: Option<Improvement>,
    /// Whether anything could be judged, were answers as short as they may be.
    pub is_of_use: bool,
    /// Variables of the environment that a run needs and that are not set.
    pub unset: &'a BTreeSet<String>,
}

/// A change of a plan, with what it brings.
#[derive(Clone, Debug, PartialEq)]
pub struct Improvement {
    /// What is changed.
    pub change: PlanChange,
    /// The check whose smallest change falls most.
    pub check: CheckForecast,
    /// The smallest change that it would catch then.
    pub then: f64,
}

/// A change of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanChange {
    /// A base version is loaded in the same job.
    BaseVersion,
    /// Twice as many requests are sent.
    TwiceTheRequests,
    /// Both versions of a duet are loaded at once.
    Mix,
    /// No other latency is gated.
    GateAlone,
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

/// The preview of one gate, for a terminal of so many columns.
pub fn preview(preview: &Preview, columns: usize) -> String {
    let blocks = [
        (Vec::new(), preview.heading()),
        (preview.phases(), Vec::new()),
        preview.requests(),
        preview.changes(),
        (preview.limits(), Vec::new()),
        (Vec::new(), preview.unjudged()),
        (Vec::new(), vec![preview.conclusion()]),
    ];
    let blocks = blocks.iter().map(|(rows, sentences)| {
        let sentences = sentences.iter().flat_map(|text| wrap(text, columns));
        let lines: Vec<String> = table(rows, columns).into_iter().chain(sentences).collect();
        lines.join("\n")
    });
    let blocks: Vec<String> = blocks.filter(|block| !block.is_empty()).collect();
    blocks.join("\n\n") + "\n"
}

impl Preview<'_> {
    fn heading(&self) -> Vec<String> {
        let lasts = self.lasts;
        let base = self.against.map(|base| one_line(base) + " ");
        let base = base.unwrap_or_default();
        let would = match self.target.map(one_line) {
            Some(target) => format!("A run would load {target} {base}for {lasts}"),
            None => format!(
                "A run would last {lasts} and needs --target, because the scenario has none"
            ),
        };
        let mut sentences = vec![format!(
            "{}: the files are valid, and nothing was sent. {would}.",
            one_line(self.gate)
        )];
        if !self.unset.is_empty() {
            let names: Vec<String> = self.unset.iter().map(|name| one_line(name)).collect();
            sentences.push(format!("Set before a run: {}.", names.join(", ")));
        }
        sentences
    }

    /// The words for requests of one deployment, and for what is counted of it.
    fn of_each(&self, words: [&'static str; 2]) -> &'static str {
        words[usize::from(self.against.is_some())]
    }

    fn phases(&self) -> Vec<Row> {
        let requests = self.of_each(["requests", "requests each"]);
        let phases = self.phases.iter().zip(self.counts);
        let rows = phases.map(|(phase, counts)| {
            let passes = (phase.passes > 1).then(|| format!("{} passes", phase.passes));
            let unmeasured = (!phase.measured).then(|| "not measured".to_owned());
            let notes: Vec<String> = passes.into_iter().chain(unmeasured).collect();
            let mut name = one_line(&phase.name);
            if !notes.is_empty() {
                name += &format!(" ({})", notes.join(", "));
            }
            let lasts = numbers::length(phase.duration_s * f64::from(phase.passes));
            let requests = count(numbers::whole(counts.iter().sum()));
            (name, vec![phase.load.clone(), lasts, requests])
        });
        headed("phase", &["load", "lasts", requests], rows)
    }

    /// By name, over the measured phases.
    fn requests(&self) -> (Vec<Row>, Vec<String>) {
        let measured = || {
            let phases = self.phases.iter().zip(self.counts);
            phases.filter(|(phase, _)| phase.measured)
        };
        let seconds: f64 = measured()
            .filter(|(phase, _)| !phase.idle)
            .map(|(phase, _)| phase.duration_s * f64::from(phase.passes))
            .sum();
        let rows = self.requests.iter().enumerate().map(|(index, name)| {
            let sent: f64 = measured().map(|(_, counts)| counts[index]).sum();
            let at_most = self.at_most(Some(name), numbers::whole(sent));
            (one_line(name), vec![at_most, numbers::rate(sent / seconds)])
        });
        let heading = self.of_each(["in measured phases", "each, in measured phases"]);
        let undecided = self.undecided.contains(&true).then(|| {
            "At most: conditions (when) that are evaluated during the run are assumed to be true."
                .to_owned()
        });
        let assumed = match self.answers {
            LatencyAssumption::Irrelevant => None,
            LatencyAssumption::AsInBaseline => {
                Some("Assumes responses that take as long as in the baseline.".to_owned())
            }
            LatencyAssumption::Assumed(seconds) => Some(format!(
                "Assumes responses that take {}; slower ones mean fewer requests, faster ones more.",
                numbers::time(seconds)
            )),
        };
        (
            headed(heading, &["requests", "per second"], rows),
            undecided.into_iter().chain(assumed).collect(),
        )
    }

    /// A number of requests of a name, which conditions may make smaller.
    fn at_most(&self, request: Option<&str>, requests: u64) -> String {
        let mut names = self.requests.iter().zip(self.undecided);
        let requests = count(requests);
        if names.any(|(name, undecided)| *undecided && Some(name.as_str()) == request) {
            return format!("at most {requests}");
        }
        requests
    }

    fn changes(&self) -> (Vec<Row>, Vec<String>) {
        if self.forecast.checks.is_empty() {
            let none = "No change is gated (regression.gate is empty); only the limits decide.";
            return (Vec::new(), vec![none.to_owned()]);
        }
        let rows = self.forecast.checks.iter().map(|check| {
            let caught = |change| numbers::caught(Measure::Metric(check.metric), change);
            let cells = vec![
                self.at_most(check.subject.name(), check.requests),
                count(check.need),
                match &check.smallest {
                    Ok(change) => numbers::or_none(change.map(caught)),
                    Err(NotJudged::TooFewColdStarts { .. }) => "not known".to_owned(),
                    Err(_) => "not judged".to_owned(),
                },
                numbers::or_none(self.otherwise.smallest_of(check).map(caught)),
            ];
            (check_name(check), cells)
        });
        let against = match self.design {
            Design::Jobs([]) => "Without a comparable baseline, the table assumes five recorded jobs with the usual spread."
                .to_owned(),
            Design::Jobs(jobs) => {
                let known = numbers::counted(jobs.len() as u64, "baseline job");
                let is_short = jobs.len() < HISTORY_FROM;
                let few = "; a history needs five and detects smaller changes";
                format!("Against {known}{}.", if is_short { few } else { "" })
            }
            Design::Duet { pairs, slice_s, .. } => format!(
                "In a duet of {pairs} pairs of slices of {} with the usual spread; more pairs detect smaller changes.",
                numbers::length(slice_s)
            ),
        };
        let other = match self.design {
            Design::Jobs(_) => "with a base",
            Design::Duet { .. } => "by history",
        };
        let heads = ["requests", "needed", "would catch", other];
        let improvement = self.improvement.as_ref().map(improved);
        let sentences = [Some(against), improvement].into_iter().flatten();
        (headed("gated change", &heads, rows), sentences.collect())
    }

    fn forecast_limits(&self) -> impl Iterator<Item = (&Limit, &LimitForecast)> {
        let limits = &self.thresholds.limits;
        let forecasts = self.forecast.limits.iter();
        forecasts.filter_map(|forecast| Some((limits.get(forecast.limit)?, forecast)))
    }

    fn limits(&self) -> Vec<Row> {
        let rows = self.forecast_limits().map(|(limit, forecast)| {
            let need = numbers::or_none(forecast.need.map(count));
            let requests = self.at_most(limit.subject.name(), forecast.requests);
            (limit_name(limit), vec![requests, need])
        });
        let of_aws = self.thresholds.aws.iter().map(|limit| {
            let measure = Measure::Aws(limit.metric);
            let name = measure_name(measure);
            let bound = numbers::promised(measure, limit.at_most);
            let none = || numbers::NONE.to_owned();
            (format!("{name} <= {bound}"), vec![none(), none()])
        });
        let rows = headed("limit", &["requests", "needed"], rows.chain(of_aws));
        if rows.len() > 1 { rows } else { Vec::new() }
    }

    /// What will not be judged, and why.
    fn unjudged(&self) -> Vec<String> {
        let checks = self.forecast.checks.iter().filter_map(|check| {
            let why = check.smallest.as_ref().err()?;
            let name = check_name(check);
            let text = format!("- {name} will not be judged: {}", not_judged(why));
            (!check.can_be_judged()).then(|| text + &consequence(check, why))
        });
        let limits = self.forecast_limits();
        let limits = limits.filter(|(_, forecast)| !forecast.can_be_judged());
        let limits = limits.map(|(limit, forecast)| {
            let consequence = match limit.severity {
                Severity::Warn => "",
                Severity::Fail => ", so the run is invalid",
            };
            format!(
                "- the limit {} gets {} but needs {}{consequence}",
                limit_name(limit),
                numbers::counted(forecast.requests, "request"),
                count(forecast.need.unwrap_or(1))
            )
        });
        checks.chain(limits).collect()
    }

    fn conclusion(&self) -> String {
        if !self.is_of_use {
            "✗ Nothing that is gated can be judged; send more requests, or run longer"
        } else if self.unjudged().is_empty() {
            "✓ Everything that is gated can be judged"
        } else {
            "! Some gated checks will not be judged; send more requests, or run longer"
        }
        .to_owned()
    }
}

/// The change of the plan that helps most, in a sentence.
fn improved(improvement: &Improvement) -> String {
    let check = &improvement.check;
    let measure = Measure::Metric(check.metric);
    let what = match improvement.change {
        PlanChange::BaseVersion => "a base version in the same job (--against URL)".to_owned(),
        PlanChange::TwiceTheRequests => "twice as many requests".to_owned(),
        PlanChange::Mix => "--interleave mixed".to_owned(),
        PlanChange::GateAlone => format!("gating no latency but {}", measure_name(measure)),
    };
    let now = check.smallest.as_ref().ok().copied().flatten();
    format!(
        "What would help most: {what}. It would catch {} on {} instead of {}.",
        numbers::caught(measure, improvement.then),
        check_name(check),
        numbers::caught(measure, now.unwrap_or_default())
    )
}

fn headed(name: &str, heads: &[&str], rows: impl Iterator<Item = Row>) -> Vec<Row> {
    let heads = heads.iter().map(|head| (*head).to_owned()).collect();
    std::iter::once((name.to_owned(), heads))
        .chain(rows)
        .collect()
}

fn name(measure: Measure, subject: &Subject, phase: Option<&str>) -> String {
    let phase = phase.map(|phase| format!(" in {}", one_line(phase)));
    let (measure, phase) = (measure_name(measure), phase.unwrap_or_default());
    format!("{measure} {}{phase}", subject_name(subject))
}

fn check_name(check: &CheckForecast) -> String {
    let measure = Measure::Metric(check.metric);
    name(measure, &check.subject, check.phase.as_deref())
}

fn limit_name(limit: &Limit) -> String {
    let measure = Measure::from(limit.bound);
    let sign = if numbers::more_is_better(measure) {
        ">="
    } else {
        "<="
    };
    let warns = match limit.severity {
        Severity::Warn => " (only warns)",
        Severity::Fail => "",
    };
    let name = name(measure, &limit.subject, limit.phase.as_deref());
    let bound = numbers::promised(measure, limit.bound.value());
    format!("{name} {sign} {bound}{warns}")
}

fn consequence(check: &CheckForecast, why: &NotJudged) -> String {
    if !matches!(why, NotJudged::TooFewRequests { .. }) || check.subject != Subject::Overall {
        return String::new();
    }
    let times = count(numbers::whole(why.times().unwrap_or_default().ceil()));
    format!(", so a run with a baseline is invalid; send {times} times as many requests")
}
