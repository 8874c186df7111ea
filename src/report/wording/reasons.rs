//! Why something was not judged: each reason with its numbers and with what to do.

use super::cautions::units_of;
use super::line::title;
use super::redirects::{follow, unfollowed};
use super::unreachable;
use crate::baseline::{Difference, Mismatch};
use crate::measurement::Arm;
use crate::record::Ended;
use crate::report::CommandHints;
use crate::report::text::numbers::{self, count, counted};
use crate::report::text::{Text, command, quoted, text, untrusted};
use crate::report::view::View;
use crate::units::Latency;
use crate::verdict::{
    Check, CheckKind, CheckOutcome, Comparison, InvalidReason, NoComparison, NotJudged, Warning,
};

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
        text!(
            "{}. Fix: {}",
            self.what.clone().capitalized(),
            self.fix.clone()
        )
    }
}

fn message(what: impl Into<Text>, fix: impl Into<Text>) -> Message {
    Message {
        what: what.into(),
        fix: fix.into(),
    }
}

/// Why a line was not judged.
pub(crate) fn not_judged(why: &NotJudged) -> String {
    match why {
        NotJudged::TooFewRequests { have, need } => {
            format!("{}, {} needed", counted(*have, "request"), count(*need))
        }
        NotJudged::TooFewSlices { have, need } => format!(
            "{} with enough requests, {need} needed",
            counted(u64::from(*have), "slice")
        ),
        NotJudged::TooFewColdStarts { have, need } => {
            format!("{}, {} needed", counted(*have, "cold start"), count(*need))
        }
        NotJudged::NoComparison => "nothing to compare with".to_owned(),
        NotJudged::NewRequest => "new, not in the baseline yet".to_owned(),
        NotJudged::BaseFails => "every such request fails on the base".to_owned(),
        NotJudged::Throttled => "too many requests were throttled (429)".to_owned(),
        NotJudged::Off => "turned off in regression.requests".to_owned(),
    }
}

/// Why a line of this story was not judged, and where that helps, what to do about it.
pub(super) fn why_not(view: &View, line: &Check, why: &NotJudged) -> Text {
    let is_duet = matches!(view.verdict.comparison, Comparison::Duet { .. });
    match (why, &view.verdict.comparison) {
        (NotJudged::NoComparison, Comparison::None(why)) => {
            let Message { what, fix } = no_comparison(view, why);
            text!("{}; {}", what, fix)
        }
        (NotJudged::TooFewColdStarts { have: 0, .. }, _) => no_cold_start(view),
        (NotJudged::NewRequest, _) if is_duet => text!("new, the base got no such request"),
        (NotJudged::TooFewSlices { have, need }, _)
            if is_duet && matches!(line.kind, CheckKind::Change(_)) =>
        {
            let pairs = counted(u64::from(*have), "pair");
            text!("{} with enough requests, {} needed", pairs, need)
        }
        (why, _) => not_judged(why).into(),
    }
}

/// That no cold start was seen, and whether responses have the header at all.
fn no_cold_start(view: &View) -> Text {
    let header = view.record.cold_start.as_deref().unwrap_or_default();
    let is_told = view.records().any(|record| {
        let mut parts = record.parts.iter();
        parts.any(|own| own.arm == Arm::Target && own.parts.marked > 0)
    });
    let header = untrusted(header);
    if is_told {
        text!("no cold starts in responses with header {}", header)
    } else {
        text!(
            "no cold starts seen (no response has the header {})",
            header
        )
    }
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
    let place = if view.has_file("junit.xml") {
        " (junit.xml)"
    } else {
        ""
    };
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
        InvalidReason::NoRequests => message(
            "a measured phase sent no request",
            "give every measured phase in scenario.yml users or arrivals, and check the conditions (when) of its steps",
        ),
        InvalidReason::GeneratorLate {
            dropped,
            of,
            worst_s,
            limit_s,
        } => {
            let (units, _) = units_of(view.record);
            message(
                text!(
                    "the generator fell behind in {} of {} {}: up to {} late at P99, {} allowed",
                    dropped,
                    of,
                    units,
                    Latency(*worst_s),
                    Latency(*limit_s)
                ),
                "use a machine with more free cores, or send less",
            )
        }
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
            "use a machine with more free cores, or send less",
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
        InvalidReason::BaseUnresponsive => message(
            if let Some(base) = &view.record.base {
                text!("the base {} never responded", untrusted(&base.url))
            } else {
                text!("the base never responded")
            },
            "start it, or correct the address in --against",
        ),
    }
}

