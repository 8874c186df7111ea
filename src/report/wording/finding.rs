//! What a verdict rests on, as the end of a sentence.

use super::cautions::aborted;
use super::limit::promise;
use super::line::{in_phase, measure_name, since, title};
use super::outage::headline;
use super::reasons::{invalidity, no_comparison, why_not};
use crate::report::text::numbers::{self, counted};
use crate::report::text::{Text, text, untrusted};
use crate::report::view::{CheckRow, Status, View};
use crate::thresholds::Subject;
use crate::verdict::{
    ChangeCheck, Check, CheckKind, CheckOutcome, Comparison, Enforcement, LimitCheck, Outcome,
    Reference, Warning,
};

/// What the verdict rests on, as the end of a sentence.
pub(crate) fn finding(view: &View) -> Text {
    match view.verdict.outcome {
        Outcome::Passed => passed(view),
        Outcome::Failed => failed(view),
        Outcome::Inconclusive => inconclusive(view),
        Outcome::Invalid => match view.verdict.invalid.as_slice() {
            [] => text!("the run is invalid"),
            [only] => invalidity(view, only).what,
            [first, more @ ..] => text!(
                "{}, and {}",
                invalidity(view, first).what,
                counted(more.len() as u64, "more reason")
            ),
        },
    }
}

/// How one result differs from another, in a sentence that judges for nobody.
pub(super) fn difference(view: &View) -> Text {
    if view.verdict.outcome == Outcome::Passed
        && let Some(nothing) = nothing_slower(&[view])
    {
        return nothing;
    }
    finding(view)
}

fn failed(view: &View) -> Text {
    let rows = view.rows();
    let failed: Vec<&CheckRow> = rows
        .iter()
        .filter(|row| row.status == Status::Failed)
        .collect();
    let more = |text: Text| match failed.len() {
        0 | 1 => text,
        n => {
            let noun = if view.is_comparison() {
                "more figure"
            } else {
                "more check"
            };
            let checks = counted(n as u64 - 1, noun);
            let failed = if view.is_comparison() {
                "got worse"
            } else if view.verdict.observed {
                "would have failed"
            } else {
                "failed"
            };
            text!("{}; {} {}", text, checks, failed)
        }
    };
    if let Some(stopped) = stopped_early(view) {
        return more(stopped.into());
    }
    let Some((row, worst)) = view.worst() else {
        return text!("a limit is broken");
    };
    more(match &worst.kind {
        CheckKind::Change(check) => worse(worst, check) + limits_too(row),
        CheckKind::Limit(LimitCheck {
            outage: Some(outage),
            ..
        }) => headline(worst, outage),
        CheckKind::Limit(limit) => broken(worst, limit),
    })
}

/// That the run was stopped early, and why.
pub(crate) fn stopped_early(view: &View) -> Option<String> {
    view.verdict.warnings.iter().find_map(|caution| {
        let Warning::Aborted { failures, requests } = caution else {
            return None;
        };
        let why = aborted(view, *failures, *requests);
        Some(format!("the run was stopped early because {why}"))
    })
}

/// Whom a sentence is about, with its verb: "`GET /orders` is", "requests overall are".
fn who(line: &Check) -> Text {
    let phase = in_phase(line);
    match &line.subject {
        Subject::Overall => text!("requests overall{} are", phase),
        Subject::Request(name) => text!("{}{} is", untrusted(name), phase),
    }
}

/// A change for the worse: "`GET /orders` is slower: P95 182 → 231 ms (+26.9 %)".
fn worse(line: &Check, check: &ChangeCheck) -> Text {
    let measure = line.measure;
    let how = if numbers::is_share(measure) {
        "failing more often"
    } else if numbers::more_is_better(measure) {
        "served at a lower rate"
    } else {
        "slower"
    };
    let figures = match (check.before, line.current) {
        (Some(before), Some(now)) => text!(" {}", numbers::from_to(measure, before, now)),
        (None | Some(_), _) => Text::default(),
    };
    let change = check.change.map_or_else(Text::default, |change| {
        text!(" ({})", numbers::change(measure, change.estimate))
    });
    text!(
        "{} {}{}: {}{}{}",
        who(line),
        how,
        since(line),
        measure_name(measure),
        figures,
        change
    )
}

/// That a figure that changed also broke its limit.
fn limits_too(row: &CheckRow) -> String {
    let broken = row.limits.iter().find(|(line, _)| {
        line.outcome == CheckOutcome::Failed && line.enforcement == Enforcement::Gated
    });
    broken.map_or_else(String::new, |(line, limit)| {
        format!(", limit {} broken", promise(line, limit))
    })
}

/// A broken limit: "`GET /orders` is over its limit: P95 612 ms, limit 500 ms".
fn broken(line: &Check, limit: &LimitCheck) -> Text {
    let over = if numbers::more_is_better(line.measure) {
        "below"
    } else {
        "over"
    };
    let its = match line.subject {
        Subject::Overall => "their",
        Subject::Request(_) => "its",
    };
    text!(
        "{} {} {} limit: {} {}, limit {}",
        who(line),
        over,
        its,
        measure_name(line.measure),
        numbers::value_or_none(line.measure, line.current),
        promise(line, limit)
    )
}

