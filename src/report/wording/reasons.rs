//! Why something was not judged: each reason with its numbers and with what to do.

use super::line::title;
use super::redirects::{follow, unfollowed};
use super::unreachable;
use crate::baseline::{Difference, Mismatch};
use crate::measurement::Arm;
use crate::record::{Ended, RunRecord};
use crate::report::text::{Text, command, count, counted, numbers, quoted, text, untrusted};
use crate::report::view::View;
use crate::units::{Dollars, Latency};
use crate::verdict::{Check, Comparison, InvalidReason, Measure, NoComparison, NotJudged, Warning};

/// What happened, and what to do about it.
pub(crate) struct Message {
    /// What happened, as the end of a sentence.
    pub(crate) what: Text,
    /// What to do about it, as a command.
    pub(crate) fix: Text,
}

impl Message {
    /// Both as sentences: what happened, and after it what to do.
    pub(crate) fn sentences(&self) -> Text {
        let (what, fix) = (self.what.clone().capitalized(), self.fix.clone());
        text!("{}. Fix: {}", what, fix)
    }
}

fn message(what: impl Into<Text>, fix: impl Into<Text>) -> Message {
    Message {
        what: what.into(),
        fix: fix.into(),
    }
}

/// What to do if the generator could not keep up.
const MORE_CORES: &str = "use a machine with more free cores, or send less";

/// Why a line was not judged.
pub(crate) fn not_judged(why: &NotJudged) -> String {
    let needed = |have: String, need: u64| format!("{have}, {} needed", count(need));
    match why {
        NotJudged::TooFewRequests { have, need } => needed(counted(*have, "request"), *need),
        NotJudged::TooFewSlices { have, need } => too_few_units(*have, *need, "slice"),
        NotJudged::TooFewColdStarts { have, need } => needed(counted(*have, "cold start"), *need),
        NotJudged::NoComparison => "nothing to compare with".to_owned(),
        NotJudged::NewRequest => "new, not in the baseline yet".to_owned(),
        NotJudged::BaseFails => "every such request fails on the base".to_owned(),
        NotJudged::OtherMachine => "the reference changed, so this is another machine".to_owned(),
        NotJudged::NoAwsFigure => "AWS did not give the figure".to_owned(),
        NotJudged::OthersRequests => "others used the functions in the same minutes".to_owned(),
        NotJudged::Throttled => "too many requests were throttled (429)".to_owned(),
        NotJudged::Off => "turned off in regression.requests".to_owned(),
    }
}

fn too_few_units(have: u32, need: u32, unit: &str) -> String {
    let have = counted(u64::from(have), unit);
    format!("{have} with enough requests, {need} needed")
}

/// Why a line of this story was not judged, and where that helps, what to do about it.
pub(super) fn why_not(view: &View, line: &Check, why: &NotJudged) -> Text {
    match (why, &view.verdict.comparison) {
        (NotJudged::NoComparison, Comparison::None(why)) => {
            let Message { what, fix } = no_comparison(view, why);
            text!("{}; {}", what, fix)
        }
        (NotJudged::TooFewColdStarts { have: 0, .. }, _) => {
            let is_told = view.records().any(|record| {
                let mut parts = record.parts.iter();
                parts.any(|own| own.arm == Arm::Target && own.parts.marked > 0)
            });
            no_cold_start(view, is_told)
        }
        (NotJudged::NewRequest, Comparison::Duet { .. }) => {
            text!("new, the base got no such request")
        }
        (NotJudged::TooFewSlices { have, need }, Comparison::Duet { .. })
            if line.change().is_some() =>
        {
            too_few_units(*have, *need, "pair").into()
        }
        (why, _) => not_judged(why).into(),
    }
}

/// That no cold start was seen, and whether responses have the header at all.
pub(super) fn no_cold_start(view: &View, is_marked: bool) -> Text {
    let Some(header) = view.record.cold_start.as_deref().map(untrusted) else {
        let what = if is_marked {
            "the log of the functions has no cold start that a request waited for"
        } else {
            "no cold starts seen (no request was found in the log of a function)"
        };
        return what.into();
    };
    if is_marked {
        return text!("no cold starts in responses with header {}", header);
    }
    text!(
        "no cold starts seen (no response has the header {})",
        header
    )
}

/// Why a run could not be judged: every reason.
pub(crate) fn invalidities(view: &View) -> Vec<Message> {
    let all = view.verdict.invalid.iter();
    all.map(|why| invalidity(view, why)).collect()
}

/// Reasons that one report lists; what they have in common shows in a few, and junit.xml has each of them.
pub(crate) const MOST_REASONS: usize = 10;

/// That so many reasons are not listed, and where they are.
pub(crate) fn more_reasons(view: &View, more: usize) -> String {
    let is_written = view.has_file("junit.xml");
    let place = if is_written { " (junit.xml)" } else { "" };
    format!("{}{place}.", counted(more as u64, "more reason"))
}