fn signal(ended: &Ended) -> String {
    match ended {
        Ended::Interrupted { signal: 2 } => "SIGINT".to_owned(),
        Ended::Interrupted { signal: 15 } => "SIGTERM".to_owned(),
        Ended::Interrupted { signal } => format!("signal {signal}"),
        Ended::Completed | Ended::Aborted { .. } | Ended::Unreachable { .. } => {
            "a signal".to_owned()
        }
    }
}

fn too_few(view: &View, index: usize) -> Message {
    let Some(line) = view.verdict.checks.get(index) else {
        return message("too few requests", "run longer or with more users");
    };
    let have = match &line.outcome {
        CheckOutcome::NotJudged(why) => why_not(view, line, why),
        CheckOutcome::Passed | CheckOutcome::Failed | CheckOutcome::Inconclusive => {
            text!("only {}", counted(line.requests, "request"))
        }
    };
    let title = title(line);
    if let Some(late) = lost_to_lateness(view, line) {
        let of = match line.kind {
            CheckKind::Limit(_) => "the limit on ",
            CheckKind::Change(_) => "",
        };
        return message(
            text!("too few samples for {}{} ({}): {}", of, title, have, late),
            "use a machine with more free cores, or send less",
        );
    }
    match &line.kind {
        CheckKind::Limit(limit) => message(
            text!("too few samples for the limit on {} ({})", title, have),
            text!(
                "run longer or with more users, or remove the limit{}",
                written_at(view, limit.line)
            ),
        ),
        CheckKind::Change(_) => message(
            text!("too few samples for {}, which is gated ({})", title, have),
            match &line.outcome {
                CheckOutcome::NotJudged(NotJudged::NewRequest) => {
                    "run the same phases on target and base"
                }
                CheckOutcome::NotJudged(_)
                | CheckOutcome::Passed
                | CheckOutcome::Failed
                | CheckOutcome::Inconclusive => {
                    "run longer or with more users, or remove the metric from regression.gate"
                }
            },
        ),
    }
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
    let would_do = match line.outcome {
        CheckOutcome::NotJudged(NotJudged::TooFewRequests { have, need }) => {
            have.saturating_mul(of) >= need.saturating_mul(of.saturating_sub(dropped))
        }
        CheckOutcome::NotJudged(NotJudged::TooFewSlices { have, need }) => {
            u64::from(have) + dropped >= u64::from(need)
        }
        CheckOutcome::NotJudged(_)
        | CheckOutcome::Passed
        | CheckOutcome::Failed
        | CheckOutcome::Inconclusive => false,
    };
    let (units, _) = units_of(view.record);
    would_do.then(|| {
        format!("the generator was late in {dropped} of {of} {units}, which were left out")
    })
}

/// Where in thresholds.yml something is written.
pub(super) fn written_at(view: &View, line: Option<u32>) -> Text {
    line.map_or_else(Text::default, |line| {
        text!(" ({} line {})", untrusted(view.thresholds_path), line)
    })
}

fn missing_baseline(view: &View) -> Message {
    let required = "a baseline is required (missing_baseline: fail)";
    match &view.verdict.comparison {
        Comparison::None(why) => {
            let Message { what, fix } = no_comparison(view, why);
            message(text!("{}, but {}", required, what), fix)
        }
        Comparison::Duet { .. } | Comparison::History { .. } | Comparison::Provisional { .. } => {
            message(required, "record a baseline, or set missing_baseline: warn")
        }
    }
}

/// Why nothing was compared.
pub(crate) fn no_comparison(view: &View, why: &NoComparison) -> Message {
    let record = |flags: &str| {
        let CommandHints { program, result } = view.hints;
        let gate = quoted(view.gate_path);
        command(&format!("{program} record {gate} {result}{flags}"))
    };
    match why {
        NoComparison::Baseline(Mismatch::NoBaseline) if view.is_recorded => {
            message("there is no baseline", "this run starts one")
        }
        NoComparison::Baseline(Mismatch::NoBaseline) if view.record.run.from_pull_request => {
            message(
                "there is no baseline",
                "record runs on the main branch (--record)",
            )
        }
        NoComparison::Baseline(Mismatch::NoBaseline) => message(
            "there is no baseline",
            text!("record a first run with {}", record("")),
        ),
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
    let parts: Vec<Text> = differences
        .iter()
        .map(|difference| {
            text!(
                "{}: {} in the baseline, {} here",
                untrusted(&difference.property),
                untrusted(&difference.baseline),
                untrusted(&difference.current)
            )
        })
        .collect();
    if parts.is_empty() {
        return text!("no reason is known");
    }
    Text::join(parts, "; ")
}