fn inconclusive(view: &View) -> Text {
    let rows = view.rows();
    let open: Vec<&Check> = rows.iter().filter_map(CheckRow::open_line).collect();
    let Some(first) = open.first() else {
        return text!("the result is unclear");
    };
    let more = |text: Text| match open.len() - 1 {
        0 => text,
        1 => text!("{}; 1 more check is inconclusive", text),
        more => text!("{}; {} more checks are inconclusive", text, more),
    };
    let title = title(first);
    let text = match &first.kind {
        CheckKind::Change(check) => {
            if let CheckOutcome::NotJudged(why) = &first.outcome {
                let why = why_not(view, first, why);
                return more(text!("unclear whether {} got worse: {}", title, why));
            }
            let range = check.change.map_or_else(Text::default, |change| {
                let interval = numbers::interval(first.measure, &change);
                text!(", 95 % interval {}", interval)
            });
            text!("unclear whether {} got worse{}", title, range)
        }
        CheckKind::Limit(limit) => {
            let promise = promise(first, limit);
            let text = text!(
                "unclear whether {} is within its limit of {}",
                title,
                promise
            );
            match &first.outcome {
                CheckOutcome::NotJudged(why) => {
                    text!("{}: {}", text, why_not(view, first, why))
                }
                CheckOutcome::Passed | CheckOutcome::Failed | CheckOutcome::Inconclusive => text,
            }
        }
    };
    more(text)
}

fn passed(view: &View) -> Text {
    let mut text = match &view.verdict.comparison {
        Comparison::None(why) => {
            let reason = no_comparison(view, why);
            text!(
                "{}; nothing was compared: {}",
                limits_hold(view),
                reason.what
            )
        }
        Comparison::Duet { .. } | Comparison::History { .. } | Comparison::Provisional { .. } => {
            nothing_slower(&[view])
                .unwrap_or_else(|| text!("{}; no change was judged", limits_hold(view)))
        }
    };
    let rows = view.rows();
    let with = |status| rows.iter().filter(|row| row.status == status).count();
    match with(Status::Warned) {
        0 => {}
        1 => text += "; 1 limit that only warns is broken",
        n => text += text!("; {} limits that only warn are broken", n),
    }
    match with(Status::NotJudged) {
        0 => {}
        n => text += text!("; {} not judged", counted(n as u64, "check")),
    }
    text
}

fn limits_hold(view: &View) -> String {
    let held = view.verdict.checks.iter().filter(|line| {
        matches!(line.kind, CheckKind::Limit(_)) && line.enforcement == Enforcement::Gated
    });
    match held.count() {
        0 => "no limits are set".to_owned(),
        1 => "the one limit holds".to_owned(),
        2 => "both limits hold".to_owned(),
        n => format!("all {n} limits hold"),
    }
}

/// "Nothing slower", over some gates, and how much slower would have been caught; none where no change was judged.
pub(crate) fn nothing_slower(views: &[&View]) -> Option<Text> {
    let mut lines: Vec<(&View, &Check)> = Vec::new();
    for view in views {
        lines.extend(view.verdict.checks.iter().map(|line| (*view, line)));
    }
    let passed: Vec<(&View, &Check, &ChangeCheck)> = lines
        .iter()
        .filter_map(|(view, line)| match &line.kind {
            // Drift has another tolerance, and is shown if it fails.
            CheckKind::Change(check)
                if Status::new(line) == Status::Passed && check.reference == Reference::Newest =>
            {
                Some((*view, *line, check))
            }
            CheckKind::Change(_) | CheckKind::Limit(_) => None,
        })
        .collect();
    if passed.is_empty() {
        return None;
    }
    let latencies = || {
        let changes = passed.iter();
        changes.filter(|(_, line, _)| !numbers::is_share(line.measure))
    };
    let slower = match latencies().next() {
        Some(_) => "slower",
        None => "worse",
    };
    let is_worse = |(_, line): &(&View, &Check)| Status::new(line) == Status::Worse;
    let nothing = if passed
        .iter()
        .any(|(_, _, check)| check.acceptance.is_some())
    {
        text!("nothing {} than accepted", slower)
    } else if passed
        .iter()
        .any(|(view, line, check)| view.is_below_floor(line, check))
    {
        text!("no change above its floor")
    } else if lines.iter().any(is_worse) {
        text!("nothing {} in a gated check", slower)
    } else if let Some(most) = slower_within(latencies().map(|(_, line, check)| (*line, *check))) {
        text!("nothing {} beyond the tolerance: {}", slower, most)
    } else {
        text!("nothing {}", slower)
    };
    let least = latencies()
        .filter_map(|(_, line, check)| {
            let would_catch = check.min_detectable.filter(|change| change.is_finite())?;
            Some((line.measure, would_catch))
        })
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    let place = if views.iter().any(|view| view.is_comparison()) {
        "in a latency or rate that was compared"
    } else {
        "in any gated check"
    };
    Some(match least {
        Some((measure, change)) => text!(
            "{}; {} or more {} would have been caught",
            nothing,
            numbers::caught(measure, change),
            place
        ),
        None => nothing,
    })
}

/// The change that is surely there and that the tolerance spares: the largest of them.
fn slower_within<'a>(passed: impl Iterator<Item = (&'a Check, &'a ChangeCheck)>) -> Option<Text> {
    let sure = passed.filter_map(|(line, check)| {
        let change = check.change?;
        let is_worse = if numbers::more_is_better(line.measure) {
            change.upper < 0.0
        } else {
            change.lower > 0.0
        };
        is_worse.then_some((line, check, change))
    });
    let (line, check, change) =
        sure.max_by(|a, b| a.2.estimate.abs().total_cmp(&b.2.estimate.abs()))?;
    Some(text!(
        "{} is worse by {} {}, {} is tolerated",
        title(line),
        numbers::change(line.measure, change.estimate),
        numbers::interval(line.measure, &change),
        numbers::allowed(line.measure, check.tolerance)
    ))
}