/// Why the run as a whole could not be judged.
pub(super) fn invalidity(view: &View, why: &InvalidReason) -> Message {
    match why {
        InvalidReason::Unreachable { arm, cause, why } => message(
            unreachable::what(view, *arm, *cause, why),
            unreachable::remedy_in(view, *arm, *cause),
        ),
        InvalidReason::Interrupted => message(
            text!(
                "the run was stopped by {} after {}",
                signal(&view.record.run.ended),
                numbers::length(view.record.run.duration_s)
            ),
            "run it again; result.json has what was measured, marked partial",
        ),
        InvalidReason::BudgetSpent { usd } => budget_spent(view, *usd),
        InvalidReason::NoRequests => message(
            "a measured phase sent no request",
            "give every measured phase in scenario.yml users or arrivals, and check the conditions (when) of its steps",
        ),
        InvalidReason::GeneratorLate {
            dropped,
            of,
            worst_s,
            limit_s,
        } => message(
            text!(
                "the generator fell behind in {} of {} {}: up to {} late at P99, {} allowed",
                dropped,
                of,
                units_of(view.record),
                Latency(*worst_s),
                Latency(*limit_s)
            ),
            MORE_CORES,
        ),
        InvalidReason::GeneratorBusy { share, limit } => message(
            text!(
                "a core of the generator was busy {} of the time ({} allowed), so latencies include its own delay",
                numbers::share(*share),
                numbers::percent(*limit)
            ),
            "send less (users with a wait, or arrivals), or use a machine with more cores",
        ),
        InvalidReason::GeneratorShort { achieved, limit } => message(
            text!(
                "the generator started {} of the arrivals in time ({} needed)",
                numbers::share(*achieved),
                numbers::percent(*limit)
            ),
            MORE_CORES,
        ),
        InvalidReason::NoSockets { requests } => message(
            text!(
                "the generator's machine had no file descriptor or port left for {}",
                counted(*requests, "request")
            ),
            "raise its limits (`ulimit -n`, local ports), or use fewer users",
        ),
        InvalidReason::Unfollowed(names) => message(unfollowed(names), follow(names)),
        InvalidReason::TooFewForLimit { check: line }
        | InvalidReason::TooFewForRegression { check: line } => too_few(view, *line),
        InvalidReason::MissingBaseline => missing_baseline(view),
        InvalidReason::BaseUnavailable { seconds, of_s } => message(
            text!(
                "the base was unavailable for {} of {}",
                numbers::length(*seconds),
                numbers::length(*of_s)
            ),
            "find out why the base hangs, then run it again",
        ),
        InvalidReason::Throttled { arm, share, limit } => message(
            text!(
                "the {} throttled {} of its requests (429), {} allowed: if target and base share a quota, each takes it from the other, and their latencies say little",
                match arm {
                    Arm::Target => "target",
                    Arm::Base => "base",
                },
                numbers::share(*share),
                numbers::share(*limit)
            ),
            "raise the quota, send less, or use --interleave 5s",
        ),
        InvalidReason::OtherMachine { metric, change } => message(
            text!(
                "{} of the reference changed by {}, far more than in the baseline's jobs: this is another machine",
                metric.label(),
                numbers::change(Measure::Metric(*metric), *change)
            ),
            "run it again; if all runners are such machines now, record new jobs",
        ),
        InvalidReason::BaseUnresponsive => message(
            text!(
                "{} never responded",
                unreachable::deployment(view, Arm::Base)
            ),
            "start it, or correct the address in --against",
        ),
    }
}

fn budget_spent(view: &View, usd: f64) -> Message {
    message(
        text!(
            "the load had cost up to {} after {}, which is all of aws.budget",
            Dollars(usd).to_string(),
            numbers::length(view.record.run.duration_s)
        ),
        "send less, or raise the budget; result.json has what was measured, marked partial",
    )
}

fn signal(ended: &Ended) -> String {
    match ended {
        Ended::Interrupted { signal: 2 } => "SIGINT".to_owned(),
        Ended::Interrupted { signal: 15 } => "SIGTERM".to_owned(),
        Ended::Interrupted { signal } => format!("signal {signal}"),
        Ended::Completed
        | Ended::Aborted { .. }
        | Ended::BudgetSpent { .. }
        | Ended::Unreachable { .. } => "a signal".to_owned(),
    }
}

fn too_few(view: &View, index: usize) -> Message {
    let Some(line) = view.verdict.checks.get(index) else {
        return message("too few requests", "run longer or with more users");
    };
    let why = line.why_not_judged();
    let have = why.map_or_else(
        || text!("only {}", counted(line.requests, "request")),
        |why| why_not(view, line, why),
    );
    let limit = line.limit();
    if let (Measure::Aws(_), Some(limit)) = (line.measure, limit) {
        let figures = view.record.aws_figures();
        let missing = figures.and_then(|figures| figures.missing.first());
        let missing = missing.map(|why| text!(" ({})", untrusted(why)));
        let title = title(line);
        return message(
            text!("the limit on {} was not judged: {}{}", title, have, missing),
            text!(
                "{}, or remove the limit{}",
                if figures.is_some() {
                    "make AWS give the figure"
                } else {
                    "fetch it with 'loadgate aws RESULT'"
                },
                written_at(view, limit.line)
            ),
        );
    }
    let of = if limit.is_some() { "the limit on " } else { "" };
    let what = text!("too few samples for {}{}", of, title(line));
    if let Some(late) = lost_to_lateness(view, line) {
        return message(text!("{} ({}): {}", what, have, late), MORE_CORES);
    }
    let gated = limit.is_none().then_some(", which is gated");
    let fix = match limit {
        Some(limit) => text!(
            "run longer or with more users, or remove the limit{}",
            written_at(view, limit.line)
        ),
        None if why == Some(&NotJudged::NewRequest) => {
            text!("run the same phases on target and base")
        }
        None => text!("run longer or with more users, or remove the metric from regression.gate"),
    };
    message(text!("{}{} ({})", what, gated, have), fix)
}

/// That what a line lacks was left out since the generator was late, where that alone is why.
fn lost_to_lateness(view: &View, line: &Check) -> Option<String> {
    let mut warnings = view.verdict.warnings.iter();
    let (dropped, of) = warnings.find_map(|warning| {
        let Warning::LateSlices { dropped, of, .. } = warning else {
            return None;
        };
        Some((u64::from(*dropped), u64::from(*of)))
    })?;
    let would_do = match line.why_not_judged() {
        Some(NotJudged::TooFewRequests { have, need }) => {
            have.saturating_mul(of) >= need.saturating_mul(of.saturating_sub(dropped))
        }
        Some(NotJudged::TooFewSlices { have, need }) => {
            u64::from(*have) + dropped >= u64::from(*need)
        }
        Some(_) | None => false,
    };
    let units = units_of(view.record);
    would_do.then(|| {
        format!("the generator was late in {dropped} of {of} {units}, which were left out")
    })
}

/// What the generator's lateness drops: slices, or the pairs of a duet.
pub(super) fn units_of(record: &RunRecord) -> &'static str {
    if record.base.is_some() {
        "pairs"
    } else {
        "slices"
    }
}

/// Where in thresholds.yml something is written.
pub(super) fn written_at(view: &View, line: Option<u32>) -> Text {
    let path = untrusted(view.thresholds_path);
    let line = line.filter(|_| view.gate_path.is_some());
    line.map(|line| text!(" ({} line {})", path, line)).into()
}

fn missing_baseline(view: &View) -> Message {
    let required = "a baseline is required (missing_baseline: fail)";
    let Comparison::None(why) = &view.verdict.comparison else {
        return message(required, "record a baseline, or set missing_baseline: warn");
    };
    let Message { what, fix } = no_comparison(view, why);
    message(text!("{}, but {}", required, what), fix)
}

/// The command that records in the baseline of the gate, to be typed.
pub(super) fn record_command(view: &View, arguments: &str) -> Text {
    let gate = quoted(view.gate_path.unwrap_or("GATE"));
    command(&format!("{} record {gate} {arguments}", view.hints.program))
}

/// Why nothing was compared.
pub(crate) fn no_comparison(view: &View, why: &NoComparison) -> Message {
    let record = |flags: &str| record_command(view, &format!("{}{flags}", view.hints.result));
    match why {
        NoComparison::Baseline(Mismatch::NoBaseline) => {
            let fix = if view.gate_path.is_none() {
                text!("compare with a base version in the same run (--against URL)")
            } else if view.is_recorded {
                text!("this run starts one")
            } else if view.record.run.from_pull_request {
                text!("record runs on the main branch (--record)")
            } else {
                text!("record a first run with {}", record(""))
            };
            message("there is no baseline", fix)
        }
        NoComparison::Baseline(Mismatch::NoJobMatches { differences }) => message(
            text!(
                "no baseline job is comparable with this run ({})",
                differences_text(differences)
            ),
            text!("record comparable runs with {}", record("")),
        ),
        NoComparison::Baseline(Mismatch::ScenarioDiffers { .. }) => message(
            "the scenario differs from the baseline's",
            text!("start a new baseline with {}", record(" --restart")),
        ),
        NoComparison::NotJudged if view.abort_line().is_some() => message(
            "the run was stopped early, so its load differs from the baseline's",
            "fix the errors, then run it again",
        ),
        NoComparison::NotJudged => message("the run could not be judged", "run it again"),
    }
}

fn differences_text(differences: &[Difference]) -> Text {
    if differences.is_empty() {
        return text!("no reason is known");
    }
    let parts = differences.iter().map(|difference| {
        text!(
            "{}: {} in the baseline, {} here",
            untrusted(&difference.property),
            untrusted(&difference.baseline),
            untrusted(&difference.current)
        )
    });
    Text::join(parts, "; ")
}
